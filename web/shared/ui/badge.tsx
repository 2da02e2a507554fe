/** Small coloured words. A colour never stands alone: each state has its icon and its label. */
import type { ComponentChildren } from 'preact';
import { countdown } from '../format';
import { secondsUntil } from '../clock';
import type { Clock, SurveyorState, TaskState, Verdict } from '../types';
import { clockKind, common, surveyorState, taskState, verdict } from '../words';
import { Icon, type IconName } from './icon';

export type Tone = 'grey' | 'blue' | 'teal' | 'green' | 'amber' | 'red' | 'violet';

export function Badge({
  tone = 'grey',
  icon,
  children,
  title,
}: {
  tone?: Tone;
  icon?: IconName;
  children: ComponentChildren;
  title?: string;
}) {
  return (
    <span class={`badge ${tone}`} title={title}>
      {icon && <Icon name={icon} size={13} />}
      {children}
    </span>
  );
}

export const TASK_LOOK: Record<TaskState, { tone: Tone; icon: IconName }> = {
  pending: { tone: 'amber', icon: 'clock' },
  offered: { tone: 'violet', icon: 'radio' },
  accepted: { tone: 'blue', icon: 'user-check' },
  contacted: { tone: 'blue', icon: 'phone-call' },
  en_route: { tone: 'teal', icon: 'navigation' },
  on_scene: { tone: 'teal', icon: 'camera' },
  submitted: { tone: 'grey', icon: 'send' },
  approved: { tone: 'green', icon: 'ok' },
  returned: { tone: 'amber', icon: 'undo' },
  unassigned: { tone: 'red', icon: 'user-x' },
  cancelled: { tone: 'grey', icon: 'ban' },
};
export const TaskBadge = ({ state }: { state: TaskState }) => <Badge {...TASK_LOOK[state]}>{taskState(state)}</Badge>;

export const SURVEYOR_LOOK: Record<SurveyorState, { tone: Tone; icon: IconName }> = {
  off: { tone: 'grey', icon: 'moon' },
  idle: { tone: 'green', icon: 'ok' },
  offered: { tone: 'violet', icon: 'radio' },
  busy: { tone: 'blue', icon: 'car' },
  stale: { tone: 'amber', icon: 'signal-off' },
};
export const SurveyorBadge = ({ state }: { state: SurveyorState }) => (
  <Badge {...SURVEYOR_LOOK[state]}>{surveyorState(state)}</Badge>
);

const VERDICT_LOOK: Record<Verdict, { tone: Tone; icon: IconName }> = {
  waiting: { tone: 'grey', icon: 'clock' },
  approved: { tone: 'green', icon: 'check' },
  sent_back: { tone: 'red', icon: 'undo' },
};
export const VerdictBadge = ({ of }: { of: Verdict }) => <Badge {...VERDICT_LOOK[of]}>{verdict(of)}</Badge>;

/** Seconds left to a deadline as 09:07, turning amber and then red; ticks each second. */
export function Countdown({ until, warnS = 30, label }: { until: string; warnS?: number; label?: string }) {
  const left = secondsUntil(until);
  const tone = left <= 0 ? 'red' : left <= warnS ? 'amber' : 'calm';
  return (
    <span class={`countdown ${tone}`} role="timer" aria-label={label}>
      <Icon name={left <= 0 ? 'warning' : 'timer'} size={14} />
      {countdown(left)}
    </span>
  );
}

export type Urgency = 'ok' | 'risk' | 'late' | 'done' | 'paused';

const left = (instant: string, atMs?: number) =>
  atMs === undefined ? secondsUntil(instant) : (Date.parse(instant) - atMs) / 1000;

/** How a clock stands right now by the ticking clock, or at a moment of the past. */
export function urgencyOf(clock: Clock, atMs?: number): Urgency {
  if (clock.state === 'paused') return 'paused';
  if (clock.state === 'met' || clock.state === 'void') return 'done';
  if (clock.state === 'breached' && clock.stopped_at) return 'late';
  const rest = left(clock.due_at, atMs);
  if (rest <= 0 || clock.state === 'breached') return 'late';
  return rest <= clock.limit_s * 0.4 || clock.predicted !== 'ok' ? 'risk' : 'ok';
}

const URGENCY: Record<Urgency, { tone: Tone; icon: IconName }> = {
  ok: { tone: 'green', icon: 'timer' },
  risk: { tone: 'amber', icon: 'timer' },
  late: { tone: 'red', icon: 'warning' },
  done: { tone: 'grey', icon: 'check' },
  paused: { tone: 'grey', icon: 'pause' },
};

/** One clock of a claim: its name and the time left, or how it ended. */
export function ClockBadge({ clock, short, atMs }: { clock: Clock; short?: boolean; atMs?: number }) {
  const urgency = urgencyOf(clock, atMs);
  const rest = left(clock.due_at, atMs);
  const stopped = clock.stopped_at ? (Date.parse(clock.stopped_at) - Date.parse(clock.start_at)) / 1000 : null;
  const text = stopped !== null ? countdown(stopped) : clock.state === 'paused' ? 'II' : countdown(rest);
  const title =
    rest < 0 && stopped === null ? common('overdue', { t: countdown(-rest) }) : common('left', { t: countdown(rest) });
  return (
    <Badge {...URGENCY[urgency]} title={stopped === null ? title : clockKind(clock.kind)}>
      {!short && `${clockKind(clock.kind)} `}
      <span class="tabular">{text}</span>
    </Badge>
  );
}

/** The clock a person must look at: the running one that is due first. */
export function leadingClock(clocks: Clock[]): Clock | null {
  return (
    clocks
      .filter((one) => !one.stopped_at && (one.state === 'running' || one.state === 'breached'))
      .sort((a, b) => a.due_at.localeCompare(b.due_at))[0] ?? null
  );
}
