/** One job: whatever its state, one thing to do next. */
import { useState } from 'preact/hooks';
import { fromLocalInput, toLocalInput } from '@shared/format';
import { serverNow } from '@shared/clock';
import type { TaskJob } from '@shared/types';
import { Button, EmptyState, Field, TaskBadge } from '@shared/ui';
import { heardAt, task } from '../jobs';
import { taps } from '../ops';
import { photosOf } from '../photos';
import { log } from '../queue';
import { replace } from '../route';
import { tap } from '../sync';
import { ActionBar, TopBar } from '../ui/bar';
import { ReasonSheet, Sheet } from '../ui/sheet';
import { handOverWhy, w } from '../words.job';
import { ContactStage } from './contact';
import { DoneSheet } from './doneby';
import { Facts, Steps } from './facts';
import { Notices } from './notices';
import { ReportForm } from './report';
import { ShotsStage } from './shots';
import { TravelStage } from './travel';

const DAYS_30_MS = 30 * 86_400_000;
/** States the steps below do not show by themselves. */
const TOLD = new Set<TaskJob['state']>(['returned', 'submitted', 'approved', 'cancelled']);
const WHY = ['too_far', 'vehicle', 'conflict', 'skill', 'shift_end'];

function AppointSheet({ job, onClose }: { job: TaskJob; onClose: () => void }) {
  const [when, setWhen] = useState(toLocalInput(job.appointment_at ? new Date(job.appointment_at) : new Date(serverNow() + 3_600_000)));
  const [wrong, setWrong] = useState(false);
  const save = async () => {
    const at = fromLocalInput(when);
    if (!at || at.getTime() <= serverNow() || at.getTime() > serverNow() + DAYS_30_MS) return setWrong(true);
    await tap(taps.appoint(job, at.toISOString()));
    onClose();
  };
  return (
    <Sheet title={w('appointTitle')} onClose={onClose}>
      <Field label={w('appoint')} type="datetime-local" value={when} hint={w('appointNote')} error={wrong ? w('appointPast') : null} onInput={(event) => { setWhen(event.currentTarget.value); setWrong(false); }} />
      <Button kind="primary" size="big" icon="calendar" onClick={() => void save()}>{w('appoint')}</Button>
      {job.appointment_at && <Button size="big" icon="ban" data-testid="appoint-off" onClick={() => { void tap(taps.appoint(job, null)); onClose(); }}>{w('appointOff')}</Button>}
    </Sheet>
  );
}

function MoreSheet({ job, onAppoint, onDone, onHandOver, onClose }: { job: TaskJob; onAppoint: () => void; onDone: () => void; onHandOver: () => void; onClose: () => void }) {
  const travelling = job.state === 'accepted' || job.state === 'contacted' || job.state === 'en_route';
  return (
    <Sheet title={w('more')} onClose={onClose}>
      <div class="sheet-list">
        {travelling && <Button class="sheet-item" icon="calendar" onClick={onAppoint}>{w('appoint')}</Button>}
        {travelling && <Button class="sheet-item" icon="clock" data-testid="done-in" onClick={onDone}>{w('doneIn')}</Button>}
        <Button class="sheet-item" icon="users" onClick={onHandOver}>{w('handOver')}</Button>
      </div>
    </Sheet>
  );
}

function Stage({ job }: { job: TaskJob }) {
  if (job.state === 'accepted') return <ContactStage job={job} />;
  if (job.state === 'contacted' || job.state === 'en_route') return <TravelStage job={job} />;
  if (job.state === 'on_scene' || job.state === 'returned') return <ShotsStage job={job} />;
  const unsent = photosOf(job.id).filter((photo) => photo.state === 'waiting').length;
  return (
    <>
      <EmptyState icon={job.state === 'approved' ? 'ok' : 'send'} title={job.state === 'approved' ? w('approvedTitle') : w('submittedTitle')}>{job.state === 'approved' ? '' : w('submittedNote')}{unsent > 0 && <p>{w('photosGoOn', { n: unsent })}</p>}</EmptyState>
      <ActionBar><Button kind="primary" size="big" onClick={() => replace({ page: 'home' })}>{w('backHome')}</Button></ActionBar>
    </>
  );
}

/** A job that is no longer in hand: by one's own doing, or because the desk decided otherwise. */
function Gone({ id }: { id: string }) {
  const unsent = photosOf(id).filter((photo) => photo.state === 'waiting').length;
  const mine = log.value.find((line) => line.task_id === id && line.ok && (line.kind === 'submit' || line.kind === 'hand_over'));
  const look = mine?.kind === 'submit' ? ['send', w('submittedTitle'), w('submittedNote')] as const : mine ? ['users', w('handedOver'), w('handOverNote')] as const : ['user-x', w('gone'), w('goneNote')] as const;
  return (
    <>
      <TopBar title={<span class="mono">{mine?.report_no ?? w('details')}</span>} />
      <main class="page" data-testid="job" data-state={mine?.kind ?? 'gone'}><Notices /><EmptyState icon={look[0]} title={look[1]}>{look[2]}{unsent > 0 && <p>{w('photosGoOn', { n: unsent })}</p>}</EmptyState></main>
      <ActionBar><Button kind="primary" size="big" onClick={() => replace({ page: 'home' })}>{w('backHome')}</Button></ActionBar>
    </>
  );
}

export function JobPage({ id, report }: { id: string; report?: boolean }) {
  const [sheet, setSheet] = useState<'more' | 'appoint' | 'done' | 'handOver' | null>(null);
  const job = task(id);
  if (!job) return heardAt.value === null ? <TopBar title={w('details')} /> : <Gone id={id} />;
  const reporting = report && (job.state === 'on_scene' || job.state === 'returned');
  const held = job.state !== 'submitted' && job.state !== 'approved';
  const handOver = async (why: string) => {
    setSheet(null);
    await tap(taps.handOver(job, handOverWhy(why)));
    replace({ page: 'home' });
  };
  return (
    <>
      <TopBar title={reporting ? w('reportTitle') : <span class="mono">{job.report_no}</span>}>
        {held && !reporting && <Button kind="quiet" icon="more" aria-label={w('more')} data-testid="more" onClick={() => setSheet('more')} />}
      </TopBar>
      <main class="page" data-testid="job" data-state={job.state}>
        <Notices />
        {reporting ? <ReportForm job={job} /> : <>{TOLD.has(job.state) && <div><TaskBadge state={job.state} /></div>}<Steps job={job} /><Stage job={job} /><Facts job={job} /></>}
      </main>
      {sheet === 'more' && <MoreSheet job={job} onAppoint={() => setSheet('appoint')} onDone={() => setSheet('done')} onHandOver={() => setSheet('handOver')} onClose={() => setSheet(null)} />}
      {sheet === 'appoint' && <AppointSheet job={job} onClose={() => setSheet(null)} />}
      {sheet === 'done' && <DoneSheet job={job} onClose={() => setSheet(null)} />}
      {sheet === 'handOver' && <ReasonSheet title={w('handOverTitle')} note={w('handOverNote')} reasons={WHY.map((value) => ({ value, label: handOverWhy(value) }))} onPick={(why) => void handOver(why)} onClose={() => setSheet(null)} />}
    </>
  );
}
