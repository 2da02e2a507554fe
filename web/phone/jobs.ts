/** The jobs of this surveyor: what the server said last, kept on the phone, with the queued taps laid over it. */
import { computed, signal } from '@preact/signals';
import { api } from '@shared/api';
import { learnServerTime, serverNow } from '@shared/clock';
import type { Id, Jobs, OfferJob, TaskJob } from '@shared/types';
import { account } from './account';
import { keep, kept } from './db';
import { apply, settle } from './ops';
import { onSettled, ops, settled } from './queue';

const NONE: Jobs = { offers: [], tasks: [], server_time: '' };

/** The server's last word. */
const said = signal<Jobs>(NONE);
/** When the server was last heard; null when never on this phone. */
export const heardAt = signal<number | null>(null);

/** What the screen shows. */
export const jobs = computed<Jobs>(() => ops.value.reduce(apply, said.value));
export const tasks = computed<TaskJob[]>(() => jobs.value.tasks);
/** Offers that can still be answered, the most urgent first; one that was accepted waits here for the server. */
export const offers = computed<OfferJob[]>(() => [...jobs.value.offers].sort((a, b) => a.expires_at.localeCompare(b.expires_at)));
export const task = (id: Id): TaskJob | undefined => tasks.value.find((job) => job.id === id);

export async function loadJobs(): Promise<void> {
  const owner = account.peek()?.owner;
  const found = owner ? await kept<Jobs & { heard_at?: number }>(`jobs:${owner}`) : null;
  said.value = found ?? NONE;
  heardAt.value = found?.heard_at ?? null;
}

onSettled((op, refused) => {
  if (!refused) said.value = settle(said.peek(), op);
});

let asking: Promise<void> | null = null;

/** Asks the server for the jobs. Several callers share one question. */
export function pollJobs(): Promise<void> {
  asking ??= ask().finally(() => void (asking = null));
  return asking;
}

let next: Promise<void> | null = null;

/** Asks anew: an answer already on its way may be older than what one was told of. Several callers share one question. */
export function lookAgain(): Promise<void> {
  if (!asking) return pollJobs();
  next ??= asking.catch(() => undefined).then(() => {
    next = null;
    return pollJobs();
  });
  return next;
}

async function ask(): Promise<void> {
  const owner = account.peek()?.owner;
  if (!owner) return;
  for (let round = 0; round < 3; round += 1) {
    const before = settled;
    const sentMs = Date.now();
    const answer = await api.get<Jobs>('/me/jobs', undefined, { tries: 0, timeoutS: 20 });
    learnServerTime(answer.server_time, sentMs);
    if (account.peek()?.owner !== owner) return;
    // A tap was settled while this answer was on its way: it may be older than the tap. Ask again.
    if (settled !== before) continue;
    heardAt.value = Date.now();
    said.value = answer;
    await keep(`jobs:${owner}`, { ...answer, heard_at: heardAt.value });
    return;
  }
}

/** An offer whose time is up by the server's clock is no longer shown. */
export const stillOpen = (offer: OfferJob): boolean => Date.parse(offer.expires_at) > serverNow();
