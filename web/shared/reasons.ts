/** Why a fix was refused or may not move the dot, in people's words: the server's words of `geo/filters.py` and `geo/story.py`. */
import { labels } from './i18n';

export const fixReason = labels(
  {
    off_duty: '不在岗',
    malformed: '格式不对',
    encrypted: '应用加了密',
    out_of_range: '坐标超出范围',
    zero: '零坐标',
    from_the_future: '手机时间超前',
    too_old: '太旧',
    duplicate: '重复',
    imprecise: '精度太差',
    late: '迟到',
    impossible_speed: '速度不可能',
    unlikely_move: '跳点',
    swapped: '经纬度颠倒',
    too_steady: '位置僵住',
    impossible_jumps: '连续跳点',
  },
  {
    off_duty: 'off duty',
    malformed: 'malformed',
    encrypted: 'encrypted by the app',
    out_of_range: 'out of range',
    zero: 'zero coordinates',
    from_the_future: 'phone’s clock ahead',
    too_old: 'too old',
    duplicate: 'repeated',
    imprecise: 'too imprecise',
    late: 'late',
    impossible_speed: 'impossible speed',
    unlikely_move: 'jump',
    swapped: 'longitude and latitude swapped',
    too_steady: 'stuck place',
    impossible_jumps: 'jumps in a row',
  },
);
