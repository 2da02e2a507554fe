import { words } from '@shared/i18n';

/** Words of the day's order, catastrophe mode and moving up. */
export const p = words(
  {
    visitAt: '第 {n} 站 · {a}–{b}', pinned: '已预约', late: '预计晚 {t}', notFit: '排不进今天的日程：{why}', storm: '大灾模式：{name}', stormNote: '新案 {contact} 分钟内联系客户，到场时间与客户约定。每人最多 {open} 件。', lent: '您已借调支援。',
    moveTitle: '请移到新地点待命', moveNote: '{place}车程约 {t}。那里预计会有更多报案。', moveYes: '可以，马上去', moveNo: '去不了', moveThanks: '已答复', moveWhy: '为什么去不了？', why_busy: '手上有事', why_too_far: '太远', why_rest: '需要休息', why_other: '其他',
    bundle: '一并查勘 {n} 件相邻案件', bundleNote: '接单后一起归您，按日程顺序逐一联系和查勘。', navigate: '导航过去',
  },
  {
    visitAt: 'Stop {n} · {a}–{b}', pinned: 'agreed', late: 'about {t} late', notFit: 'Does not fit into today: {why}', storm: 'Catastrophe mode: {name}', stormNote: 'Call new customers within {contact} min and agree a time with them. Up to {open} jobs each.', lent: 'You are lent to help.',
    moveTitle: 'Please wait somewhere else', moveNote: '{place}About {t} away. More reports are expected there.', moveYes: 'I am going', moveNo: 'I cannot', moveThanks: 'Answered', moveWhy: 'Why not?', why_busy: 'I have something to do', why_too_far: 'Too far', why_rest: 'I need a rest', why_other: 'Other',
    bundle: 'Together with {n} {n|loss|losses} near by', bundleNote: 'A yes gives you all of them; call and visit them in the order of your day.', navigate: 'Navigate there',
  },
);
