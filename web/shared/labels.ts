/** What the codes of the API are called: states, kinds, reasons. An unknown code shows itself. */
import { labels } from './i18n';

export const taskState = labels(
  {
    pending: '待调度',
    offered: '派工中',
    accepted: '已接单',
    contacted: '已联系',
    en_route: '前往中',
    on_scene: '查勘中',
    submitted: '已提交',
    approved: '审核通过',
    returned: '退回补拍',
    unassigned: '待人工',
    cancelled: '已取消',
  },
  {
    pending: 'Waiting',
    offered: 'Offered',
    accepted: 'Accepted',
    contacted: 'Contacted',
    en_route: 'On the way',
    on_scene: 'On scene',
    submitted: 'Submitted',
    approved: 'Approved',
    returned: 'Sent back',
    unassigned: 'Unassigned',
    cancelled: 'Cancelled',
  },
);
export const claimState = labels(
  {
    open: '已报案',
    surveying: '查勘中',
    assessing: '定损中',
    approved: '核损通过',
    closed: '已结案',
    withdrawn: '已销案',
    reopened: '重开',
  },
  {
    open: 'Reported',
    surveying: 'Surveying',
    assessing: 'Assessing',
    approved: 'Approved',
    closed: 'Closed',
    withdrawn: 'Withdrawn',
    reopened: 'Reopened',
  },
);
export const offerState = labels(
  { open: '待接单', accepted: '已接单', declined: '已拒单', expired: '超时未接', withdrawn: '已撤回' },
  { open: 'Waiting', accepted: 'Accepted', declined: 'Declined', expired: 'Expired', withdrawn: 'Withdrawn' },
);
export const surveyorState = labels(
  { off: '休息', idle: '空闲', offered: '待接单', busy: '作业中', stale: '失联' },
  { off: 'Off duty', idle: 'Free', offered: 'Asked', busy: 'Working', stale: 'No signal' },
);
export const freshness = labels(
  { fresh: '位置正常', amber: '位置较旧', stale: '位置过期', never: '从未定位' },
  { fresh: 'Fresh position', amber: 'Ageing position', stale: 'Stale position', never: 'Never located' },
);
export const clockKind = labels(
  { dispatch: '调度', contact: '联系', arrival: '到达', assessment: '定损' },
  { dispatch: 'Dispatch', contact: 'Contact', arrival: 'Arrival', assessment: 'Assessment' },
);
export const clockState = labels(
  { running: '计时中', met: '已达成', breached: '已超时', paused: '已暂停', void: '已作废' },
  { running: 'Running', met: 'Met', breached: 'Breached', paused: 'Paused', void: 'Void' },
);
export const predicted = labels(
  { ok: '正常', at_risk: '有风险', late: '将超时' },
  { ok: 'On time', at_risk: 'At risk', late: 'Will be late' },
);
export const line = labels(
  { motor: '车险', property: '财产险', agri: '农险', assist: '救援' },
  { motor: 'Motor', property: 'Property', agri: 'Agriculture', assist: 'Assistance' },
);
export const cause = labels(
  {
    collision: '碰撞',
    scratch: '剐蹭',
    parked_hit: '停放被撞',
    rear_end: '追尾',
    rollover: '翻车',
    fire: '火灾',
    flood: '水淹',
    hail: '冰雹',
    storm: '暴风雨',
    theft: '盗抢',
    glass: '玻璃单独破碎',
    falling_object: '坠物',
    vandalism: '人为损坏',
    breakdown: '故障',
    water: '水渍',
    explosion: '爆炸',
    earthquake: '地震',
    landslide: '滑坡',
    disease: '疫病',
    drought: '干旱',
    frost: '冻害',
    pest: '病虫害',
    typhoon: '台风',
    other: '其他',
  },
  {
    collision: 'Collision',
    scratch: 'Scratch',
    parked_hit: 'Hit while parked',
    rear_end: 'Rear-end',
    rollover: 'Roll-over',
    fire: 'Fire',
    flood: 'Flood',
    hail: 'Hail',
    storm: 'Storm',
    theft: 'Theft',
    glass: 'Glass only',
    falling_object: 'Falling object',
    vandalism: 'Vandalism',
    breakdown: 'Breakdown',
    water: 'Water damage',
    explosion: 'Explosion',
    earthquake: 'Earthquake',
    landslide: 'Landslide',
    disease: 'Disease',
    drought: 'Drought',
    frost: 'Frost',
    pest: 'Pests',
    typhoon: 'Typhoon',
    other: 'Other',
  },
);
export const role = labels(
  {
    seat: '坐席',
    dispatcher: '调度员',
    surveyor: '查勘员',
    adjuster: '核损员',
    supervisor: '主管',
    admin: '管理员',
    integration: '系统接口',
  },
  {
    seat: 'Call-centre seat',
    dispatcher: 'Dispatcher',
    surveyor: 'Surveyor',
    adjuster: 'Adjuster',
    supervisor: 'Supervisor',
    admin: 'Administrator',
    integration: 'Integration',
  },
);
export const skill = labels(
  { motor: '车险', property: '财产险', agri: '农险', assist: '救援', injury: '人伤', heavy: '大车', ev: '新能源' },
  {
    motor: 'Motor',
    property: 'Property',
    agri: 'Agriculture',
    assist: 'Assistance',
    injury: 'Injury',
    heavy: 'Heavy vehicle',
    ev: 'Electric',
  },
);
export const relation = labels(
  { insured: '被保险人', driver: '驾驶人', family: '家属', agent: '代理人', police: '交警', third_party: '三者', other: '其他' },
  {
    insured: 'Insured',
    driver: 'Driver',
    family: 'Family',
    agent: 'Agent',
    police: 'Police',
    third_party: 'Third party',
    other: 'Other',
  },
);
export const itemKind = labels(
  { own_vehicle: '标的车', third_vehicle: '三者车', person: '人员', property: '财产', animal: '牲畜', field: '地块' },
  {
    own_vehicle: 'Own vehicle',
    third_vehicle: 'Third-party vehicle',
    person: 'Person',
    property: 'Property',
    animal: 'Animal',
    field: 'Field',
  },
);
export const passedOver = labels(
  {
    farther: '距离更远',
    off_duty: '不在岗',
    stale: '位置过期',
    at_cap: '任务已满',
    lacks_skill: '缺少资质',
    has_open_offer: '正在应答其他派单',
    declined_before: '此前拒绝过',
    silent_before: '此前未应答',
    held_before: '此前已移交或改派',
    busier: '手上任务更多',
    less_idle: '空闲时间更短',
    taken_meanwhile: '同时被派给其他任务',
    out_of_radius: '超出派工半径',
    unreachable: '无路可达',
    outside_scope: '不在本机构范围',
    no_position: '没有位置',
  },
  {
    farther: 'Farther away',
    off_duty: 'Off duty',
    stale: 'Stale position',
    at_cap: 'At his cap',
    lacks_skill: 'Lacks a skill',
    has_open_offer: 'Answering another offer',
    declined_before: 'Declined before',
    silent_before: 'Did not answer before',
    held_before: 'Had it before',
    busier: 'Busier',
    less_idle: 'Less time idle',
    taken_meanwhile: 'Taken by another job',
    out_of_radius: 'Outside the radius',
    unreachable: 'No road leads there',
    outside_scope: 'Outside the organisation',
    no_position: 'No position',
  },
);
export const declineReason = labels(
  { busy: '正忙', too_far: '太远', off_road: '车辆故障', unsafe: '不安全', other: '其他' },
  { busy: 'Busy', too_far: 'Too far', off_road: 'Vehicle off the road', unsafe: 'Unsafe', other: 'Other' },
);
export const contactResult = labels(
  { answered: '已接通', no_answer: '无人接听', refused: '拒接', wrong_number: '号码错误' },
  { answered: 'Answered', no_answer: 'No answer', refused: 'Refused', wrong_number: 'Wrong number' },
);
export const channel = labels(
  {
    phone: '电话',
    call: '电话',
    privacy_number: '隐私号',
    sms: '短信',
    wechat: '微信',
    chat: '企业聊天',
    mail: '邮件',
    webhook: '系统推送',
    other: '其他',
  },
  {
    phone: 'Phone',
    call: 'Phone',
    privacy_number: 'Privacy number',
    sms: 'SMS',
    wechat: 'WeChat',
    chat: 'Team chat',
    mail: 'Mail',
    webhook: 'Webhook',
    other: 'Other',
  },
);
export const unassignedReason = labels(
  { no_position: '没有定位', nobody_on_duty: '无人在岗', nobody_in_reach: '半径内无人可派', rounds_used: '多轮无人接单' },
  {
    no_position: 'No position',
    nobody_on_duty: 'Nobody on duty',
    nobody_in_reach: 'Nobody in reach',
    rounds_used: 'Nobody accepted',
  },
);
export const sendBackReason = labels(
  {
    blurred: '模糊',
    dark: '过暗',
    wrong_shot: '拍错项目',
    plate_unreadable: '车牌看不清',
    vin_unreadable: '车架号看不清',
    too_far: '太远',
    too_close: '太近',
    not_this_claim: '不是本案',
    missing_shot: '缺少照片',
    other: '其他',
  },
  {
    blurred: 'Blurred',
    dark: 'Too dark',
    wrong_shot: 'Wrong view',
    plate_unreadable: 'Plate unreadable',
    vin_unreadable: 'VIN unreadable',
    too_far: 'Too far away',
    too_close: 'Too close',
    not_this_claim: 'Not this claim',
    missing_shot: 'Missing view',
    other: 'Other',
  },
);
export const verdict = labels(
  { waiting: '待审', approved: '通过', sent_back: '退回' },
  { waiting: 'Waiting', approved: 'Approved', sent_back: 'Sent back' },
);
export const photoFlag = labels(
  {
    far_from_loss: '远离现场',
    clock_skew: '时间偏差',
    before_loss: '早于出险',
    duplicate_elsewhere: '他案重复',
    hash_differs: '摘要不符',
    no_position: '无定位',
    late: '迟到',
    gallery: '相册选取',
    after_reassign: '改派后上传',
    after_settlement: '审核后上传',
  },
  {
    far_from_loss: 'Far from the loss',
    clock_skew: 'Clock off',
    before_loss: 'Before the loss',
    duplicate_elsewhere: 'Seen in another claim',
    hash_differs: 'Digest differs',
    no_position: 'No position',
    late: 'Late',
    gallery: 'From the gallery',
    after_reassign: 'After reassignment',
    after_settlement: 'After approval',
  },
);
export const duplicateReason = labels(
  { plate: '同车牌', phone: '同电话', near: '同时同地', policy: '同保单' },
  { plate: 'same plate', phone: 'same phone', near: 'same place and time', policy: 'same policy' },
);
