/** The order of the day as the server planned it: kept on the phone, asked again when the jobs change. */
import { computed, effect, signal } from '@preact/signals';
import { api } from '@shared/api';
import type { DayPlan, DayVisit, Id, TaskJob } from '@shared/types';
import { account } from './account';
import { keep, kept } from './db';
import { tasks } from './jobs';
import { urgentFirst } from './screens/next';

const AGAIN_MS = 60_000;

const plan = signal<DayPlan | null>(null);
const places = computed(() => new Map((plan.value?.visits ?? []).map((visit, n) => [visit.task_id, { visit, n: n + 1 }])));
export const leftOut = computed(() => new Map((plan.value?.left ?? []).map((one) => [one.task_id, one.reason])));

/** Where a job stands in the day. */
export const placeOf = (id: Id): { visit: DayVisit; n: number } | undefined => places.value.get(id);

const toRing = (job: TaskJob) =>
  job.state === 'accepted' && job.clocks.some((clock) => clock.kind === 'contact' && clock.stopped_at === null);

/** Who has not been rung yet first, because that clock runs; then the order of visiting; what is not planned by urgency. */
export function inOrder(list: readonly TaskJob[]): TaskJob[] {
  const rank = (job: TaskJob) => (toRing(job) ? 0 : (placeOf(job.id)?.n ?? 99));
  return [...list].sort((a, b) => rank(a) - rank(b) || urgentFirst(a, b));
}

async function ask(): Promise<void> {
  const owner = account.peek()?.owner;
  if (!owner) return;
  const found = await api.get<DayPlan>('/me/day', undefined, { tries: 0, timeoutS: 20 });
  if (account.peek()?.owner !== owner) return;
  plan.value = found;
  await keep(`day:${owner}`, found);
}

/** A day that cannot be asked for leaves the last one on the screen: the jobs themselves never depend on it. */
const quietly = () => void ask().catch((error: unknown) => console.warn('the day plan cannot be read', error));

let asked = 0;

/** The day may have changed in what the list of jobs does not show. */
export const doubtDay = (): void => void (asked = 0);

export function followDay(): void {
  const signature = computed(() => tasks.value.map((job) => `${job.id}${job.state}${job.appointment_at ?? ''}${job.done_by_at ?? ''}`).join());
  effect(() => {
    const owner = account.value?.owner;
    if (owner && !plan.peek()) void kept<DayPlan>(`day:${owner}`).then((found) => void (plan.value ??= found));
  });
  effect(() => {
    if (!signature.value) return void (plan.value = null);
    asked = Date.now();
    quietly();
  });
  window.setInterval(() => {
    if (tasks.peek().length && document.visibilityState === 'visible' && Date.now() - asked > AGAIN_MS) {
      asked = Date.now();
      quietly();
    }
  }, 5_000);
}
