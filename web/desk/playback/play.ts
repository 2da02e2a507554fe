/** The past as a film: a picture of one moment, then what followed, fetched ten minutes at a time while it plays. */
import { batch, signal } from '@preact/signals';
import { api } from '@shared/api';
import { serverNow } from '@shared/clock';
import { asApiError } from '@shared/resource';
import type { ApiError } from '@shared/api';
import type { Id, SurveyorCard, TaskCard } from '@shared/types';
import { settle } from '../route';

export const SPEEDS = [1, 2, 5, 10, 30, 60] as const;
const CHUNK_MS = 600_000;
/** The next chunk is fetched when less than this much of playing is left, in seconds of the watcher's time. */
const AHEAD_S = 8;
const FRAME_MS = 200;
/** A slider that is drawn along names forty moments a second; each asked for would be everybody's places, and an audit row. */
const SETTLE_MS = 250;
const DONE = new Set(['approved', 'cancelled']);

type Move = [
  who: number,
  received: number,
  seen: number,
  lon: number,
  lat: number,
  accuracy_m: number | null,
  speed_mps: number | null,
  heading_deg: number | null,
];
interface Chunk {
  from: string;
  to: string;
  ids: Id[];
  moves: Move[];
  turns: { at: string; kind: 'task' | 'surveyor'; id: Id; card: Partial<SurveyorCard> | TaskCard | null }[];
}
interface Picture {
  tasks: TaskCard[];
  surveyors: SurveyorCard[];
}
/** Something that happens at a moment, ready to be done. */
interface Step {
  at: number;
  run: (people: Map<Id, SurveyorCard>, jobs: Map<Id, TaskCard>) => void;
}

// Never before there is a day to show: the bars of the day are asked for at once.
export const at = signal(serverNow());
export const speed = signal<number>(10);
export const playing = signal(false);
export const people = signal<ReadonlyMap<Id, SurveyorCard>>(new Map());
export const jobs = signal<ReadonlyMap<Id, TaskCard>>(new Map());
export const waiting = signal(false);
export const failed = signal<ApiError | null>(null);

/** Why this watcher looks, said before the first picture. */
let reason = '';
let steps: Step[] = [];
let next = 0;
/** How far what follows is known. */
let knownUntil = 0;
let asked = 0;
let fetching: AbortController | null = null;
let timer = 0;
let last = 0;
let sought = 0;
/** The picture does not yet show the moment that is named. */
let seeking = false;

const iso = (ms: number) => new Date(ms).toISOString();

function moved(card: SurveyorCard, from: number, move: Move): SurveyorCard {
  const [, received, seen, lon, lat, accuracy_m, speed_mps, heading_deg] = move;
  const fixed = from + seen;
  if (!card.on_duty || (card.position && Date.parse(card.position.fixed_at) > fixed)) return card;
  const battery = card.position?.battery ?? null;
  const state = card.state === 'stale' ? (card.open_jobs ? 'busy' : 'idle') : card.state;
  const position = { lon, lat, accuracy_m, speed_mps, heading_deg, battery, source: null };
  return { ...card, state, position: { ...position, fixed_at: iso(fixed), received_at: iso(from + received) } };
}

function stepsOf(chunk: Chunk): Step[] {
  const from = Date.parse(chunk.from);
  const found: Step[] = chunk.moves.map((move) => ({
    at: from + move[1],
    run: (all) => {
      const id = chunk.ids[move[0]] ?? '';
      const card = all.get(id);
      if (card) all.set(id, moved(card, from, move));
    },
  }));
  for (const { at: when, kind, id, card } of chunk.turns)
    found.push({
      at: Date.parse(when),
      run: (all, tasks) => {
        if (kind === 'task') {
          if (card && !DONE.has((card as TaskCard).state)) tasks.set(id, card as TaskCard);
          else tasks.delete(id);
          return;
        }
        const old = all.get(id);
        if (!old || !card) return;
        const duty = card as Partial<SurveyorCard>;
        all.set(id, { ...old, ...duty, position: duty.on_duty ? old.position : null });
      },
    });
  return found.sort((a, b) => a.at - b.at);
}

async function fetchNext(stop: AbortController): Promise<void> {
  const from = Math.max(asked, knownUntil);
  const to = Math.min(from + CHUNK_MS, serverNow() - 1000);
  if (to - from < 1000) return;
  asked = to;
  const step_s = speed.peek() >= 30 ? 10 : 5;
  const chunk = await api.get<Chunk>(
    '/playback/moves',
    { from: iso(from), to: iso(to), step_s, reason },
    { signal: stop.signal },
  );
  if (stop.signal.aborted) return;
  steps = steps.slice(next).concat(stepsOf(chunk));
  next = 0;
  knownUntil = to;
}

function keepFetching(): void {
  const stop = fetching;
  if (!stop || asked > knownUntil || knownUntil - at.peek() > AHEAD_S * 1000 * speed.peek()) return;
  fetchNext(stop).catch((error: unknown) => {
    if (stop.signal.aborted) return;
    asked = knownUntil;
    playing.value = false;
    failed.value = asApiError(error);
  });
}

/** Shows a moment as it was known then, and gets ready to play on from it. `drawn`: a hand is on the slider, more will follow. */
export async function seek(to: number, drawn = false): Promise<void> {
  fetching?.abort();
  const stop = new AbortController();
  fetching = stop;
  const moment = Math.min(to, serverNow() - 1000);
  const inARow = drawn || performance.now() - sought < SETTLE_MS;
  sought = performance.now();
  seeking = true;
  batch(() => {
    at.value = moment;
    waiting.value = true;
    failed.value = null;
  });
  if (inARow) await new Promise((settled) => setTimeout(settled, SETTLE_MS));
  if (stop.signal.aborted) return;
  try {
    const picture = await api.get<Picture>('/playback', { at: iso(moment), reason }, { signal: stop.signal });
    if (stop.signal.aborted) return;
    steps = [];
    next = 0;
    knownUntil = asked = moment;
    batch(() => {
      people.value = new Map(picture.surveyors.map((card) => [card.id, card]));
      jobs.value = new Map(picture.tasks.map((card) => [card.id, card]));
    });
    keepFetching();
  } catch (error) {
    if (!stop.signal.aborted) failed.value = asApiError(error);
  }
  if (stop.signal.aborted) return;
  seeking = false;
  waiting.value = false;
  remember();
}

function frame(): void {
  const now = performance.now();
  const passed = Math.min(now - last, 1000);
  last = now;
  if (!playing.peek() || seeking) return;
  // What is not known yet is not passed over: the film waits for it.
  const wanted = at.peek() + passed * speed.peek();
  const until = Math.min(wanted, knownUntil);
  waiting.value = until < wanted && knownUntil < serverNow() - 2000;
  if (!waiting.peek() && until < wanted) playing.value = false; // it has caught up with the present
  const all = new Map(people.peek());
  const tasks = new Map(jobs.peek());
  let changed = false;
  for (let step = steps[next]; step && step.at <= until; step = steps[next]) {
    step.run(all, tasks);
    next += 1;
    changed = true;
  }
  batch(() => {
    at.value = until;
    if (changed) {
      people.value = all;
      jobs.value = tasks;
    }
  });
  keepFetching();
}

export function play(on: boolean): void {
  last = performance.now();
  playing.value = on;
  if (!on) remember();
}

export function faster(by: 1 | -1): void {
  const where = SPEEDS.findIndex((one) => one >= speed.peek());
  speed.value = SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, where + by))] ?? 10;
  remember();
}

/** The address names the moment and the speed, so that it can be handed on. */
export function remember(): void {
  settle('playback', { at: iso(at.peek()).slice(0, 19) + 'Z', speed: String(speed.peek()) });
}

export const linkTo = (): string => {
  const query = new URLSearchParams({ at: iso(at.peek()).slice(0, 19) + 'Z', speed: String(speed.peek()) });
  return `${location.origin}/desk/playback?${query}`;
};

/** Begins at a moment, for a reason; the returned function ends everything. */
export function open(from: number, why: string): () => void {
  reason = why;
  void seek(from);
  timer = window.setInterval(frame, FRAME_MS);
  return () => {
    clearInterval(timer);
    fetching?.abort();
    reason = '';
    playing.value = false;
    people.value = new Map();
    jobs.value = new Map();
  };
}

const MINUTE_MS = 60_000;

/** Space plays, arrows step, comma and point change the speed; true when the key was ours. */
export function playKeys(event: KeyboardEvent): boolean {
  if (!reason) return false;
  const step = event.shiftKey ? 10 * MINUTE_MS : MINUTE_MS;
  if (event.key === ' ') play(!playing.peek());
  else if (event.key === 'ArrowLeft') void seek(at.peek() - step);
  else if (event.key === 'ArrowRight') void seek(at.peek() + step);
  else if (event.key === ',') faster(-1);
  else if (event.key === '.') faster(1);
  else return false;
  return true;
}
