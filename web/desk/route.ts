/** Where we are on the desk: `#/live/claim/77`, `#/claims?q=…`. The hash keeps one page load, and the back button works. */
import { computed, signal } from '@preact/signals';

export type PageName = 'live' | 'playback' | 'report' | 'claims' | 'messages' | 'reports' | 'settings';
export const PAGES: readonly PageName[] = ['live', 'playback', 'report', 'claims', 'messages', 'reports', 'settings'];

export interface Route {
  page: PageName | '';
  rest: string[];
  query: URLSearchParams;
}

// A link that people hand on: /desk/playback?at=… becomes the page's own address.
if (location.pathname === '/desk/playback') history.replaceState(null, '', `/desk#/playback${location.search}`);

function read(): Route {
  const [path = '', search = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [page = '', ...rest] = path.split('/').filter(Boolean).map(decodeURIComponent);
  return {
    page: (PAGES as readonly string[]).includes(page) ? (page as PageName) : '',
    rest,
    query: new URLSearchParams(search),
  };
}

export const route = signal<Route>(read());
window.addEventListener('hashchange', () => void (route.value = read()));

export function link(page: PageName, ...rest: (string | Record<string, string>)[]): string {
  const parts = rest.filter((part): part is string => typeof part === 'string').map(encodeURIComponent);
  const query = rest.find((part): part is Record<string, string> => typeof part === 'object');
  const kept = Object.entries(query ?? {}).filter(([, value]) => value !== '');
  const search = kept.length ? `?${new URLSearchParams(kept)}` : '';
  return `#/${[page, ...parts].join('/')}${search}`;
}

export function go(page: PageName, ...rest: (string | Record<string, string>)[]): void {
  location.hash = link(page, ...rest);
}

/** Changes the address without a new step in the history. */
export function settle(page: PageName, ...rest: (string | Record<string, string>)[]): void {
  history.replaceState(null, '', link(page, ...rest));
  route.value = read();
}

/** The claim whose drawer is open on the live page. */
export const openClaim = computed(() =>
  route.value.page === 'live' && route.value.rest[0] === 'claim' ? (route.value.rest[1] ?? null) : null,
);
/** The surveyor whose card is open on the live page. */
export const openSurveyor = computed(() =>
  route.value.page === 'live' && route.value.rest[0] === 'surveyor' ? (route.value.rest[1] ?? null) : null,
);
