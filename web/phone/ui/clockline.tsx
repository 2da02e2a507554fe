import { secondsUntil } from '@shared/clock';
import { countdown } from '@shared/format';
import type { Clock, ClockKind } from '@shared/types';
import { Icon, type Urgency, urgencyOf } from '@shared/ui';

export const clockOf = (clocks: Clock[], kind: ClockKind): Clock | undefined => clocks.find((clock) => clock.kind === kind && clock.state !== 'void');

/** A deadline as the biggest thing on the screen: the number, its name, and how much of the time is used. */
export function ClockHero({ clock, title, late }: { clock: Clock; title: string; late: string }) {
  const left = secondsUntil(clock.due_at);
  const urgency: Urgency = urgencyOf(clock);
  const used = Math.max(0, Math.min(1, 1 - left / Math.max(1, clock.limit_s)));
  return (
    <section class={`clock-hero ${urgency}`} role="timer" aria-label={`${left < 0 ? late : title} ${countdown(left)}`}>
      <p><Icon name={left < 0 ? 'warning' : 'timer'} size={20} />{left < 0 ? late : title}</p>
      <strong class="tabular" data-testid="clock">{countdown(left)}</strong>
      <div class="clock-bar"><i style={{ width: `${used * 100}%` }} /></div>
    </section>
  );
}
