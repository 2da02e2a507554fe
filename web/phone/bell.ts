/** The open line on which the server says «look again». It never says what changed: every answer comes by asking. */
import { signal } from '@preact/signals';
import { api, ApiError } from '@shared/api';

/** What changed: offer, job, photo, shift, move, catastrophe, or all. */
export interface Ring { what: string; id: string }

/** A word at least every 20 s. A line silent for longer is doubted: one asks as if there were none, but keeps it a while. */
const DOUBT_MS = 24_000;
const SILENCE_MS = 45_000;
const CONNECT_MS = 15_000;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
/** Refused for good, or too many lines of one person: asking goes on meanwhile. */
const REFUSED_WAIT_MS = 60_000;
const LOOK_MS = 1_000;

/** Whether a line is open. */
export const connected = signal(false);

let heardAt = 0;

/** Whether the bell would be heard now. */
export const answers = (): boolean => connected.peek() && Date.now() - heardAt < DOUBT_MS;

/** Listens until the returned function is called. */
export function listen(onRing: (rings: readonly Ring[]) => void): () => void {
  let line: AbortController | null = null;
  let openedAt = 0;
  let timer = 0;
  let wait = FIRST_WAIT_MS;
  let atLeastMs = 0;
  let lastId = '';
  let waiting: Ring[] = [];
  let ringTimer = 0;

  /** One question for all that rang together; a phone that was rung with many others waits its share. */
  const ring = (one: Ring, spreadMs: number): void => {
    waiting.push(one);
    if (ringTimer && spreadMs > 0) return;
    clearTimeout(ringTimer);
    ringTimer = window.setTimeout(() => {
      ringTimer = 0;
      const rings = waiting;
      waiting = [];
      onRing(rings);
    }, Math.random() * spreadMs);
  };

  const take = (block: string): void => {
    const fields = new Map(block.split('\n').map((text): [string, string] => {
      const at = text.indexOf(': ');
      return at < 1 ? ['', ''] : [text.slice(0, at), text.slice(at + 2)];
    }));
    lastId = fields.get('id') ?? lastId;
    const told = JSON.parse(fields.get('data') ?? '{}') as Partial<Ring & { spread_ms: number; why: string }>;
    if (fields.get('event') === 'gone' && told.why === 'replaced') atLeastMs = REFUSED_WAIT_MS;
    if (fields.get('event') === 'ring') ring({ what: told.what ?? 'all', id: told.id ?? '' }, Number(told.spread_ms) || 0);
  };

  const read = async (mine: AbortController): Promise<void> => {
    const reader = await api.line('/me/bell', mine.signal, lastId);
    const decoder = new TextDecoder();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done || line !== mine) return;
      heardAt = Date.now();
      connected.value = true;
      wait = FIRST_WAIT_MS;
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      blocks.forEach(take);
    }
  };

  const begin = (): void => {
    const mine = (line = new AbortController());
    openedAt = Date.now();
    atLeastMs = 0;
    const ended = (error?: unknown): void => {
      if (line !== mine) return;
      const refused = error instanceof ApiError && error.status >= 400 && !error.passing;
      if (refused) atLeastMs = REFUSED_WAIT_MS;
      later();
    };
    read(mine).then(() => ended(), ended);
  };

  const drop = (): void => {
    const old = line;
    line = null;
    connected.value = false;
    clearTimeout(timer);
    old?.abort();
  };

  const later = (): void => {
    drop();
    // A thousand phones must not return in the same instant after a restart.
    timer = window.setTimeout(begin, Math.max(wait, atLeastMs) * (0.5 + Math.random()));
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  };

  const now = (): void => {
    drop();
    wait = FIRST_WAIT_MS;
    begin();
  };

  const look = (): void => {
    if (!line) return;
    const silent = Date.now() - Math.max(heardAt, openedAt);
    if (connected.peek() ? silent > SILENCE_MS : silent > CONNECT_MS) later();
  };
  /** The page is seen again: the line of before may be dead without having said so. */
  const woke = (): void => {
    if (document.visibilityState === 'visible' && !answers() && Date.now() - openedAt > FIRST_WAIT_MS) now();
  };

  const eye = window.setInterval(look, LOOK_MS);
  window.addEventListener('online', now);
  window.addEventListener('offline', drop);
  document.addEventListener('visibilitychange', woke);
  begin();

  return () => {
    clearInterval(eye);
    clearTimeout(ringTimer);
    window.removeEventListener('online', now);
    window.removeEventListener('offline', drop);
    document.removeEventListener('visibilitychange', woke);
    drop();
  };
}
