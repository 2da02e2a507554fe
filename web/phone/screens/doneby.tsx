/** «Done in N minutes»: one tap tells the dispatcher when this surveyor is free again; changed or taken back as easily. */
import { useState } from 'preact/hooks';
import { now, secondsUntil } from '@shared/clock';
import { clockTime } from '@shared/format';
import type { Instant, TaskJob } from '@shared/types';
import { Button, Icon } from '@shared/ui';
import { taps } from '../ops';
import { waitingFor } from '../queue';
import { tap } from '../sync';
import { Sheet } from '../ui/sheet';
import { w } from '../words.job';

/** Minutes to choose from: at the scene, and with the drive still ahead. */
const ON_SCENE = [5, 10, 20, 40];
const UNDER_WAY = [20, 40, 60, 90];

function Choices({ job, minutes, onPick }: { job: TaskJob; minutes: number[]; onPick?: (before: Instant | null) => void }) {
  const pick = (n: number) => {
    onPick?.(job.done_by_at ?? null);
    void tap(taps.doneIn(job, n));
  };
  return (
    <div class="choices" role="group" aria-label={w('doneIn')}>
      {minutes.map((n) => <Button key={n} data-testid={`done-in-${n}`} onClick={() => pick(n)}>{w('minutes', { n })}</Button>)}
    </div>
  );
}

/** On scene: the question, and once answered the answer with a way back. */
export function DoneBy({ job }: { job: TaskJob }) {
  /** What stood before the last tap on this page, to go back to. */
  const [before, setBefore] = useState<Instant | null>(null);
  const [changing, setChanging] = useState(false);
  void now.value;
  const said = job.done_by_at ?? null;
  const late = said !== null && secondsUntil(said) < 0;
  if (said === null || late || changing) {
    return (
      <section class={`done-by panel ${late && !changing ? 'late' : ''}`} data-testid="done-by" data-said={said ?? ''}>
        <h2><Icon name="clock" size={20} />{late && !changing ? w('doneByLate', { t: clockTime(said) }) : w('doneIn')}</h2>
        <Choices job={job} minutes={ON_SCENE} onPick={(was) => { setBefore(was); setChanging(false); }} />
      </section>
    );
  }
  const waits = waitingFor(job.id).some((op) => op.kind === 'done_by');
  return (
    <section class="done-by panel said" data-testid="done-by" data-said={said}>
      <Icon name={waits ? 'cloud-up' : 'clock'} size={20} />
      <div class="grow"><strong class="tabular">{w('doneBy', { t: clockTime(said) })}</strong><p class="muted small">{waits ? w('pendingSync') : w('doneTold')}</p></div>
      <Button kind="quiet" icon="undo" data-testid="done-undo" onClick={() => { void tap(taps.doneBy(job, before)); setBefore(null); }}>{w('undo')}</Button>
      <Button kind="quiet" icon="edit" aria-label={w('doneIn')} data-testid="done-change" onClick={() => setChanging(true)} />
    </section>
  );
}

/** Before he is there the same question is asked from the menu: the drive counts too. */
export function DoneSheet({ job, onClose }: { job: TaskJob; onClose: () => void }) {
  return (
    <Sheet title={w('doneIn')} onClose={onClose}>
      <p>{w('doneInAll')}</p>
      <Choices job={job} minutes={UNDER_WAY} onPick={onClose} />
      {job.done_by_at && <Button icon="undo" data-testid="done-undo" onClick={() => { void tap(taps.doneBy(job, null)); onClose(); }}>{w('doneBy', { t: clockTime(job.done_by_at) })} · {w('undo')}</Button>}
      <p class="muted small">{w('doneInNote')}</p>
    </Sheet>
  );
}
