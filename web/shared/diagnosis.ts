/** Why a surveyor is grey, in people's words, and what to do: the names of `geo/diagnosis.py`. */
import { clockTime, duration } from './format';
import { isZh, labels } from './i18n';
import { fixReason } from './reasons';
import type { PhoneTracking } from './types';

type Cause = PhoneTracking['causes'][number];

const title = labels(
  {
    fine: '定位正常',
    off_shift: '未上岗',
    no_phone: '没有配对手机',
    revoked: '设备授权已被取消',
    just_started: '刚刚上岗，还没有位置',
    never_heard: '上岗后从未收到位置',
    silent: '手机不再上报位置',
    clock_wrong: '手机时间不对',
    refused: '位置被拒收',
    held: '在上报，但位置不可信',
    coarse: '只有粗略位置',
    battery_low: '手机快没电了',
    battery_saver: '省电模式在关闭定位应用',
    no_network: '手机没有网络',
  },
  {
    fine: 'Tracking is fine',
    off_shift: 'Off duty',
    no_phone: 'No phone is paired',
    revoked: 'The device was revoked',
    just_started: 'Just on duty, no position yet',
    never_heard: 'Never heard of since going on duty',
    silent: 'The phone is silent',
    clock_wrong: 'The phone’s clock is wrong',
    refused: 'Positions are refused',
    held: 'Speaks, but its places cannot be believed',
    coarse: 'Only rough positions',
    battery_low: 'The phone is nearly empty',
    battery_saver: 'Battery saving ends the tracker',
    no_network: 'The phone has no network',
  },
);

const remedy = labels(
  {
    fine: '不用处理。',
    off_shift: '未上岗时不记录位置。需要他接单时，请他上岗，或由调度台代为上岗。',
    no_phone: '点“配对手机”，把二维码给他扫。',
    revoked: '如果手机找回来了，请重新配对。',
    just_started: '等一两分钟。',
    never_heard: '请他打开查勘端或定位应用，并允许“始终”定位。',
    silent: '打电话问他：手机是否开机、有信号，定位应用是否还开着。',
    clock_wrong: '请他在系统设置里打开“自动确定日期和时间”。',
    held: '只记入轨迹，地图上的点不动。持续几分钟说法一致后会自动采信；仍不动请他重开定位。',
    refused: '按拒收原因处理；多数是定位权限或手机设置的问题。应用加了密的：在 OwnTracks 里清空“加密密钥”。',
    coarse: '请他打开“精确位置”（iPhone）或把定位精度设为“高”（安卓），并允许 GPS。',
    battery_low: '请他接上车载充电器。',
    battery_saver: '请他把定位应用移出电池优化，允许后台运行和自启动（小米、华为、OPPO、vivo 都要单独打开）。',
    no_network: '位置存在手机里，有信号后会补传；电话联系即可。',
  },
  {
    fine: 'Nothing to do.',
    off_shift: 'Off duty nothing is recorded. Ask him to go on duty, or put him on from here.',
    no_phone: 'Press “Pair a phone” and let him scan the code.',
    revoked: 'If the phone was found again, pair it anew.',
    just_started: 'Wait a minute or two.',
    never_heard: 'Ask him to open the phone page or the tracker, and to allow location “always”.',
    silent: 'Ring him: is the phone on, has it signal, is the tracker still running?',
    clock_wrong: 'Ask him to switch on automatic date and time in the system settings.',
    held: 'They go into the track only; the dot stays. It moves once they agree for some minutes; else ask him to restart location.',
    refused: 'See the reason; mostly a permission or a setting of the phone. If the app encrypts: empty its encryption key in OwnTracks.',
    coarse: 'Ask him to switch on “Precise Location” (iPhone), or accuracy “High” (Android), and to allow GPS.',
    battery_low: 'Ask him to plug the phone in.',
    battery_saver:
      'Ask him to take the tracker out of battery optimisation and to allow it in the background and to start itself (Xiaomi, Huawei, OPPO and vivo each ask separately).',
    no_network: 'Positions wait on the phone and come with the signal; ring him.',
  },
);

const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
const seconds = (value: unknown): string => duration(typeof value === 'number' ? value : null);

/** What the cause rests on: since when, how often, how much. */
function grounds({ cause, facts }: Cause): string {
  const zh = isZh();
  switch (cause) {
    case 'silent': {
      const said = zh
        ? `${clockTime(text(facts.since))} 以后没有新位置（${seconds(facts.age_s)}前）`
        : `Nothing new since ${clockTime(text(facts.since))} (${seconds(facts.age_s)} ago)`;
      if (!facts.seen_at) return said;
      return `${said}${zh ? `；手机 ${clockTime(text(facts.seen_at))} 还连过服务器` : `; the phone reached the server at ${clockTime(text(facts.seen_at))}`}`;
    }
    case 'never_heard':
      return facts.since ? (zh ? `${clockTime(text(facts.since))} 上岗` : `On duty since ${clockTime(text(facts.since))}`) : '';
    case 'revoked':
      return zh ? `${clockTime(text(facts.at))} 取消` : `Revoked at ${clockTime(text(facts.at))}`;
    case 'clock_wrong': {
      const off = typeof facts.offset_s === 'number' ? facts.offset_s : null;
      if (off === null)
        return zh
          ? `今天有 ${text(facts.refused)} 个位置的时间超前，被拒收`
          : `${text(facts.refused)} positions of today were ahead of time and refused`;
      const way = off > 0 ? (zh ? '快' : 'ahead') : zh ? '慢' : 'behind';
      return zh ? `${way} ${duration(Math.abs(off))}，已自动校正` : `${duration(Math.abs(off))} ${way}; corrected`;
    }
    case 'held':
      return zh
        ? `${fixReason(text(facts.reason))} ${text(facts.count)} 次，只记轨迹`
        : `${fixReason(text(facts.reason))}: ${text(facts.count)} times, track only`;
    case 'refused':
      return zh
        ? `${fixReason(text(facts.reason))} ${text(facts.count)} 次，今天采用 ${text(facts.kept)} 个`
        : `${fixReason(text(facts.reason))}: ${text(facts.count)} times, ${text(facts.kept)} kept`;
    case 'coarse':
      return facts.accuracy_m
        ? zh
          ? `误差约 ${text(facts.accuracy_m)} m`
          : `Off by about ${text(facts.accuracy_m)} m`
        : zh
          ? `${text(facts.refused)} 个位置太粗略`
          : `${text(facts.refused)} positions were too rough`;
    case 'battery_low':
      return zh ? `电量 ${text(facts.battery)}%` : `Battery ${text(facts.battery)}%`;
    case 'battery_saver':
      return zh
        ? `${text(facts.silences)} 次中断，最长 ${seconds(facts.longest_s)}，打开手机后才恢复`
        : `${text(facts.silences)} silences, the longest ${seconds(facts.longest_s)}; each ended when the phone was opened`;
    case 'no_network':
      return zh ? `最近的位置平均晚到 ${seconds(facts.waited_s)}` : `The newest positions waited ${seconds(facts.waited_s)}`;
    default:
      return '';
  }
}

export const diagnosis = (of: Cause) => ({ title: title(of.cause), grounds: grounds(of), remedy: remedy(of.cause) });
