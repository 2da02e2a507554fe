/** The words for a customer who has just had an accident: short, calm, and never a promise we cannot keep. */
import { labels, words } from '@shared/i18n';

export const t = words(
  {
    title: '服务进度', reportNo: '报案号', whoComes: '为您服务', etaUnderWay: '预计 {t}后到达', etaAt: '约 {t} 到达', etaIfLeaves: '车程约 {t}，出发后会更新到达时间', etaUnknown: '出发后会显示预计到达时间', etaSoon: '马上就到', etaPassed: '比预计的晚，正在赶来，请再稍候', appointed: '约定 {t} 到达',
    fresh: '位置更新于 {t}前', staleNote: '已有 {t} 没有收到他的位置，到达时间仅供参考', noPosition: '暂时没有收到他的位置', mapLabel: '查勘员的位置', you: '事故地点', him: '查勘员', stepsTitle: '进度', placeTitle: '事故地点',
    safeTitle: '等候时请先确保安全', safe1: '打开双闪，人员撤到护栏外或安全处', safe2: '车后放三角警示牌（高速公路 150 米外）', safe3: '有人受伤请立即拨打 120，需要交警请拨打 122', call120: '120 急救', call122: '122 交警',
    photosFirstTitle: '请先上传现场照片', photosFirstNote: '请在安全的前提下拍下：全景、车牌、每处受损的远近照片。先收到照片，我们能更快为您处理。', photosTitle: '我的照片', photosNote: '您可以先拍下现场和受损部位，查勘员会看到。安全第一，不方便时可以不拍。', photosMore: '如有需要补充的照片，可以在这里上传。', addPhotos: '拍照或选择照片', sending: '正在上传 {n} 张', sent: '已收到 {n} 张', failedPhoto: '没有传上去', retry: '重试', notImage: '请选择照片文件（JPEG、PNG 或 WebP）', keepOpen: '照片还在上传，请先不要关闭页面', uploadFull: '照片数量已达上限', preparing: '处理中',
    rateTitle: '这次服务您满意吗？', stars: '{n} 星', comment: '想对我们说的话（选填）', rateGo: '提交评价', rated: '感谢您的评价，我们会认真对待。', star1: '很不满意', star2: '不满意', star3: '一般', star4: '满意', star5: '非常满意',
    goneTitle: '这个链接打不开了', goneNote: '链接可能已过期，或地址不完整。需要查询进度，请拨打保险公司的报案电话。', offline: '网络断开，显示的是 {t} 的内容', updated: '更新于 {t}', language: 'English', footer: '本页只展示您这一次报案的进度，无需登录，请勿转发给他人。',
  },
  {
    title: 'Your claim', reportNo: 'Report no.', whoComes: 'Your surveyor', etaUnderWay: 'Here in about {t}', etaAt: 'around {t}', etaIfLeaves: 'The drive takes about {t}; the arrival time follows when he sets off', etaUnknown: 'The arrival time is shown once he sets off', etaSoon: 'Almost there', etaPassed: 'Later than expected, still on the way; thank you for waiting', appointed: 'Agreed for {t}',
    fresh: 'Position {t} old', staleNote: 'No position from him for {t}: the time is only a guide', noPosition: 'No position from him at the moment', mapLabel: 'Where the surveyor is', you: 'The accident', him: 'Surveyor', stepsTitle: 'Progress', placeTitle: 'Place',
    safeTitle: 'Please keep safe while you wait', safe1: 'Hazard lights on; everybody behind the barrier or off the road', safe2: 'Warning triangle behind the car (150 m on a motorway)', safe3: 'Somebody hurt: ring 120 at once. Traffic police: 122', call120: '120 ambulance', call122: '122 police',
    photosFirstTitle: 'Please send photos first', photosFirstNote: 'If it is safe: the whole scene, the plate, each damage from afar and near. With photos in hand we can settle sooner.', photosTitle: 'My photos', photosNote: 'You may already photograph the scene and the damage; the surveyor will see it. Safety first: leave it if it is not convenient.', photosMore: 'If there is a photo to add, you may send it here.', addPhotos: 'Take or choose photos', sending: 'Sending {n}', sent: '{n} received', failedPhoto: 'Not sent', retry: 'Try again', notImage: 'Please choose photos (JPEG, PNG or WebP)', keepOpen: 'Photos are still on their way; please keep this page open', uploadFull: 'No more photos can be taken in', preparing: 'Preparing',
    rateTitle: 'How did we do?', stars: '{n} {n|star|stars}', comment: 'Anything you want to tell us (optional)', rateGo: 'Send', rated: 'Thank you. We read every word.', star1: 'Very poor', star2: 'Poor', star3: 'Fair', star4: 'Good', star5: 'Very good',
    goneTitle: 'This link no longer opens', goneNote: 'It has expired, or the address is not complete. To ask about your claim, ring your insurer’s claims number.', offline: 'No network; this is from {t}', updated: 'Updated {t}', language: '中文', footer: 'This page shows only this one claim and needs no sign-in: please do not pass it on.',
  },
);

export const step = labels(
  { reported: '报案已受理', assigned: '查勘员已接单', contacted: '已与您电话联系', en_route: '查勘员出发', on_scene: '到达现场', surveyed: '查勘完成', settled: '审核完成', withdrawn: '已销案' },
  { reported: 'Report taken', assigned: 'Surveyor assigned', contacted: 'Surveyor called you', en_route: 'On the way', on_scene: 'On scene', surveyed: 'Survey done', settled: 'Approved', withdrawn: 'Withdrawn' },
);

/** The headline: what is going on now, not what was done last. */
export const headline = labels(
  {
    reported: '正在为您安排查勘员', assigned: '已为您安排查勘员', contacted: '查勘员已与您联系', en_route: '查勘员正在赶来', on_scene: '查勘员已到现场', surveyed: '现场查勘已完成', settled: '案件审核已完成', withdrawn: '本案已销案',
  },
  {
    reported: 'Finding you a surveyor', assigned: 'A surveyor is assigned', contacted: 'Your surveyor has called', en_route: 'Your surveyor is on the way', on_scene: 'Your surveyor is here', surveyed: 'The survey is done', settled: 'Your claim is approved', withdrawn: 'This claim was withdrawn',
  },
);
