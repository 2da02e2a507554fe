/** The words every page shares: labels for codes the API sends, and what an error means to a person. */
import type { ApiError } from './api';
import { labels, words } from './i18n';

export const common = words(
  {
    product: '查勘', save: '保存', cancel: '取消', close: '关闭', confirm: '确定', retry: '重试', refresh: '刷新', loading: '加载中…', more: '加载更多',
    search: '搜索', all: '全部', none: '无', yes: '是', no: '否', unknown: '未知', signOut: '退出登录', signIn: '登录', language: '语言', theme: '主题',
    themeAuto: '跟随系统', themeLight: '浅色', themeDark: '深色', reason: '原因', note: '备注', undo: '撤销', done: '完成', failed: '没有成功', copy: '复制',
    copied: '已复制', required: '必填', optional: '选填', ago: '{t}前', at: '{t}', nothing: '这里还没有内容', offlineNow: '网络已断开，内容可能不是最新的',
    staleNow: '实时连接中断，正在重新连接…', skip: '跳到主要内容', help: '帮助', menu: '菜单', back: '返回', overdue: '已超时 {t}', left: '剩 {t}',
  },
  {
    product: 'Chakan', save: 'Save', cancel: 'Cancel', close: 'Close', confirm: 'OK', retry: 'Try again', refresh: 'Refresh', loading: 'Loading…', more: 'Load more',
    search: 'Search', all: 'All', none: 'None', yes: 'Yes', no: 'No', unknown: 'Unknown', signOut: 'Sign out', signIn: 'Sign in', language: 'Language', theme: 'Theme',
    themeAuto: 'As the system', themeLight: 'Light', themeDark: 'Dark', reason: 'Reason', note: 'Note', undo: 'Undo', done: 'Done', failed: 'It did not work', copy: 'Copy',
    copied: 'Copied', required: 'required', optional: 'optional', ago: '{t} ago', at: '{t}', nothing: 'Nothing here yet', offlineNow: 'No network; what you see may be old',
    staleNow: 'The live connection dropped; reconnecting…', skip: 'Skip to the content', help: 'Help', menu: 'Menu', back: 'Back', overdue: '{t} overdue', left: '{t} left',
  },
);

export const taskState = labels(
  {
    pending: '待调度', offered: '派工中', accepted: '已接单', contacted: '已联系', en_route: '前往中', on_scene: '查勘中', submitted: '已提交',
    approved: '审核通过', returned: '退回补拍', unassigned: '待人工', cancelled: '已取消',
  },
  {
    pending: 'Waiting', offered: 'Offered', accepted: 'Accepted', contacted: 'Contacted', en_route: 'On the way', on_scene: 'On scene', submitted: 'Submitted',
    approved: 'Approved', returned: 'Sent back', unassigned: 'Unassigned', cancelled: 'Cancelled',
  },
);
export const claimState = labels(
  { open: '已报案', surveying: '查勘中', assessing: '定损中', approved: '核损通过', closed: '已结案', withdrawn: '已销案', reopened: '重开' },
  { open: 'Reported', surveying: 'Surveying', assessing: 'Assessing', approved: 'Approved', closed: 'Closed', withdrawn: 'Withdrawn', reopened: 'Reopened' },
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
export const predicted = labels({ ok: '正常', at_risk: '有风险', late: '将超时' }, { ok: 'On time', at_risk: 'At risk', late: 'Will be late' });
export const line = labels(
  { motor: '车险', property: '财产险', agri: '农险', assist: '救援' },
  { motor: 'Motor', property: 'Property', agri: 'Agriculture', assist: 'Assistance' },
);
export const cause = labels(
  {
    collision: '碰撞', scratch: '剐蹭', parked_hit: '停放被撞', rear_end: '追尾', rollover: '翻车', fire: '火灾', flood: '水淹', hail: '冰雹', storm: '暴风雨', theft: '盗抢',
    glass: '玻璃单独破碎', falling_object: '坠物', vandalism: '人为损坏', breakdown: '故障', water: '水渍', explosion: '爆炸', earthquake: '地震', landslide: '滑坡',
    disease: '疫病', drought: '干旱', frost: '冻害', pest: '病虫害', typhoon: '台风', other: '其他',
  },
  {
    collision: 'Collision', scratch: 'Scratch', parked_hit: 'Hit while parked', rear_end: 'Rear-end', rollover: 'Roll-over', fire: 'Fire', flood: 'Flood', hail: 'Hail', storm: 'Storm', theft: 'Theft',
    glass: 'Glass only', falling_object: 'Falling object', vandalism: 'Vandalism', breakdown: 'Breakdown', water: 'Water damage', explosion: 'Explosion', earthquake: 'Earthquake', landslide: 'Landslide',
    disease: 'Disease', drought: 'Drought', frost: 'Frost', pest: 'Pests', typhoon: 'Typhoon', other: 'Other',
  },
);
export const role = labels(
  { seat: '坐席', dispatcher: '调度员', surveyor: '查勘员', adjuster: '核损员', supervisor: '主管', admin: '管理员', integration: '系统接口' },
  { seat: 'Call-centre seat', dispatcher: 'Dispatcher', surveyor: 'Surveyor', adjuster: 'Adjuster', supervisor: 'Supervisor', admin: 'Administrator', integration: 'Integration' },
);
export const skill = labels(
  { motor: '车险', property: '财产险', agri: '农险', assist: '救援', injury: '人伤', heavy: '大车', ev: '新能源' },
  { motor: 'Motor', property: 'Property', agri: 'Agriculture', assist: 'Assistance', injury: 'Injury', heavy: 'Heavy vehicle', ev: 'Electric' },
);
export const relation = labels(
  { insured: '被保险人', driver: '驾驶人', family: '家属', agent: '代理人', police: '交警', third_party: '三者', other: '其他' },
  { insured: 'Insured', driver: 'Driver', family: 'Family', agent: 'Agent', police: 'Police', third_party: 'Third party', other: 'Other' },
);
export const itemKind = labels(
  { own_vehicle: '标的车', third_vehicle: '三者车', person: '人员', property: '财产', animal: '牲畜', field: '地块' },
  { own_vehicle: 'Own vehicle', third_vehicle: 'Third-party vehicle', person: 'Person', property: 'Property', animal: 'Animal', field: 'Field' },
);
export const passedOver = labels(
  {
    farther: '距离更远', off_duty: '不在岗', stale: '位置过期', at_cap: '任务已满', lacks_skill: '缺少资质', has_open_offer: '正在应答其他派单',
    declined_before: '此前拒绝过', silent_before: '此前未应答', held_before: '此前已移交或改派', busier: '手上任务更多', less_idle: '空闲时间更短', taken_meanwhile: '同时被派给其他任务', out_of_radius: '超出派工半径', outside_scope: '不在本机构范围', no_position: '没有位置',
  },
  {
    farther: 'Farther away', off_duty: 'Off duty', stale: 'Stale position', at_cap: 'At his cap', lacks_skill: 'Lacks a skill', has_open_offer: 'Answering another offer',
    declined_before: 'Declined before', silent_before: 'Did not answer before', held_before: 'Had it before', busier: 'Busier', less_idle: 'Less time idle', taken_meanwhile: 'Taken by another job', out_of_radius: 'Outside the radius', outside_scope: 'Outside the organisation', no_position: 'No position',
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
  { phone: '电话', call: '电话', privacy_number: '隐私号', sms: '短信', wechat: '微信', chat: '企业聊天', mail: '邮件', webhook: '系统推送', other: '其他' },
  { phone: 'Phone', call: 'Phone', privacy_number: 'Privacy number', sms: 'SMS', wechat: 'WeChat', chat: 'Team chat', mail: 'Mail', webhook: 'Webhook', other: 'Other' },
);
export const unassignedReason = labels(
  { no_position: '没有定位', nobody_on_duty: '无人在岗', nobody_in_reach: '半径内无人可派', rounds_used: '多轮无人接单' },
  { no_position: 'No position', nobody_on_duty: 'Nobody on duty', nobody_in_reach: 'Nobody in reach', rounds_used: 'Nobody accepted' },
);
export const sendBackReason = labels(
  {
    blurred: '模糊', dark: '过暗', wrong_shot: '拍错项目', plate_unreadable: '车牌看不清', vin_unreadable: '车架号看不清', too_far: '太远', too_close: '太近',
    not_this_claim: '不是本案', missing_shot: '缺少照片', other: '其他',
  },
  {
    blurred: 'Blurred', dark: 'Too dark', wrong_shot: 'Wrong view', plate_unreadable: 'Plate unreadable', vin_unreadable: 'VIN unreadable', too_far: 'Too far away', too_close: 'Too close',
    not_this_claim: 'Not this claim', missing_shot: 'Missing view', other: 'Other',
  },
);
export const verdict = labels({ waiting: '待审', approved: '通过', sent_back: '退回' }, { waiting: 'Waiting', approved: 'Approved', sent_back: 'Sent back' });
export const photoFlag = labels(
  { far_from_loss: '远离现场', clock_skew: '时间偏差', before_loss: '早于出险', duplicate_elsewhere: '他案重复', hash_differs: '摘要不符', no_position: '无定位', late: '迟到', gallery: '相册选取', after_reassign: '改派后上传', after_settlement: '审核后上传' },
  { far_from_loss: 'Far from the loss', clock_skew: 'Clock off', before_loss: 'Before the loss', duplicate_elsewhere: 'Seen in another claim', hash_differs: 'Digest differs', no_position: 'No position', late: 'Late', gallery: 'From the gallery', after_reassign: 'After reassignment', after_settlement: 'After approval' },
);
export const duplicateReason = labels({ plate: '同车牌', phone: '同电话', near: '同时同地', policy: '同保单' }, { plate: 'same plate', phone: 'same phone', near: 'same place and time', policy: 'same policy' });

const errors = labels(
  {
    offline: '连不上服务器，请检查网络后重试', not_ours: '当前网络需要先登录认证（如公共 Wi-Fi），数据尚未送达', timeout: '服务器没有及时回应，请重试', unsigned: '登录已失效，请重新登录', bad_sign_in: '用户名或密码不对', account_locked: '尝试次数过多，账号已暂时锁定，请稍后再试', name_taken: '这个名字已被使用', weak_password: '密码太弱：至少 10 位，且不要用常见密码', bad_pairing_code: '配对码不对或已过期',
    denied: '没有权限这样做', missing: '找不到，或不在您的范围内', not_found: '找不到，或不在您的范围内', invalid: '填写有误', conflict: '与别人的操作冲突', busy: '服务器忙，请稍后再试', offer_settled: '这个派单已有结果',
    task_state: '任务当前状态不允许这样做', idempotency_mismatch: '内容已变化，请重新提交', idempotency_busy: '上一次提交还在处理', arrival_unproven: '还没到现场附近，请填写原因',
    beyond_authority: '超出您的核损权限', photos_waiting: '还有照片没审完', taken: '已被他人领取', at_cap: '该查勘员任务已满', open_offer: '该查勘员正在应答其他派单', already_assigned: '任务已由别人接手，请刷新后再看', not_assigned: '任务不在您手上', not_a_surveyor: '此人不是查勘员', claim_state: '案件当前状态不允许这样做', version_moved: '内容已被别人修改，请刷新后再改', version_conflict: '内容已被别人修改，请刷新后再改', external_no_taken: '这个外部案号已被使用', from_the_future: '时间不能晚于现在', shots_missing: '还缺必拍照片', no_assessment: '还没有定损单', link_expired: '链接已过期', already_rated: '已经评价过了', message_waiting: '消息还在排队', area_in_use: '责任区里还有案件', too_many: '太频繁了，请稍后再试',
    http_429: '太频繁了，请稍后再试', http_500: '服务器出错了', http_502: '服务器暂时不可用', http_503: '服务器暂时不可用', http_504: '服务器暂时不可用',
    csrf: '页面已过期，请刷新', idempotency_key_missing: '请求缺少编号，请刷新页面',
  },
  {
    offline: 'The server cannot be reached; check the network and try again', not_ours: 'This network wants its own sign-in first (public Wi-Fi); nothing was delivered', timeout: 'The server did not answer in time; try again', unsigned: 'Your sign-in has expired', bad_sign_in: 'Wrong user name or password', account_locked: 'Too many attempts; the account is locked for a while', name_taken: 'This name is taken', weak_password: 'The password is too weak: ten characters or more, none of the common ones', bad_pairing_code: 'The pairing code is wrong or has expired',
    denied: 'You may not do this', missing: 'Not found, or outside your organisation', not_found: 'Not found, or outside your organisation', invalid: 'Something is filled in wrongly', conflict: 'Somebody else changed this first', busy: 'The server is busy; try again shortly', offer_settled: 'This offer is already settled',
    task_state: 'The job’s state does not allow this', idempotency_mismatch: 'The content changed; submit again', idempotency_busy: 'The first submission is still running', arrival_unproven: 'You are not near the scene yet; give a reason',
    beyond_authority: 'Beyond your money authority', photos_waiting: 'Some photos are not reviewed yet', taken: 'Somebody else took it', at_cap: 'The surveyor is at his cap', open_offer: 'The surveyor is answering another offer', already_assigned: 'Somebody else has the job now; look again', not_assigned: 'The job is not yours', not_a_surveyor: 'This person is no surveyor', claim_state: 'The claim’s state does not allow this', version_moved: 'Somebody else changed it; reload first', version_conflict: 'Somebody else changed it; reload first', external_no_taken: 'This number is taken', from_the_future: 'The time lies in the future', shots_missing: 'Required views are missing', no_assessment: 'There is no assessment yet', link_expired: 'The link has expired', already_rated: 'Already rated', message_waiting: 'The message is still waiting', area_in_use: 'Claims lie in this area', too_many: 'Too often; try again shortly',
    http_429: 'Too often; try again shortly', http_500: 'The server failed', http_502: 'The server is not available', http_503: 'The server is not available', http_504: 'The server is not available',
    csrf: 'The page has expired; reload it', idempotency_key_missing: 'The request lacks its key; reload the page',
  },
);

/** One sentence for a person: our words for a known code, else what the server said. */
export function explain(error: ApiError): string {
  const known = errors(error.code);
  const said = known === error.code ? error.detail || known : known;
  const first = error.errors[0];
  return first ? `${said}：${first.path} ${first.message}` : said;
}
