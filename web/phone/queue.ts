/** The queue of taps: kept on the phone first, sent in order, each with one effect however often it is repeated. */
import { computed, signal } from '@preact/signals';
import { api, type ApiError, newKey } from '@shared/api';
import { learnServerTime } from '@shared/clock';
import { asApiError } from '@shared/resource';
import type { Jobs, TaskState } from '@shared/types';
import { account, locked } from './account';
import { type Account, db, type LogLine, type Op, STRICT } from './db';
import { bodyOf, isReceipt, settle, type Tap } from './ops';

export const ops = signal<Op[]>([]);
export const log = signal<LogLine[]>([]);
/** Grows with every settled tap, so that a snapshot asked for before it is known to be old. */
export let settled = 0;

export const unseen = computed(() => log.value.filter((line) => !line.ok && !line.seen));
export const waitingFor = (taskId: string): Op[] => ops.value.filter((op) => op.task_id === taskId);

const TIMEOUT_S = 30;
const LONGEST_WAIT_MS = 30_000;
const LOG_KEPT = 100;

const byNumber = (a: { n?: number }, b: { n?: number }) => (a.n ?? 0) - (b.n ?? 0);

/** Reads the queue and the log of this owner from the phone. */
export async function loadQueue(): Promise<void> {
  const owner = account.peek()?.owner;
  if (!owner) {
    ops.value = [];
    log.value = [];
    return;
  }
  const database = await db();
  // One after the other, each shown at once: a tap queued meanwhile must not be painted over by an older reading.
  ops.value = (await database.getAllFromIndex('ops', 'owner', owner)).sort(byNumber);
  log.value = (await database.getAllFromIndex('log', 'owner', owner)).sort((a, b) => byNumber(b, a));
}

/** How many taps and photographs are being written down just now: until they are, they wait without being counted anywhere else. */
export const writing = signal(0);

/** Does what writes something down, counted from the very tap on. */
export async function writes<T>(work: () => Promise<T>): Promise<T> {
  writing.value += 1;
  try {
    return await work();
  } finally {
    writing.value -= 1;
  }
}

/** Keeps a tap on the phone, with its key, counter and time of the tap, before anything is sent. */
export const enqueue = (tap: Tap): Promise<Op> => writes(() => put(tap));

async function put(tap: Tap): Promise<Op> {
  const owner = account.peek()?.owner;
  if (!owner) throw new Error('nobody is signed in');
  const transaction = (await db()).transaction(['kept', 'ops'], 'readwrite', STRICT);
  const counter = transaction.objectStore('kept');
  const seq = (((await counter.get('seq')) as number | undefined) ?? 0) + 1;
  const op: Op = {
    owner, kind: tap.kind, path: tap.path, body: tap.body, key: newKey(), seq, at: new Date().toISOString(), task_id: tap.task_id ?? null,
    offer_id: tap.offer_id ?? null, report_no: tap.report_no ?? '', tries: 0, next_at: 0, last_error: null,
  };
  await counter.put(seq, 'seq');
  op.n = await transaction.objectStore('ops').add(op);
  await transaction.done;
  ops.value = [...ops.peek(), op];
  return op;
}

/** One sender at a time, over all tabs of this browser. */
async function alone(work: () => Promise<void>): Promise<void> {
  if (navigator.locks) await navigator.locks.request('chakan-queue', { ifAvailable: true }, async (lock) => { if (lock) await work(); });
  else await work();
}

let draining = false;

/** Sends what can be sent. `hurry` forgets the waiting times: the network just came back. */
export async function drain(hurry = false): Promise<void> {
  if (draining) return;
  draining = true;
  try {
    await alone(() => sendAll(hurry));
  } finally {
    draining = false;
  }
}

async function sendAll(hurry: boolean): Promise<void> {
  await loadQueue();
  for (let op = ops.peek()[0]; op; op = ops.peek()[0]) {
    const who = account.peek();
    if (!who || who.owner !== op.owner || locked.peek()) return;
    if (!hurry && op.next_at > Date.now()) return;
    if (!(await sendOne(op, who))) return;
  }
}

/** True when the tap is settled and the next may go. */
async function sendOne(op: Op, who: Account): Promise<boolean> {
  const sentMs = Date.now();
  try {
    const answer = await api.post<Record<string, unknown>>(op.path, bodyOf(op), { key: op.key, tries: 0, timeoutS: TIMEOUT_S });
    if (!isReceipt(op, answer)) return await later(op, 'not_ours');
    if (typeof answer.server_time === 'string') learnServerTime(answer.server_time, sentMs);
    await finish(op, who, null);
    return true;
  } catch (error) {
    const known = asApiError(error);
    if (known.status === 401) {
      locked.value = true;
      return false;
    }
    if (known.passing || known.status >= 500 || known.code === 'unexpected') return await later(op, known.code, known.retryAfterS);
    await finish(op, who, known);
    return true;
  }
}

/** Nobody answered: the same tap with the same key again, after a while. */
async function later(op: Op, code: string, afterS: number | null = null): Promise<false> {
  const waitMs = Math.max((afterS ?? 0) * 1000, Math.min(1000 * 2 ** op.tries, LONGEST_WAIT_MS));
  const next = { ...op, tries: op.tries + 1, next_at: Date.now() + waitMs * (0.8 + Math.random() * 0.4), last_error: code };
  await (await db()).put('ops', next);
  ops.value = ops.peek().map((one) => (one.n === op.n ? next : one));
  return false;
}

/** Takes the tap out of the queue, notes what became of it, and carries its effect into the kept jobs: one transaction. */
async function finish(op: Op, who: Account, refused: ApiError | null): Promise<void> {
  const line: LogLine = {
    owner: op.owner, at: op.at, settled_at: new Date().toISOString(), kind: op.kind, report_no: op.report_no, task_id: op.task_id, ok: refused === null,
    code: refused?.code ?? null, detail: refused?.detail ?? '', state: (refused?.facts.state as TaskState | undefined) ?? null, seen: refused === null,
  };
  const transaction = (await db()).transaction(['ops', 'log', 'kept'], 'readwrite', STRICT);
  if (op.n !== undefined) await transaction.objectStore('ops').delete(op.n);
  line.n = await transaction.objectStore('log').add(line);
  const jobs = (await transaction.objectStore('kept').get(`jobs:${who.owner}`)) as Jobs | undefined;
  if (jobs && !refused) await transaction.objectStore('kept').put(settle(jobs, op), `jobs:${who.owner}`);
  await transaction.done;
  settled += 1;
  for (const hear of listeners) hear(op, refused);
  ops.value = ops.peek().filter((one) => one.n !== op.n);
  log.value = [line, ...log.peek()];
  await trimLog();
}

type Listener = (op: Op, refused: ApiError | null) => void;
const listeners = new Set<Listener>();
/** Hears of every settled tap, before it leaves the queue. */
export function onSettled(hear: Listener): void {
  listeners.add(hear);
}

async function trimLog(): Promise<void> {
  const extra = log.peek().slice(LOG_KEPT);
  if (!extra.length) return;
  const transaction = (await db()).transaction('log', 'readwrite');
  await Promise.all(extra.map((line) => transaction.store.delete(line.n ?? -1)));
  await transaction.done;
  log.value = log.peek().slice(0, LOG_KEPT);
}

export async function markSeen(lines: LogLine[]): Promise<void> {
  const transaction = (await db()).transaction('log', 'readwrite');
  await Promise.all(lines.map((line) => transaction.store.put({ ...line, seen: true })));
  await transaction.done;
  const numbers = new Set(lines.map((line) => line.n));
  log.value = log.peek().map((line) => (numbers.has(line.n) ? { ...line, seen: true } : line));
}

/** Notes something about a photograph in the same log. */
export async function note(line: Omit<LogLine, 'n'>): Promise<void> {
  const n = await (await db()).add('log', line);
  log.value = [{ ...line, n }, ...log.peek()];
}
