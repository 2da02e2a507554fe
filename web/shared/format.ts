/** How times, durations, distances and money look. Times are always those of Asia/Shanghai; only screens know that zone. */
import { isZh, lang } from './i18n';

const ZONE = 'Asia/Shanghai';
const made = new Map<string, Intl.DateTimeFormat>();

function formatter(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = lang.value + JSON.stringify(options);
  let found = made.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(lang.value, { timeZone: ZONE, hourCycle: 'h23', ...options });
    made.set(key, found);
  }
  return found;
}

type When = string | number | Date | null | undefined;
const shown = (when: When, options: Intl.DateTimeFormatOptions) =>
  when == null || when === '' ? '—' : formatter(options).format(new Date(when));

export const clockTime = (when: When) => shown(when, { hour: '2-digit', minute: '2-digit' });
export const clockTimeS = (when: When) => shown(when, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
export const dayTime = (when: When) => shown(when, { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' });
export const dayTimeS = (when: When) =>
  shown(when, { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' });
export const fullTime = (when: When) =>
  shown(when, { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' });
export const day = (when: When) => shown(when, { year: 'numeric', month: '2-digit', day: '2-digit' });

const SHANGHAI_MS = 8 * 3_600_000;

/** The value of an <input type="datetime-local"> in Asia/Shanghai. */
export function toLocalInput(when: Date): string {
  return new Date(when.getTime() + SHANGHAI_MS).toISOString().slice(0, 16);
}

/** Reads an <input type="datetime-local"> as Asia/Shanghai (UTC+8, no summer time). */
export function fromLocalInput(text: string): Date | null {
  const at = new Date(`${text.length === 10 ? `${text}T00:00` : text}:00+08:00`);
  return Number.isNaN(at.getTime()) ? null : at;
}

/** The next moment at which clocks in Asia/Shanghai show HH:MM; null for anything else. */
export function nextTime(text: string, after: number): Date | null {
  if (!/^\d\d:\d\d$/.test(text)) return null;
  const today = fromLocalInput(`${toLocalInput(new Date(after)).slice(0, 10)}T${text}`);
  if (!today) return null;
  return today.getTime() > after ? today : new Date(today.getTime() + 86_400_000);
}

/** The calendar day in Asia/Shanghai, as YYYY-MM-DD. */
export const shanghaiDay = (when: Date) => toLocalInput(when).slice(0, 10);

const two = (n: number) => String(n).padStart(2, '0');

/** 09:07 counting down, −01:30 when overdue, 1:02:03 above an hour. */
export function countdown(seconds: number): string {
  const s = Math.abs(Math.trunc(seconds));
  const sign = seconds <= -1 ? '−' : '';
  const hours = Math.floor(s / 3600);
  const rest = `${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return hours ? `${sign}${hours}:${rest}` : sign + rest;
}

/** A length of time in words: 45 秒, 7 分钟, 1 小时 20 分. */
export function duration(seconds: number | null | undefined): string {
  if (seconds == null) return '—';
  const s = Math.round(seconds);
  if (s < 60) return isZh() ? `${s} 秒` : `${s} s`;
  const m = Math.round(s / 60);
  if (m < 60) return isZh() ? `${m} 分钟` : `${m} min`;
  const h = Math.floor(m / 60);
  if (h < 48) return isZh() ? `${h} 小时 ${m % 60} 分` : `${h} h ${m % 60} min`;
  const d = Math.floor(h / 24);
  return isZh() ? `${d} 天 ${h % 24} 小时` : `${d} d ${h % 24} h`;
}

/** A span of times: 6–11 min. */
export function interval(low: number | null | undefined, high: number | null | undefined): string {
  if (low == null || high == null) return '';
  const unit = high < 90 ? 1 : 60;
  const [from, to] = [Math.floor(low / unit), Math.ceil(high / unit)];
  const word = unit === 1 ? (isZh() ? '秒' : 's') : isZh() ? '分钟' : 'min';
  return `${from}–${to} ${word}`;
}

export function distance(metres: number | null | undefined): string {
  if (metres == null) return '—';
  if (metres < 1000) return `${Math.round(metres)} m`;
  return `${(metres / 1000).toFixed(metres < 9950 ? 1 : 0)} km`;
}

export function money(fen: number | null | undefined): string {
  if (fen == null) return '—';
  return `¥${new Intl.NumberFormat(lang.value, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(fen / 100)}`;
}

export const number = (n: number | null | undefined) => (n == null ? '—' : new Intl.NumberFormat(lang.value).format(n));
export const percent = (n: number | null | undefined) => (n == null ? '—' : `${n.toFixed(n >= 99.95 || n === 0 ? 0 : 1)}%`);

/** +8613800136729 as 138 0013 6729; a masked or foreign number stays as it is. */
export const phone = (text: string | null | undefined): string =>
  (text ?? '').replace(/^\+86(1\d{2})(\d{4})(\d{4})$/, '$1 $2 $3').replace(/^\+86/, '0');

export function bytes(n: number | null | undefined): string {
  if (n == null) return '—';
  return n < 1_048_576 ? `${Math.max(1, Math.round(n / 1024))} KB` : `${(n / 1_048_576).toFixed(1)} MB`;
}
