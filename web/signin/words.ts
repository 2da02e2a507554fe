import { words } from '@shared/i18n';

export const t = words(
  {
    title: '登录查勘', tagline: '十分钟内联系客户，把证据带回来。', username: '用户名', password: '密码', show: '显示密码', hide: '隐藏密码', go: '登录', capsLock: '大写锁定已打开',
    desk: '调度台', deskNote: '报案、地图、派工、报表', review: '定损审核', reviewNote: '照片、定损单、核损', phone: '查勘端', phoneNote: '接单、联系、拍照、提交', docs: '接口文档', docsNote: '给其他系统的 API',
    hello: '{name}，您好', choose: '选择要打开的页面', signedInAs: '{org} · {roles}', surveyorHint: '查勘员也可以用调度台给的配对码，直接在手机上打开“查勘端”。', down: '现在连不上服务器。',
  },
  {
    title: 'Sign in to Chakan', tagline: 'Ring the customer within ten minutes, and bring the evidence home.', username: 'User name', password: 'Password', show: 'Show the password', hide: 'Hide the password', go: 'Sign in', capsLock: 'Caps Lock is on',
    desk: 'Desk', deskNote: 'Reports, map, dispatch, figures', review: 'Review', reviewNote: 'Photos, damage lines, approval', phone: 'Phone', phoneNote: 'Accept, ring, photograph, submit', docs: 'API', docsNote: 'For other systems',
    hello: 'Hello, {name}', choose: 'Where to?', signedInAs: '{org} · {roles}', surveyorHint: 'Surveyors may also open “Phone” on their phone with the pairing code from the desk.', down: 'The server cannot be reached right now.',
  },
);
