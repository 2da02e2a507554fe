/** Where one is on the phone: the address behind the #, so that the back button of the phone works. */
import { signal } from '@preact/signals';

export type Where =
  | { page: 'home' | 'sync' | 'trackers' | 'menu' | 'mytrack' }
  | { page: 'job' | 'report'; task: string };

function read(hash: string): Where {
  const [page, task] = hash.replace(/^#\/?/, '').split('/');
  if ((page === 'job' || page === 'report') && task && /^\d+$/.test(task)) return { page, task };
  if (page === 'sync' || page === 'trackers' || page === 'menu' || page === 'mytrack') return { page };
  return { page: 'home' };
}

export const where = signal<Where>(read(location.hash));
window.addEventListener('hashchange', () => {
  // A QR code scanned while the app is open: begin as if it had been closed.
  if (location.hash.startsWith('#pair=')) return location.reload();
  where.value = read(location.hash);
  window.scrollTo(0, 0);
});

const text = (to: Where): string => ('task' in to ? `#/${to.page}/${to.task}` : to.page === 'home' ? '#/' : `#/${to.page}`);

/** How many steps of our own lie behind this page: the first page must not lead out of the app. */
let depth = 0;

export function go(to: Where): void {
  if (text(to) === text(where.peek())) return;
  depth += 1;
  location.hash = text(to);
}

/** Replaces the page: one must not come back to it. */
export function replace(to: Where): void {
  history.replaceState(null, '', text(to));
  where.value = read(text(to));
  window.scrollTo(0, 0);
}

/** One step back; where nothing of ours lies behind this page (it was loaded anew), to `otherwise`. */
export function back(otherwise: Where = { page: 'home' }): void {
  if (depth > 0) {
    depth -= 1;
    history.back();
  } else replace(otherwise);
}

/** Takes a pairing code out of the address, so that it is neither bookmarked nor used twice. */
export function takePairingCode(): string | null {
  const found = /^#pair=([\w-]{4,40})$/.exec(location.hash);
  if (!found?.[1]) return null;
  history.replaceState(null, '', location.pathname + location.search);
  where.value = { page: 'home' };
  return found[1];
}
