/** What a job asks of its surveyor next, and which job asks first. */
import type { TaskJob } from '@shared/types';
import { leadingClock } from '@shared/ui';
import { w } from '../words.job';

export const sentBack = (job: TaskJob): boolean => job.photos.some((photo) => photo.verdict === 'sent_back');

export function nextStep(job: TaskJob): string {
  if (job.state === 'accepted') return w('nextCall');
  if (job.state === 'contacted') return w('nextDepart');
  if (job.state === 'en_route') return w('nextArrive');
  if (job.state === 'returned' || (job.state === 'on_scene' && sentBack(job))) return w('nextRetake');
  if (job.state === 'on_scene') return w('nextShoot');
  return w('nextWait');
}

const RANK: Partial<Record<TaskJob['state'], number>> = { accepted: 0, en_route: 1, on_scene: 1, returned: 1, contacted: 2 };
const rank = (job: TaskJob): number => RANK[job.state] ?? 9;

/** Not yet rung comes before everything; then the clock that is due first. */
export function urgentFirst(a: TaskJob, b: TaskJob): number {
  const due = (job: TaskJob) => leadingClock(job.clocks)?.due_at ?? '9';
  return rank(a) - rank(b) || due(a).localeCompare(due(b));
}
