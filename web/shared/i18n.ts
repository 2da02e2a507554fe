/** Two languages, Chinese first. A dictionary that lacks an English entry does not compile. */
import { effect, signal } from '@preact/signals';

export type Lang = 'zh-CN' | 'en';
const KEPT = 'chakan.lang';

function first(): Lang {
  const asked = new URLSearchParams(location.search).get('lang') ?? kept() ?? navigator.language;
  return asked.toLowerCase().startsWith('en') ? 'en' : 'zh-CN';
}

function kept(): string | null {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // storage is refused in some private windows; the page still works
  }
}

export const lang = signal<Lang>(first());
export const isZh = () => lang.value === 'zh-CN';

effect(() => {
  document.documentElement.lang = lang.value;
  try {
    localStorage.setItem(KEPT, lang.value);
  } catch {
    return; // not remembered, nothing else is lost
  }
});

export function setLang(to: Lang): void {
  lang.value = to;
  const url = new URL(location.href);
  if (url.searchParams.has('lang')) {
    url.searchParams.set('lang', to);
    history.replaceState(history.state, '', url);
  }
}

type Values = Record<string, string | number>;

/** Makes `t('key', {n: 3})` for one page. Components that call it follow a change of language by themselves. */
export function words<Z extends Record<string, string>>(zh: Z, en: { [K in keyof Z]: string }) {
  return (key: keyof Z & string, values?: Values): string => fill((isZh() ? zh : en)[key] ?? key, values);
}

/** Makes a label for a code the API sends; an unknown code shows itself, so that a newer server stays readable. */
export function labels<Z extends Record<string, string>>(zh: Z, en: { [K in keyof Z]: string }) {
  return (code: string | null | undefined): string => (code ? ((isZh() ? zh : en)[code] ?? code) : '');
}

/** `{n}` is the value itself; `{n|job is|jobs are}` is chosen by it: English counts, Chinese does not. */
function fill(text: string, values?: Values): string {
  if (!values) return text;
  return text
    .replace(/\{(\w+)\|([^|}]*)\|([^}]*)\}/g, (_, name: string, one: string, many: string) =>
      Number(values[name]) === 1 ? one : many,
    )
    .replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all));
}

/** Picks by language, for texts the API sends in both. */
export const either = (zh: string, en: string): string => (isZh() ? zh || en : en || zh);
