/** A snapshot, then changes. The browser resumes a dropped stream by Last-Event-ID; when it gives up, we open anew with jitter. */
import { learnServerTime } from './clock';
import { leave } from './session';
import type { ClockChange, Gone, Snapshot, SurveyorCard, TaskCard } from './types';

export interface Follower {
  snapshot(all: Snapshot): void;
  surveyor(card: SurveyorCard): void;
  task(card: TaskCard): void;
  clock(change: ClockChange): void;
  gone(what: Gone): void;
  /** True while what is on the screen may be old. */
  stale(is: boolean): void;
}

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;

/** Follows the live stream until the returned function is called. */
export function follow(url: string, follower: Follower): () => void {
  let source: EventSource | null = null;
  let timer = 0;
  let wait = FIRST_WAIT_MS;
  let closed = false;

  const open = () => {
    source = new EventSource(url);
    const on = <T>(name: string, take: (data: T) => void) =>
      source?.addEventListener(name, (event) => take(JSON.parse((event as MessageEvent<string>).data) as T));
    on<Snapshot>('snapshot', (all) => {
      if (all.server_time) learnServerTime(all.server_time);
      follower.snapshot(all);
      follower.stale(false);
    });
    on<SurveyorCard>('surveyor', (card) => follower.surveyor(card));
    on<TaskCard>('task', (card) => follower.task(card));
    on<ClockChange>('clock', (change) => follower.clock(change));
    on<Gone>('gone', (what) => (what.kind === 'session' ? leave() : follower.gone(what)));
    on<unknown>('stale', () => follower.stale(true));
    source.onopen = () => {
      wait = FIRST_WAIT_MS;
      follower.stale(false);
    };
    source.onerror = () => {
      follower.stale(true);
      if (source?.readyState === EventSource.CLOSED) again();
    };
  };

  const again = () => {
    source?.close();
    if (closed) return;
    clearTimeout(timer);
    // Two hundred desks must not return in the same instant after a restart.
    timer = window.setTimeout(open, wait * (0.5 + Math.random()));
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  };

  const wake = () => {
    if (!closed && source?.readyState === EventSource.CLOSED) {
      wait = FIRST_WAIT_MS;
      again();
    }
  };
  const lost = () => follower.stale(true);
  window.addEventListener('online', wake);
  window.addEventListener('offline', lost);
  open();

  return () => {
    closed = true;
    clearTimeout(timer);
    window.removeEventListener('online', wake);
    window.removeEventListener('offline', lost);
    source?.close();
  };
}
