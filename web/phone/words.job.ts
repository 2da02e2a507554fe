/** The words of a job: offer, call, drive, photographs, report. */
import { labels, words } from '@shared/i18n';

export const w = words(
  {
    newOffer: '新派单', offerExpired: '派单已超时', offerWaiting: '接单已发出，等待服务器确认', offerWaitingOffline: '现在没有网络。接单已记下，联网后立即送出；若超时会转给别人。', accept: '接单', decline: '拒单', declineTitle: '为什么不能接？',
    away: '距离', eta: '预计车程', injuredN: '{n} 人受伤', noInjury: '无人伤', notMovable: '车辆无法移动', movable: '车辆可移动', moreOffers: '后面还有 {n} 个派单', accepted: '接单成功，请马上联系客户',

    contactTitle: '首次联系剩余时间', contactLate: '首次联系已超时', contactDone: '首次联系用时', call: '拨打电话', callAgain: '再次拨打', outcomeTitle: '电话打通了吗？', answered: '已接通', noAnswer: '无人接听', refused: '拒接', wrongNumber: '空号', tried: '已尝试 {n} 次，最近 {t}：{result}',
    noPhone: '没有电话号码，请联系调度', sms: '发短信', reporter: '报案人', stillDialling: '已拨打 {t}', answeredNoted: '已记为接通', takeBack: '撤回', takeBackNote: '点错了？{n} 秒内可撤回，联系时限继续计时',

    arrivalTitle: '到达剩余时间', arrivalLate: '到达已超时', depart: '出发', departNav: '出发并导航', navigate: '导航', navTitle: '用哪个地图导航？', navApp: '打开应用', navWeb: '网页版', navNoPlace: '本案没有定位，请按地址前往', datumNote: '已按各家坐标系换算', arrive: '我已到达',
    nearSince: '轨迹显示你 {t} 已到现场，点“到达现场”确认。', arriveTitle: '还没到现场附近', arriveFar: '当前位置距事故地点 {distance}，超过 {limit}。请说明原因，调度台会看到。', arriveNoFix: '没有取得当前位置。请说明原因，调度台会看到。', arriveRetry: '重新定位', arriveConfirm: '按此原因到达', arriveUnproven: '到达没有被确认，请重新定位或填写原因',
    appoint: '预约时间', appointTitle: '与客户约定的到达时间', appointDone: '已约 {t}', appointOff: '取消预约', appointNote: '到达时限改为约定时间；联系时限不变。', appointPast: '时间要在现在之后、30 天之内', doneIn: '还要多久办完？', doneInNote: '调度按您说的时间安排下一单', doneInAll: '从现在到办完（含路上）还要多久？', doneBy: '预计 {t} 办完', doneByLate: '已过您说的 {t}，还要多久？', doneTold: '已告知调度', undo: '撤销', minutes: '{n} 分钟', handOver: '转交他人', handOverTitle: '为什么要转交？', handOverNote: '任务会重新派给其他人，已拍的照片保留。', more: '更多', details: '案件详情',

    shotsTitle: '拍照', shotsDone: '必拍已完成', shotsProgress: '必拍 {done}/{all}', shootNext: '拍摄：{shot}', shootAgain: '补拍：{shot}', shootMore: '继续补拍', camera: '拍照', gallery: '相册', galleryMark: '相册', required: '必拍', asNeeded: '按需拍摄（{n} 项）', need: '需 {n} 张', have: '已拍 {n}', optional: '按需',
    sentBackTitle: '{n} 张被退回，请补拍', retake: '补拍', reviewerNote: '审核意见：{note}', hintBlurred: '可能模糊', hintDark: '可能过暗', hintAsk: '这张照片{hints}，建议重拍', keepIt: '保留', retakeNow: '重拍', waitingUpload: '待上传', uploading: '上传中 {p}', uploaded: '已上传', refusedUpload: '被拒绝',
    approved: '通过', sentBack: '退回', takenBefore: '这张照片已经拍过了', phoneFull: '手机存储不足，先连网上传后再拍', notImage: '这个文件不是照片', photoTime: '拍摄时间', photoHash: '指纹 SHA-256', photoPlace: '拍摄位置', noPlace: '未取得位置', photoState: '状态', photoBroken: '这张照片无法显示', delete: '删除',

    reportTitle: '查勘报告', reportShort: '报告', goReport: '填写查勘报告', summary: '查勘说明', summaryHint: '事故经过、损失情况、与报案是否一致', liability: '事故责任', firstScene: '现场类型', firstYes: '第一现场', firstNo: '非第一现场', risk: '风险点（可多选）', missingTitle: '还缺 {n} 项必拍照片', missingReason: '缺少照片的原因', missingHint: '例如：车辆已拖走，无法拍摄车架号',
    submit: '提交查勘', resubmit: '补拍完成，再次提交', submitSure: '提交后由核损员审核；仍在上传的照片会继续上传。', unsentPhotos: '{n} 张照片还在上传，可以先提交', needSummary: '请写几句查勘说明', needReason: '请说明为什么缺少必拍照片', submittedTitle: '已提交，等待审核', submittedNote: '核损员如有疑问会退回补拍，请留意通知。',
    draftKept: '草稿自动保存在本机', photosGoOn: '{n} 张照片还在上传，请保持联网', handedOver: '已转交他人', doneToday: '已提交 {n} 件，等待审核', approvedTitle: '审核已通过', gone: '这个任务已不在你名下', goneNote: '可能已改派或撤销。已拍的照片仍会上传。', backHome: '返回任务列表',

    reportedAt: '报案时间', lossAt: '出险时间', cause: '出险原因', line: '险种', items: '标的', note: '备注', phone: '电话', place: '地点', injured: '人伤', stepAccepted: '接单', stepContacted: '联系', stepDeparted: '出发', stepArrived: '到达', stepSubmitted: '提交', pendingSync: '待同步',
    nextCall: '联系客户', nextDepart: '出发', nextArrive: '到达现场', nextShoot: '拍照', nextRetake: '补拍', nextWait: '等待审核', overdue: '已超时', you: '我', loss: '现场', north: '北', noMap: '无底图',
  },
  {
    newOffer: 'New job', offerExpired: 'The offer has expired', offerWaiting: 'Accepted; waiting for the server', offerWaitingOffline: 'There is no network. Your yes is kept and goes out at once when it returns; if time runs out, somebody else is asked.', accept: 'Accept', decline: 'Decline', declineTitle: 'Why not?',
    away: 'Distance', eta: 'Drive', injuredN: '{n} injured', noInjury: 'Nobody injured', notMovable: 'Vehicle cannot move', movable: 'Vehicle can move', moreOffers: '{n} more {n|offer|offers} behind this', accepted: 'It is yours: ring the customer now',

    contactTitle: 'Time left to reach the customer', contactLate: 'First contact is overdue', contactDone: 'Reached after', call: 'Call', callAgain: 'Call again', outcomeTitle: 'Did you get through?', answered: 'Answered', noAnswer: 'No answer', refused: 'Refused', wrongNumber: 'Wrong number', tried: '{n} {n|try|tries}, last {t}: {result}',
    noPhone: 'There is no number; ask the dispatcher', sms: 'Text', reporter: 'Reporter', stillDialling: 'Called {t}', answeredNoted: 'Noted as answered', takeBack: 'Take back', takeBackNote: 'A slip? {n} s left to take it back; the contact clock goes on',

    arrivalTitle: 'Time left to arrive', arrivalLate: 'Arrival is overdue', depart: 'Set off', departNav: 'Set off and navigate', navigate: 'Navigate', navTitle: 'Navigate with', navApp: 'Open app', navWeb: 'Web page', navNoPlace: 'No position in this case; go by the address', datumNote: 'Converted into each map’s own datum', arrive: 'I have arrived',
    nearSince: 'By your track you are at the scene since {t}: confirm your arrival.', arriveTitle: 'Not near the scene yet', arriveFar: 'You are {distance} from the loss, more than {limit}. Say why; the desk will see it.', arriveNoFix: 'No position could be found. Say why; the desk will see it.', arriveRetry: 'Locate again', arriveConfirm: 'Arrive with this reason', arriveUnproven: 'The arrival was not confirmed: locate again, or give a reason',
    appoint: 'Appointment', appointTitle: 'Arrival agreed with the customer', appointDone: 'Agreed {t}', appointOff: 'Call it off', appointNote: 'The arrival limit moves to that time; the contact limit does not.', appointPast: 'The time must lie ahead, within thirty days', doneIn: 'How long do you still need?', doneInNote: 'Your next job is planned by your word', doneInAll: 'How long from now until it is done, the drive included?', doneBy: 'Done by {t}', doneByLate: 'Past the {t} you gave: how much longer?', doneTold: 'The desk knows', undo: 'Undo', minutes: '{n} min', handOver: 'Hand over', handOverTitle: 'Why hand it over?', handOverNote: 'Somebody else is asked; the photos stay.', more: 'More', details: 'Case details',

    shotsTitle: 'Photos', shotsDone: 'All required shots taken', shotsProgress: 'Required {done}/{all}', shootNext: 'Take: {shot}', shootAgain: 'Retake: {shot}', shootMore: 'Take more', camera: 'Camera', gallery: 'Gallery', galleryMark: 'Gallery', required: 'Required', asNeeded: 'As needed ({n})', need: '{n} needed', have: '{n} taken', optional: 'as needed',
    sentBackTitle: '{n} sent back: take {n|it|them} again', retake: 'Retake', reviewerNote: 'Reviewer: {note}', hintBlurred: 'blurred', hintDark: 'dark', hintAsk: 'This photo may be {hints}. Take it again?', keepIt: 'Keep', retakeNow: 'Retake', waitingUpload: 'Waiting', uploading: 'Uploading {p}', uploaded: 'Uploaded', refusedUpload: 'Refused',
    approved: 'Approved', sentBack: 'Sent back', takenBefore: 'This photo was taken already', phoneFull: 'The phone is full: connect and upload first', notImage: 'That file is not a photo', photoTime: 'Taken', photoHash: 'SHA-256', photoPlace: 'Place', noPlace: 'No position', photoState: 'State', photoBroken: 'This photo cannot be shown', delete: 'Delete',

    reportTitle: 'Survey report', reportShort: 'Report', goReport: 'Write the report', summary: 'What you found', summaryHint: 'What happened, the damage, does it fit the report', liability: 'Liability', firstScene: 'Scene', firstYes: 'First scene', firstNo: 'Not the first scene', risk: 'Risk points', missingTitle: '{n} required {n|shot is|shots are} missing', missingReason: 'Why they are missing', missingHint: 'Such as: towed away, the VIN cannot be reached',
    submit: 'Submit', resubmit: 'Retaken: submit again', submitSure: 'The adjuster reviews it; photos still on their way go on uploading.', unsentPhotos: '{n} {n|photo is|photos are} still uploading; you may submit now', needSummary: 'Write a few words about what you found', needReason: 'Say why required shots are missing', submittedTitle: 'Submitted, waiting for review', submittedNote: 'The adjuster may send photos back: watch for it.',
    draftKept: 'The draft is kept on this phone', photosGoOn: '{n} {n|photo is|photos are} still uploading; stay online', handedOver: 'Handed over', doneToday: '{n} submitted, in review', approvedTitle: 'Approved', gone: 'This job is no longer yours', goneNote: 'It was reassigned or withdrawn. Photos you took still go up.', backHome: 'Back to my jobs',

    reportedAt: 'Reported', lossAt: 'Loss', cause: 'Cause', line: 'Line', items: 'Insured things', note: 'Note', phone: 'Phone', place: 'Place', injured: 'Injuries', stepAccepted: 'Accept', stepContacted: 'Call', stepDeparted: 'Set off', stepArrived: 'Arrive', stepSubmitted: 'Report', pendingSync: 'to sync',
    nextCall: 'Call the customer', nextDepart: 'Set off', nextArrive: 'Arrive', nextShoot: 'Photos', nextRetake: 'Retake', nextWait: 'In review', overdue: 'overdue', you: 'Me', loss: 'Scene', north: 'N', noMap: 'no map',
  },
);

export const navName = labels({ amap: '高德地图', baidu: '百度地图', tencent: '腾讯地图', apple: '苹果地图', google: 'Google 地图' }, { amap: 'Amap', baidu: 'Baidu Maps', tencent: 'Tencent Maps', apple: 'Apple Maps', google: 'Google Maps' });
export const datumName = labels({ gcj02: 'GCJ-02 火星坐标', bd09: 'BD-09 百度坐标', wgs84: 'WGS-84' }, { gcj02: 'GCJ-02', bd09: 'BD-09', wgs84: 'WGS-84' });
export const liability = labels(
  { full: '全责', main: '主责', equal: '同责', minor: '次责', none: '无责', undetermined: '待定' },
  { full: 'Full', main: 'Main', equal: 'Equal', minor: 'Minor', none: 'None', undetermined: 'Open' },
);
export const risk = labels(
  { traces_differ: '痕迹不符', old_damage: '旧损扩大', driver_doubtful: '驾驶人存疑', alcohol: '疑似酒驾', staged: '疑似摆放现场', night_single: '夜间单方', no_licence: '证件异常', overload: '超载或改装' },
  { traces_differ: 'Traces do not fit', old_damage: 'Old damage', driver_doubtful: 'Driver in doubt', alcohol: 'Alcohol suspected', staged: 'Scene may be staged', night_single: 'Alone, at night', no_licence: 'Papers not in order', overload: 'Overloaded, altered' },
);
export const arriveWhy = labels(
  { gps: '定位不准，我就在现场', moved: '现场已转移，在别处查勘', closed: '道路封闭，步行前往', garage: '地下车库，没有信号' },
  { gps: 'Position is wrong, I am there', moved: 'Scene moved, surveying elsewhere', closed: 'Road closed, going on foot', garage: 'Underground, no signal' },
);
export const handOverWhy = labels(
  { too_far: '离得太远', vehicle: '车辆故障', conflict: '与另一任务冲突', skill: '不熟悉此类案件', shift_end: '已到下班时间' },
  { too_far: 'Too far away', vehicle: 'Vehicle broke down', conflict: 'Clashes with another job', skill: 'Not my kind of case', shift_end: 'My shift has ended' },
);
