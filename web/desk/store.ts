/** What the live stream says is true now, for every part of the desk. */
import { batch, computed, signal } from '@preact/signals';
import { api } from '@shared/api';
import { learnServerTime, now, serverNow } from '@shared/clock';
import { follow } from '@shared/live';
import { type Batch, cardOf, cellName, cellsOf, type Move, unpack, type ViewTold } from '@shared/packed';
import type { Freshness, Id, PackedSnapshot, Page, SurveyorCard, TaskCard } from '@shared/types';
import { leadingClock, urgencyOf } from '@shared/ui';

export const surveyors = signal<ReadonlyMap<Id, SurveyorCard>>(new Map());
export const tasks = signal<ReadonlyMap<Id, TaskCard>>(new Map());
export const stale = signal(true);
/** False until the first picture is there. */
export const ready = signal(false);
/** Counts clock events, so that the list of alarms knows when to ask again. */
export const clockTurns = signal(0);

// A second's changes come in one piece; single cards wait here and are drawn together.
const FLUSH_MS = 200;
const waiting = { surveyors: new Map<Id, SurveyorCard | null>(), tasks: new Map<Id, TaskCard | null>() };
let timer = 0;
/** Moves name a surveyor by a number that is good for one stream process. */
const numbers = new Map<number, Id>();
let columns: string[] = [];
/** The cells whose moves we are told; null is everywhere. */
let followed: Set<string> | null = null;

function merge<T>(old: ReadonlyMap<Id, T>, changes: Map<Id, T | null>): ReadonlyMap<Id, T> {
  if (!changes.size) return old;
  const next = new Map(old);
  for (const [id, card] of changes) {
    if (card === null) next.delete(id);
    else next.set(id, card);
  }
  changes.clear();
  return next;
}

function flush(): void {
  clearTimeout(timer);
  timer = 0;
  batch(() => {
    surveyors.value = merge(surveyors.value, waiting.surveyors);
    tasks.value = merge(tasks.value, waiting.tasks);
  });
}

const later = () => void (timer ||= window.setTimeout(flush, FLUSH_MS));
const DONE = new Set(['approved', 'cancelled']);
const byId = <T extends { id: Id }>(cards: T[]): ReadonlyMap<Id, T> => new Map(cards.map((card) => [card.id, card]));
const latest = (id: Id) => waiting.surveyors.get(id) ?? surveyors.peek().get(id);

function replaceAll(people: SurveyorCard[], jobs: TaskCard[]): void {
  waiting.surveyors.clear();
  waiting.tasks.clear();
  batch(() => {
    surveyors.value = byId(people);
    tasks.value = byId(jobs.filter((job) => !DONE.has(job.state)));
    ready.value = true;
  });
}

export function takeTask(card: TaskCard): void {
  waiting.tasks.set(card.id, DONE.has(card.state) ? null : card);
  later();
}

function placed(card: SurveyorCard): SurveyorCard {
  const { position } = card;
  const unseen = followed !== null && position !== null && !followed.has(cellName(position.lon, position.lat));
  return unseen === Boolean(card.unseen) ? card : { ...card, unseen };
}

function takeRow(row: unknown[]): void {
  const { n, card } = cardOf(columns, row);
  numbers.set(n, card.id);
  waiting.surveyors.set(card.id, placed(card));
}

function takeMove(move: Move): void {
  const id = numbers.get(move.n);
  const card = id === undefined ? undefined : latest(id);
  if (!id || !card) return;
  const at = new Date(move.seen).toISOString();
  const { lon, lat, accuracy_m, heading_deg, speed_mps } = move;
  const old = card.position ?? { battery: null, source: null };
  const position = { ...old, lon, lat, accuracy_m, heading_deg, speed_mps, fixed_at: at, received_at: at };
  waiting.surveyors.set(id, placed({ ...card, position }));
}

function takeBatch({ t, cells, rows }: Batch): void {
  rows.forEach(takeRow);
  for (const cell of cells) unpack(cell, t, takeMove);
  flush();
}

/** Turned elsewhere: who was thought to be there and is not told of has gone somewhere we do not look. */
function takeView({ t, box, cells }: ViewTold): void {
  followed = cellsOf(box);
  const told = new Set<Id>();
  const fresh = new Set(cells.map(([x, y]) => `${x} ${y}`));
  for (const cell of cells)
    unpack(cell, t, (move) => {
      const id = numbers.get(move.n);
      if (id) told.add(id);
      takeMove(move);
    });
  for (const [id, card] of surveyors.peek()) {
    if (told.has(id)) continue;
    const { position } = card;
    const lost = position !== null && card.unseen && fresh.has(cellName(position.lon, position.lat));
    const next = lost ? { ...card, position: null, unseen: true } : placed(card);
    if (next !== card && !waiting.surveyors.has(id)) waiting.surveyors.set(id, next);
  }
  flush();
}

function takeAll(all: PackedSnapshot): void {
  columns = all.columns;
  followed = null;
  numbers.clear();
  const people = all.rows.map((row) => {
    const { n, card } = cardOf(columns, row);
    numbers.set(n, card.id);
    return card;
  });
  replaceAll(people, all.tasks);
}

/** Beyond so many people the stream alone tells of them: the same by plain requests would be twenty pages every time. */
const MOST_ASKED_FOR = 2000;
const FALL_BACK_MS = 5000;

/** Follows the stream for as long as the desk is open; while it is away, asks the API every few seconds instead. */
export function begin(): () => void {
  const stop = follow('/api/v1/live?batch=1', {
    snapshot: takeAll,
    batch: takeBatch,
    view: takeView,
    surveyor: (card) => {
      waiting.surveyors.set(card.id, placed(card));
      later();
    },
    task: takeTask,
    clock: ({ task_id, clock }) => {
      const card = waiting.tasks.get(task_id) ?? tasks.peek().get(task_id);
      if (card) takeTask({ ...card, clocks: [...card.clocks.filter((one) => one.kind !== clock.kind), clock] });
      clockTurns.value += 1;
    },
    gone: ({ kind, id }) => {
      waiting[kind === 'task' ? 'tasks' : 'surveyors'].set(id, null);
      later();
    },
    stale: (is) => void (stale.value = is),
  });
  const poll = window.setInterval(() => {
    if (stale.peek() && !document.hidden) void fallBack();
  }, FALL_BACK_MS);
  return () => {
    stop();
    clearInterval(poll);
  };
}

async function all<T>(path: string): Promise<T[]> {
  const items: T[] = [];
  let after: string | null = null;
  do {
    const page: Page<T> & { server_time?: string } = await api.get(
      path,
      { limit: 500, ...(after ? { after } : {}) },
      { tries: 0, timeoutS: 8 },
    );
    if (page.server_time) learnServerTime(page.server_time);
    items.push(...page.items);
    after = page.next;
  } while (after && items.length < 20_000);
  return items;
}

/** The same picture by plain requests. Still marked stale: it is seconds old, not live. */
async function fallBack(): Promise<void> {
  try {
    const many = surveyors.peek().size > MOST_ASKED_FOR;
    const people = many ? [...surveyors.peek().values()] : await all<SurveyorCard>('/surveyors');
    const jobs = await all<TaskCard>('/board');
    if (stale.peek()) replaceAll(people, jobs);
  } catch (error) {
    console.warn('the board cannot be read', error);
  }
}

/** Seconds since the position was true, by the older of the phone's clock and ours; null when there is none. */
export function ageOf(card: SurveyorCard, at: number = serverNow()): number | null {
  if (!card.position || card.unseen) return null;
  const { fixed_at, received_at } = card.position;
  return Math.max(0, (at - Math.min(Date.parse(fixed_at), Date.parse(received_at ?? fixed_at))) / 1000);
}

export function freshnessOf(card: SurveyorCard, at?: number): Freshness {
  if (card.unseen) return card.freshness;
  const age = ageOf(card, at);
  return age === null ? 'never' : age < 120 ? 'fresh' : age < 300 ? 'amber' : 'stale';
}

/** The groups of the board, in the order of a job's life. */
export type GroupKey = 'unassigned' | 'asking' | 'accepted' | 'moving' | 'scene' | 'submitted';
export const GROUPS: Record<GroupKey, readonly TaskCard['state'][]> = {
  unassigned: ['unassigned'],
  asking: ['pending', 'offered'],
  accepted: ['accepted'],
  moving: ['contacted', 'en_route'],
  scene: ['on_scene', 'returned'],
  submitted: ['submitted'],
};
export const groupOf = (card: TaskCard): GroupKey =>
  (Object.keys(GROUPS) as GroupKey[]).find((key) => GROUPS[key].includes(card.state)) ?? 'submitted';

const due = (card: TaskCard) => leadingClock(card.clocks)?.due_at ?? '9999';

/** Most urgent first: priority, then the clock that is due first, then the oldest. */
export const byUrgency = (a: TaskCard, b: TaskCard): number =>
  b.priority - a.priority || due(a).localeCompare(due(b)) || a.reported_at.localeCompare(b.reported_at);

export const onDuty = computed(() => {
  let count = 0;
  for (const card of surveyors.value.values()) if (card.on_duty) count += 1;
  return count;
});
export const unassigned = computed(() => [...tasks.value.values()].filter((card) => card.state === 'unassigned').sort(byUrgency));
// Ticks each second, but is a text: what depends on it is drawn again only when a job falls overdue, not at every tick.
const overdueIds = computed(() => {
  void now.value;
  return [...tasks.value.values()]
    .filter((card) => {
      const clock = leadingClock(card.clocks);
      return clock !== null && urgencyOf(clock) === 'late';
    })
    .map((card) => card.id)
    .join(' ');
});
/** Jobs with a clock that is broken and still runs. */
export const overdue = computed(() =>
  overdueIds.value
    .split(' ')
    .map((id) => tasks.peek().get(id))
    .filter((card): card is TaskCard => card !== undefined),
);
