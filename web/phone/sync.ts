/** The one loop that keeps phone and server together: taps first, then news, then positions, then photographs. */
import { computed, effect, signal } from '@preact/signals';
import { ApiError } from '@shared/api';
import { asApiError } from '@shared/resource';
import { account, locked, profile, refreshProfile } from './account';
import { answers, listen, type Ring } from './bell';
import { forget, keep, kept, type Op } from './db';
import { measureStorage, online, visible } from './device';
import { heardAt, jobs, loadJobs, lookAgain, offers, pollJobs, stillOpen } from './jobs';
import { type Tap, taps } from './ops';
import { loadPhotos, tidy, unsentPhotos } from './photos';
import { doubtDay } from './planning';
import { flushFixes, keptAt, startWatching, stayAwake, stopWatching, unsentFixes } from './position';
import { drain, enqueue, loadQueue, ops } from './queue';
import { makeWay, sendPhotos } from './uploads';

const POLL_MS = 5_000;
const POLL_OFFER_MS = 2_000;
const POLL_HIDDEN_MS = 15_000;
/** While the bell is heard, asking is only the net under it. */
const POLL_BELL_MS = 20_000;
const POLL_BELL_OFFER_MS = 6_000;
const FIXES_MS = 10_000;
/** Nobody can be sent before his first position is there. */
const FIRST_FIX_MS = 2_000;
const PROFILE_MS = 30_000;

/** Why the server could not be reached the last time; null when it was. */
export const lastFailure = signal<ApiError | null>(null);
/** The last exchange that went well, by this phone's clock. */
export const syncedAt = signal<number | null>(null);
export const waiting = computed(() => ops.value.length + unsentPhotos.value.filter((photo) => photo.state === 'waiting').length);
export const offline = computed(() => !online.value || lastFailure.value !== null);

/** On duty as the screen shows it: a queued switch counts at once. */
export const onDuty = computed<boolean>(() => {
  const queued = ops.value.filter((op) => op.kind === 'shift').at(-1);
  return queued ? queued.body.on === true : (profile.value?.surveyor?.on_duty ?? false);
});
export const dutyWaits = computed(() => ops.value.some((op) => op.kind === 'shift'));

/** Queues a tap and sends it at once when that is possible. */
export async function tap(what: Tap): Promise<Op> {
  const op = await enqueue(what);
  makeWay();
  // Not behind a poll that hangs in a tunnel: the tap is what the clock waits for.
  void guarded(() => drain(true)).then(() => round(true));
  return op;
}

export const goOnDuty = (on: boolean, until?: string): Promise<Op> => tap(taps.shift(on, until));

/** When this shift ends by his own plan, as the screen shows it: a queued word counts at once. */
export const shiftUntil = computed<string | null>(() => {
  const queued = ops.value.filter((op) => op.kind === 'shift' && (op.body.until || op.body.on === false)).at(-1);
  return queued ? ((queued.body.until as string | undefined) ?? null) : (profile.value?.surveyor?.shift_until ?? null);
});

let last = { jobs: 0, fixes: 0, profile: 0, storage: 0 };
let going: Promise<void> | null = null;
let again = false;

/** One round. A second call while one runs makes it go round once more. */
export function round(hurry = false): Promise<void> {
  if (going) {
    again ||= hurry;
    return going;
  }
  going = once(hurry).finally(() => {
    going = null;
    if (again) {
      again = false;
      void round(true);
    }
  });
  return going;
}

async function once(hurry: boolean): Promise<void> {
  if (!account.peek() || locked.peek()) return;
  const at = Date.now();
  await guarded(async () => {
    const before = ops.peek().length;
    await drain(hurry);
    const moved = ops.peek().length < before;
    const stuck = ops.peek()[0]?.last_error;
    if (stuck) lastFailure.value = new ApiError(stuck, 0, '');
    if (hurry || moved || at - last.jobs >= pollEvery()) {
      last.jobs = at;
      await pollJobs();
      success();
      if (moved || at - last.profile >= PROFILE_MS || hurry) {
        last.profile = at;
        await refreshProfile();
      }
    }
    // Not before the server knows that he is on duty: it would refuse them, and a phone that stands still has no other soon.
    const first = keptAt.peek() === null && unsentFixes.peek() > 0 ? FIRST_FIX_MS : FIXES_MS;
    if (onDuty.peek() && !dutyWaits.peek() && (at - last.fixes >= first || hurry)) {
      last.fixes = at;
      const open = await flushFixes();
      if (open.some((id) => !offers.peek().some((offer) => offer.id === id))) await pollJobs();
    }
  });
  void guarded(() => sendPhotos(hurry));
  if (at - last.storage > 60_000) {
    last.storage = at;
    await measureStorage();
    await tidy(new Set(jobs.peek().tasks.map((job) => job.id)));
  }
}

function success(): void {
  lastFailure.value = null;
  syncedAt.value = Date.now();
}

async function guarded(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const known = asApiError(error);
    if (known.status === 401) locked.value = true;
    else if (known.code === 'unexpected') throw error;
    else lastFailure.value = known;
  }
}

function pollEvery(): number {
  if (answers()) return offers.peek().some(stillOpen) ? POLL_BELL_OFFER_MS : POLL_BELL_MS;
  if (offers.peek().some(stillOpen)) return POLL_OFFER_MS;
  return visible.peek() ? POLL_MS : POLL_HIDDEN_MS;
}

/** The bell rang: look at once, not behind a photograph or a tap that hangs in a tunnel. */
async function rung(rings: readonly Ring[]): Promise<void> {
  if (!account.peek() || locked.peek()) return;
  const at = Date.now();
  await guarded(async () => {
    last.jobs = at;
    await lookAgain();
    success();
    if (rings.some(({ what }) => what === 'job' || what === 'all')) doubtDay();
    if (!rings.some(({ what }) => what === 'shift' || what === 'all')) return;
    last.profile = at;
    await refreshProfile();
  });
}

/** Everything of this owner that is on the phone; no network needed. */
export async function load(): Promise<void> {
  await Promise.all([loadQueue(), loadJobs(), loadPhotos()]);
  syncedAt.value = heardAt.peek();
  lastFailure.value = null;
  last = { jobs: 0, fixes: 0, profile: 0, storage: 0 };
}

/** After the owner changed: his own things from the phone first, then from the server. */
export async function begin(): Promise<void> {
  await load();
  await round(true);
}

/** Wires the loop to the clock, the network and the screen. */
export function startSync(): void {
  window.setInterval(() => void round(), 1_000);
  window.addEventListener('online', () => void round(true));
  document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible') void round(true); });
  effect(() => {
    if (!account.value || locked.value) return;
    return listen((rings) => void rung(rings));
  });
  effect(() => {
    // Tracked only on duty and only while this page is seen.
    if (account.value && onDuty.value && visible.value) startWatching();
    else stopWatching();
  });
  effect(() => void stayAwake(visible.value && jobs.value.tasks.some((job) => job.state === 'en_route')));
}

/** A note to oneself that survives a reload, such as a half-written report. */
export const draft = {
  read: <T>(name: string): Promise<T | null> => kept<T>(`draft:${name}`),
  write: (name: string, value: unknown): Promise<void> => keep(`draft:${name}`, value),
  drop: (name: string): Promise<void> => forget(`draft:${name}`),
};
