import { words } from '@shared/i18n';

/** Words of the desk's frame, map and board. */
export const t = words(
  {
    desk: '调度台', live: '实时', report: '报案', claims: '案件', messages: '消息', reports: '报表', settings: '设置', mainNav: '主导航', newReport: '新报案',
    liveOn: '实时', liveOff: '重连中', serverTime: '北京时间', account: '账户', shortcuts: '快捷键', review: '定损审核', noRight: '您的角色没有这个页面。',
    jobs: '任务', people: '查勘员', alarms: '告警', board: '看板', map: '地图', search: '搜索报案号、车牌、地点、人员', filterArea: '责任区', allAreas: '全部责任区', riskOnly: '只看有风险', showOff: '显示休息人员',
    group_unassigned: '待人工派单', group_asking: '待接单', group_accepted: '已接单 · 待联系', group_moving: '已联系 · 前往中', group_scene: '查勘中', group_submitted: '已提交 · 待审',
    noJobs: '没有进行中的任务', noJobsNote: '新报案会立刻出现在这里。按 N 录入报案。', noMatch: '没有符合条件的内容', clearFilter: '清除筛选', noPeople: '没有查勘员', showAll: '显示全部 {n} 项',
    asking: '询问 {name}', round: '第 {n} 轮', waitingFor: '等待派单', noPlace: '没有地点', duplicate: '疑似重复', unassignedNow: '{n} 个任务等待人工派单', overdueNow: '{n} 个任务已超时',
    soundOn: '声音提醒：开', soundOff: '声音提醒：关', notifyOn: '系统通知：开', notifyOff: '系统通知：关', openJobs: '任务 {n}/{max}', lastSeen: '{t}前定位', never: '从未定位', accuracy: '误差 {m} m', battery: '电量 {n}%',
    speed: '{n} km/h', track: '最近一小时轨迹', trackLogged: '查看轨迹会被记录', trackPoints: '轨迹 {n} 点', trackNone: '最近一小时没有轨迹', hisJobs: '手上的任务', noHisJobs: '手上没有任务', shiftOn: '上岗', shiftOff: '下岗', skills: '资质', source: '来源',
    fit: '显示全部', legend: '图例', legendPeople: '查勘员', legendJobs: '案件倒计时', legendOk: '时间充足', legendRisk: '有风险', legendLate: '已超时', legendNone: '无计时', legendFade: '颜色越淡，位置越旧',
    dropHere: '拖到查勘员上派单', assignTo: '派给 {name}', minutes: '{n} 分', clusterOf: '{n} 名查勘员', mapLabel: '查勘员和案件的实时地图', mapFailed: '地图加载失败',
    escalations: '升级与超时', noAlarms: '没有未处理的告警', noAlarmsNote: '时限预警和超时会出现在这里。', acknowledge: '知道了', acknowledgedBy: '{name} 已确认', stage_warn_1: '一级预警', stage_warn_2: '二级预警', stage_breach: '已超时', stage_branch_head: '已报机构负责人',
    showAcknowledged: '含已确认', stopped: '{t} 已完成', dueAt: '截止 {t}', offDutyHolder: '查勘员已下岗', notifyUnassigned: '有任务等待人工派单：{no}', notifyBreach: '任务已超时：{no}',
    keyNew: '新报案', keySearch: '搜索', keyNext: '下一个任务', keyPrev: '上一个任务', keyOpen: '打开任务', keyClose: '关闭、返回', keyAssign: '为当前任务派单', keyBoard: '切换地图与看板', keyHelp: '显示快捷键', keyReportSubmit: '提交报案', keyReportMap: '报案时聚焦地图图钉（方向键移动，Shift 大步）', keyReportEnd: '记录挂机时间', keyAlt: '报案页各栏：Alt + 标注字母',
  },
  {
    desk: 'Desk', live: 'Live', report: 'Report', claims: 'Claims', messages: 'Messages', reports: 'Figures', settings: 'Settings', mainNav: 'Main', newReport: 'New report',
    liveOn: 'Live', liveOff: 'Reconnecting', serverTime: 'China time', account: 'Account', shortcuts: 'Keys', review: 'Review', noRight: 'Your role does not have this page.',
    jobs: 'Jobs', people: 'Surveyors', alarms: 'Alarms', board: 'Board', map: 'Map', search: 'Report no., plate, place, person', filterArea: 'Area', allAreas: 'All areas', riskOnly: 'At risk only', showOff: 'Show off duty',
    group_unassigned: 'Needs a dispatcher', group_asking: 'Being offered', group_accepted: 'Accepted, to be rung', group_moving: 'Rung, on the way', group_scene: 'On scene', group_submitted: 'Submitted',
    noJobs: 'No job is open', noJobsNote: 'New reports appear here at once. Press N to take one.', noMatch: 'Nothing matches', clearFilter: 'Clear the filter', noPeople: 'No surveyors', showAll: 'Show all {n}',
    asking: 'Asking {name}', round: 'Round {n}', waitingFor: 'Waiting for an offer', noPlace: 'No place', duplicate: 'Possible duplicate', unassignedNow: '{n} jobs need a dispatcher', overdueNow: '{n} jobs are overdue',
    soundOn: 'Sound: on', soundOff: 'Sound: off', notifyOn: 'Notifications: on', notifyOff: 'Notifications: off', openJobs: 'Jobs {n}/{max}', lastSeen: 'Located {t} ago', never: 'Never located', accuracy: '±{m} m', battery: 'Battery {n}%',
    speed: '{n} km/h', track: 'Track of the last hour', trackLogged: 'Looking at a track is logged', trackPoints: 'Track of {n} points', trackNone: 'No track in the last hour', hisJobs: 'His jobs', noHisJobs: 'No jobs', shiftOn: 'Put on duty', shiftOff: 'Take off duty', skills: 'Skills', source: 'Source',
    fit: 'Show everything', legend: 'Legend', legendPeople: 'Surveyors', legendJobs: 'Jobs by time left', legendOk: 'In time', legendRisk: 'At risk', legendLate: 'Overdue', legendNone: 'No clock', legendFade: 'The paler, the older the position',
    dropHere: 'Drop on a surveyor to assign', assignTo: 'Assign to {name}', minutes: '{n} min', clusterOf: '{n} surveyors', mapLabel: 'Live map of surveyors and jobs', mapFailed: 'The map did not load',
    escalations: 'Escalations', noAlarms: 'No open alarms', noAlarmsNote: 'Warnings and breaches appear here.', acknowledge: 'Acknowledge', acknowledgedBy: 'Acknowledged by {name}', stage_warn_1: 'First warning', stage_warn_2: 'Second warning', stage_breach: 'Breach', stage_branch_head: 'Branch head told',
    showAcknowledged: 'With acknowledged', stopped: 'done {t}', dueAt: 'due {t}', offDutyHolder: 'The surveyor went off duty', notifyUnassigned: 'A job needs a dispatcher: {no}', notifyBreach: 'A job is overdue: {no}',
    keyNew: 'New report', keySearch: 'Search', keyNext: 'Next job', keyPrev: 'Previous job', keyOpen: 'Open the job', keyClose: 'Close, back', keyAssign: 'Assign the open job', keyBoard: 'Map or board', keyHelp: 'Show the keys', keyReportSubmit: 'Submit the report', keyReportMap: 'Focus the report’s pin (arrows move it, Shift in bigger steps)', keyReportEnd: 'Note the end of the call', keyAlt: 'Fields of the report: Alt + the letter shown',
  },
);
