/** What the dispatcher chose to see: kept on the server for him, and on this machine until the server has answered. */
import { effect, signal } from '@preact/signals';
import { api } from '@shared/api';
import { type MarkSize, markSize } from '@shared/map/marks';
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
  /** How large the map's marks are. */
  marks: MarkSize;
  /** Layers of the past on the map. */
  layers: string[];
}
const KEPT = 'chakan.desk.view';
const FIRST: Kept = {
  area: '',
  riskOnly: false,
  showOff: false,
  layout: 'map',
  sound: false,
  notify: false,
  folded: [],
  marks: 'auto',
  layers: [],
};

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

/** The wall: full screen, nothing to press, no plate and no whole name. */
export const wall = signal(false);
/** Whose week is on the map. */
export const week = signal<string | null>(null);
/** Why it is looked at: the server asks. */
export const weekReason = signal('');

effect(() => void (markSize.value = view.value.marks));

const SAVE_MS = 800;
let saved = '';
let timer = 0;
/** What he changed before the server had told what he chose the last time: it is newer. */
let early: Partial<Kept> = {};

effect(() => {
  const text = JSON.stringify(view.value);
  try {
    localStorage.setItem(KEPT, text);
  } catch {
    // refused storage: the server still remembers
  }
  clearTimeout(timer);
  if (!saved || text === saved) return;
  timer = window.setTimeout(() => {
    saved = text;
    api.put('/me/preferences/desk', view.peek()).catch((error: unknown) => console.warn('the view is not remembered', error));
  }, SAVE_MS);
});

/** Takes over what this person chose at whichever desk he sat last. */
export async function recallView(): Promise<void> {
  const { value } = await api.get<{ value: Partial<Kept> }>('/me/preferences/desk');
  const mine = { ...FIRST, ...value };
  saved = JSON.stringify(mine);
  view.value = { ...mine, ...early };
}

/** Into full screen and out of it. A browser that refuses full screen shows the wall in its window. */
export function toWall(on: boolean): void {
  wall.value = on;
  if (on) void document.documentElement.requestFullscreen?.().catch(() => undefined);
  else if (document.fullscreenElement) void document.exitFullscreen();
}

/** 张** for a screen that visitors see. */
export const maskedName = (name: string): string => (name ? `${name[0]}**` : '');
export const maskedPlate = (plate: string | null): string => (plate ? `${plate[0]}·•••••` : '');

export const change = (part: Partial<Kept>): void => {
  if (!saved) early = { ...early, ...part };
  view.value = { ...view.peek(), ...part };
};
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
