/** A snapshot, then changes. The browser resumes a dropped stream by Last-Event-ID; when it gives up, we open anew with jitter. */
import { api } from './api';
import { learnServerTime } from './clock';
import { type Batch, type Box, cellsOf, type ViewTold } from './packed';
import { lapse, lapsed, whoAmI } from './session';
import type { ClockChange, Gone, PackedSnapshot, SurveyorCard, TaskCard } from './types';

export interface Follower {
  snapshot(all: PackedSnapshot): void;
  batch(told: Batch): void;
  /** What lies in the part of the map turned to; the moves that follow are of that part only. */
  view(told: ViewTold): void;
  surveyor(card: SurveyorCard): void;
  task(card: TaskCard): void;
  clock(change: ClockChange): void;
  gone(what: Gone): void;
  /** True while what is on the screen may be old. */
  stale(is: boolean): void;
}

const FIRST_WAIT_MS = 1000;
/** A refusal costs the server little; longer than this a desk must not stay dark once the stream is back. */
const LONGEST_WAIT_MS = 8_000;
const LOOK_REST_MS = 500;
/** The stream says something every 15 s. A line silent for longer is dead, even if nobody hung up. */
const SILENCE_MS = 40_000;
const LISTEN_MS = 5000;

let stream = '';
let wanted: Box | null = null;
let asked = '';
let lookTimer = 0;

const nameOf = (box: Box) => {
  const cells = cellsOf(box);
  return cells ? [...cells].join(',') : 'all';
};

function turn(): void {
  lookTimer = 0;
  if (!stream || !wanted) return;
  const name = nameOf(wanted);
  // Within the same cells the stream says the same: most panning asks for nothing.
  if (name === asked) return;
  asked = name;
  const before = stream;
  api.post('/live/view', { stream, bbox: wanted }, { tries: 0 }).catch((error: unknown) => {
    if (stream === before) asked = ''; // the next movement of the map asks again
    console.warn('the stream still shows the former part of the map', error);
  });
}

/** Narrows the open stream to a part of the map, without a new connection. */
export function look(box: Box): void {
  wanted = box;
  lookTimer ||= window.setTimeout(turn, LOOK_REST_MS);
}

function begin(name: string): void {
  if (name === stream) return;
  stream = name;
  asked = 'all';
  if (wanted) turn();
}

/** Follows the live stream until the returned function is called. */
export function follow(url: string, follower: Follower): () => void {
  let source: EventSource | null = null;
  let timer = 0;
  let wait = FIRST_WAIT_MS;
  let closed = false;
  let heard = performance.now();

  const open = () => {
    heard = performance.now();
    source = new EventSource(url);
    const on = <T>(name: string, take: (data: T) => void) =>
      source?.addEventListener(name, (event) => {
        heard = performance.now();
        take(JSON.parse((event as MessageEvent<string>).data) as T);
      });
    on<PackedSnapshot>('snapshot', (all) => {
      if (all.server_time) learnServerTime(all.server_time);
      follower.snapshot(all);
      follower.stale(false);
      begin(all.stream);
    });
    on<{ stream: string; server_time: string }>('resumed', (hello) => {
      learnServerTime(hello.server_time);
      follower.stale(false);
      begin(hello.stream);
    });
    on<Batch>('surveyors', (told) => follower.batch(told));
    on<ViewTold>('view', (told) => follower.view(told));
    on<SurveyorCard>('surveyor', (card) => follower.surveyor(card));
    on<TaskCard>('task', (card) => follower.task(card));
    on<ClockChange>('clock', (change) => follower.clock(change));
    on<Gone>('gone', (what) => (what.kind === 'session' ? lapse() : follower.gone(what)));
    on<unknown>('stale', () => follower.stale(true));
    on<unknown>('still', () => undefined);
    source.onopen = () => void (wait = FIRST_WAIT_MS);
    source.onerror = () => {
      follower.stale(true);
      if (source?.readyState !== EventSource.CLOSED) return;
      // A stream does not say why it was refused; a session that ended would leave the desk dark without a word.
      if (!lapsed.peek()) whoAmI().catch((error: unknown) => console.warn('who is signed in cannot be asked', error));
      again();
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

  const listen = window.setInterval(() => {
    if (source?.readyState !== EventSource.OPEN || performance.now() - heard < SILENCE_MS) return;
    follower.stale(true);
    again();
  }, LISTEN_MS);
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
    clearInterval(listen);
    clearTimeout(timer);
    clearTimeout(lookTimer);
    window.removeEventListener('online', wake);
    window.removeEventListener('offline', lost);
    source?.close();
  };
}
