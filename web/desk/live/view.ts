/** What the dispatcher chose to see: kept on this machine. */
import { effect, signal } from '@preact/signals';
import { cause, line, taskState } from '@shared/words';
import type { SurveyorCard, TaskCard } from '@shared/types';
import { leadingClock, urgencyOf } from '@shared/ui';

interface Kept {
  area: string;
  riskOnly: boolean;
  showOff: boolean;
  layout: 'map' | 'columns';
  sound: boolean;
  notify: boolean;
  folded: string[];
}
const KEPT = 'chakan.desk.view';
const FIRST: Kept = { area: '', riskOnly: false, showOff: false, layout: 'map', sound: false, notify: false, folded: [] };

function kept(): Kept {
  try {
    return { ...FIRST, ...(JSON.parse(localStorage.getItem(KEPT) ?? '{}') as Partial<Kept>) };
  } catch {
    return FIRST; // unreadable or refused storage: start anew
  }
}

export const view = signal<Kept>(kept());
export const text = signal('');
export const tab = signal<'jobs' | 'people' | 'alarms'>('jobs');
/** The job the keyboard stands on. */
export const cursor = signal<string | null>(null);

effect(() => {
  try {
    localStorage.setItem(KEPT, JSON.stringify(view.value));
  } catch {
    return; // not remembered, nothing else is lost
  }
});

export const change = (part: Partial<Kept>): void => void (view.value = { ...view.peek(), ...part });
export const filtered = (): boolean => Boolean(text.value || view.value.area || view.value.riskOnly);
export const clearFilter = (): void => {
  text.value = '';
  change({ area: '', riskOnly: false });
};

const has = (needle: string, ...hay: (string | null | undefined)[]) => hay.some((one) => one?.toLowerCase().includes(needle));

export function wantsJob(card: TaskCard): boolean {
  const { area, riskOnly } = view.value;
  if (area && card.area !== area) return false;
  if (riskOnly) {
    const clock = leadingClock(card.clocks);
    if (card.state !== 'unassigned' && (!clock || urgencyOf(clock) === 'ok')) return false;
  }
  const needle = text.value.trim().toLowerCase();
  return (
    !needle ||
    has(
      needle,
      card.report_no,
      card.plate,
      card.place,
      card.surveyor?.name,
      card.offer?.surveyor.name,
      card.area,
      cause(card.cause),
      line(card.line),
      taskState(card.state),
    )
  );
}

export function wantsSurveyor(card: SurveyorCard): boolean {
  if (!view.value.showOff && !card.on_duty) return false;
  const needle = text.value.trim().toLowerCase();
  return !needle || has(needle, card.name);
}
