/** What each queued tap means for the jobs on the screen, before the server has heard of it. Pure: jobs in, jobs out. */
import { serverNow } from '@shared/clock';
import type { Clock, Id, Instant, Jobs, Position, TaskJob, TaskState } from '@shared/types';
import type { Op, OpKind } from './db';

export type Result = 'answered' | 'no_answer' | 'refused' | 'wrong_number';

export interface Report {
  summary: string;
  liability: string | null;
  first_scene: boolean;
  risk_points: string[];
  no_photo_reason: string | null;
}

/** A tap before it is queued. */
export interface Tap {
  kind: OpKind;
  path: string;
  body: Record<string, unknown>;
  task_id?: Id;
  offer_id?: Id;
  report_no?: string;
}

const TAKEN_BACK = 'taken_back';
/** A call that was only thought to have been answered. */
export const takenBack = (one: TaskJob['contacts'][number]): boolean => one.marks?.includes(TAKEN_BACK) ?? false;

type Job = Pick<TaskJob, 'id' | 'report_no'>;
const onTask = (kind: OpKind, verb: string, job: Job, body: Record<string, unknown> = {}): Tap => ({
  kind, path: `/tasks/${job.id}/${verb}`, body, task_id: job.id, report_no: job.report_no,
});
type Asked = { id: Id; task_id: Id; report_no: string };
const onOffer = (kind: OpKind, verb: string, offer: Asked, body: Record<string, unknown> = {}): Tap => ({
  kind, path: `/offers/${offer.id}/${verb}`, body, offer_id: offer.id, task_id: offer.task_id, report_no: offer.report_no,
});

/** Every tap there is: one place where the paths and bodies of the contract stand. */
export const taps = {
  /** `until`: when he means to go home; said again while on duty it counts anew. */
  shift: (on: boolean, until?: Instant): Tap => ({ kind: 'shift', path: '/me/shift', body: { on, ...(until ? { until } : {}) } }),
  accept: (offer: Asked): Tap => onOffer('accept', 'accept', offer),
  decline: (offer: Asked, reason: string): Tap => onOffer('decline', 'decline', offer, { reason }),
  contact: (job: Job, result: Result): Tap => onTask('contact', 'contact', job, { channel: 'phone', result }),
  /** "Answered" was a slip. */
  takeBack: (job: Job): Tap => onTask('take_back', 'contact/take_back', job),
  depart: (job: Job): Tap => onTask('depart', 'depart', job),
  arrive: (job: Job, position: Position | null, reason: string | null): Tap =>
    onTask('arrive', 'arrive', job, { ...(position ? { position } : {}), ...(reason ? { reason } : {}) }),
  /** `null`: the agreed time is off. */
  appoint: (job: Job, when: Instant | null): Tap => onTask('appoint', 'appoint', job, { appointment_at: when }),
  /** «Done in N minutes» as a moment by the server's clock: it stays right however long the tap waits for a network. */
  doneIn: (job: Job, minutes: number): Tap =>
    onTask('done_by', 'done_by', job, { done_by_at: new Date(serverNow() + minutes * 60_000).toISOString(), for_s: minutes * 60 }),
  doneBy: (job: Job, at: Instant | null): Tap => onTask('done_by', 'done_by', job, { done_by_at: at }),
  submit: (job: Job, report: Report): Tap => onTask('submit', 'submit', job, { report }),
  handOver: (job: Job, reason: string): Tap => onTask('hand_over', 'hand_over', job, { reason }),
};

const AFTER: Partial<Record<OpKind, TaskState>> = { depart: 'en_route', arrive: 'on_scene', submit: 'submitted' };
const ORDER: TaskState[] = ['accepted', 'contacted', 'en_route', 'on_scene'];

/** A tap never moves a job back: it may have arrived at the server before this snapshot was taken. */
function further(now: TaskState, to: TaskState): TaskState {
  if (to === 'submitted') return now === 'on_scene' || now === 'returned' ? to : now;
  const [a, b] = [ORDER.indexOf(now), ORDER.indexOf(to)];
  return a === -1 || a >= b ? now : to;
}

const stop = (clocks: Clock[], kind: Clock['kind'], at: Instant): Clock[] =>
  clocks.map((clock) => (clock.kind === kind && !clock.stopped_at ? { ...clock, stopped_at: at, state: Date.parse(clock.due_at) < Date.parse(at) ? 'breached' : 'met' } : clock));

/** The answer that stopped the clock is taken back: it runs on, late when its time has passed meanwhile. */
function notAnswered(job: TaskJob, at: Instant): TaskJob {
  if (job.state !== 'contacted') return job;
  const contacts = job.contacts.map((one) => (one.result === 'answered' && !takenBack(one) ? { ...one, marks: [...(one.marks ?? []), TAKEN_BACK] } : one));
  const clocks = job.clocks.map((clock): Clock =>
    clock.kind === 'contact' && clock.stopped_at === job.contacted_at ? { ...clock, stopped_at: null, state: Date.parse(clock.due_at) < Date.parse(at) ? 'breached' : 'running' } : clock);
  return { ...job, state: 'accepted', contacted_at: null, contacts, clocks };
}

function onJob(job: TaskJob, op: Op): TaskJob {
  const to = AFTER[op.kind];
  if (op.kind === 'contact') {
    const result = String(op.body.result);
    const known = job.contacts.some((one) => one.at === op.at);
    const contacts = known ? job.contacts : [...job.contacts, { result, channel: String(op.body.channel), at: op.at }];
    if (result !== 'answered') return { ...job, contacts };
    return { ...job, contacts, state: further(job.state, 'contacted'), contacted_at: job.contacted_at ?? op.at, clocks: stop(job.clocks, 'contact', op.at) };
  }
  if (op.kind === 'take_back') return notAnswered(job, op.at);
  if (op.kind === 'appoint') return { ...job, appointment_at: op.body.appointment_at as Instant | null };
  if (op.kind === 'done_by') return { ...job, done_by_at: op.body.done_by_at as Instant | null };
  if (!to || further(job.state, to) === job.state) return job;
  if (op.kind === 'depart') return { ...job, state: to, departed_at: job.departed_at ?? op.at };
  if (op.kind === 'arrive') return { ...job, state: to, arrived_at: job.arrived_at ?? op.at, clocks: stop(job.clocks, 'arrival', op.at) };
  return { ...job, state: to };
}

/** The jobs as they will be once this tap has arrived. */
export function apply(jobs: Jobs, op: Op): Jobs {
  if (op.kind === 'decline') return { ...jobs, offers: jobs.offers.filter((offer) => offer.id !== op.offer_id) };
  // An accepted offer stays on the screen as «waiting for the server»: only the server knows who won.
  if (op.kind === 'accept' || op.kind === 'shift') return jobs;
  if (op.kind === 'hand_over') return { ...jobs, tasks: jobs.tasks.filter((job) => job.id !== op.task_id) };
  return { ...jobs, tasks: jobs.tasks.map((job) => (job.id === op.task_id ? onJob(job, op) : job)) };
}

/** Like apply, once the server has said yes: an accepted offer is settled too. */
export function settle(jobs: Jobs, op: Op): Jobs {
  if (op.kind === 'accept') return { ...jobs, offers: jobs.offers.filter((offer) => offer.id !== op.offer_id) };
  return apply(jobs, op);
}

/** The server reads no times outside this century: a phone that woke up in 1970 sends its tap without one (its counter still orders it). */
function phoneTime(op: Op): Instant | undefined {
  const year = new Date(op.at).getUTCFullYear();
  return year >= 2000 && year < 2100 ? op.at : undefined;
}

/** The body as it is sent: what was tapped, this phone's clock and its counter. */
export function bodyOf(op: Op): Record<string, unknown> {
  const clock = phoneTime(op);
  // An appointment's own time is called `at` in the contract; the clock of the phone goes beside it.
  if (op.kind === 'appoint') return { at: op.body.appointment_at, seq: op.seq, ...(clock ? { sent_at: clock } : {}) };
  return { ...op.body, seq: op.seq, ...(clock ? { at: clock } : {}) };
}

/** What a real answer to this tap carries; anything else was not our server. */
const RECEIPT: Record<OpKind, string> = {
  shift: 'on_duty', accept: 'offer', decline: 'offer', contact: 'task', take_back: 'task', depart: 'task', arrive: 'task', appoint: 'task', done_by: 'task', submit: 'task', hand_over: 'task',
};
export const isReceipt = (op: Op, answer: unknown): boolean => typeof answer === 'object' && answer !== null && RECEIPT[op.kind] in answer;
