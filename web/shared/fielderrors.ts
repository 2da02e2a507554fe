/** What the server says about a field, in the words of the person who filled it in. */
import { isZh, labels } from './i18n';

const field = labels(
  {
    phone: '电话',
    name: '姓名',
    username: '用户名',
    password: '密码',
    email: '邮箱',
    roles: '角色',
    skills: '资质',
    max_open: '同时任务上限',
    authority_fen: '核损权限',
    injured: '伤亡人数',
    at: '时间',
    time: '时间 (time)',
    trkpt: '轨迹点 (trkpt)',
    gpx: 'gpx',
    place: '地点',
    position: '坐标',
    lon: '经度',
    lat: '纬度',
    plate: '车牌',
    vin: '车架号',
    policy_no: '保单号',
    note: '备注',
    reason: '原因',
    code: '代码',
    kind: '类型',
    label: '用途',
    value: '值',
    summary: '查勘说明',
    comment: '留言',
  },
  {
    phone: 'phone',
    name: 'name',
    username: 'user name',
    password: 'password',
    email: 'mail',
    roles: 'roles',
    skills: 'skills',
    max_open: 'most open jobs',
    authority_fen: 'authority',
    injured: 'injured',
    at: 'time',
    time: 'time',
    trkpt: 'track points (trkpt)',
    gpx: 'gpx',
    place: 'place',
    position: 'position',
    lon: 'longitude',
    lat: 'latitude',
    plate: 'plate',
    vin: 'VIN',
    policy_no: 'policy',
    note: 'note',
    reason: 'reason',
    code: 'code',
    kind: 'kind',
    label: 'what for',
    value: 'value',
    summary: 'what you found',
    comment: 'comment',
  },
);

/** The sentences the server's checker writes; anything else is shown as it came. */
const SAID: [RegExp, string, string][] = [
  [/^Field required$/, '必填', 'is needed'],
  [/^missing$/, '缺失', 'is missing'],
  [/^not a time$/, '不是时间', 'is no time'],
  [/^outside -/, '超出范围', 'is out of range'],
  [/less than or equal to ([\d.]+)/, '最大 $1', 'at most $1'],
  [/less than ([\d.]+)/, '要小于 $1', 'below $1'],
  [/greater than or equal to ([\d.]+)/, '最小 $1', 'at least $1'],
  [/greater than ([\d.]+)/, '要大于 $1', 'above $1'],
  [/at most (\d+) character/, '最多 $1 个字', 'at most $1 characters'],
  [/at least (\d+) character/, '至少 $1 个字', 'at least $1 characters'],
  [/valid (integer|number)/, '要填数字', 'must be a number'],
  [/valid datetime|valid date/, '时间格式不对', 'is no time'],
  [/one role is needed/, '至少选一个', 'choose one at least'],
];

/** The message of a field, without the machine's words. */
export function saidOf(message: string): string {
  for (const [pattern, zh, en] of SAID) {
    const found = pattern.exec(message);
    if (found) return (isZh() ? zh : en).replace('$1', found[1] ?? '');
  }
  return message;
}

/** `reporter.phone` as a person calls it; list places are left out. */
export const fieldOf = (path: string): string =>
  field(
    path
      .split('.')
      .filter((part) => !/^\d+$/.test(part))
      .at(-1),
  );
