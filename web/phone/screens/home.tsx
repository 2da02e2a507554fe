/** Home: on duty or not, is the position heard, and the jobs with the most urgent first. */
import { useState } from 'preact/hooks';
import { serverNow } from '@shared/clock';
import { clockTime, distance, duration, nextTime, toLocalInput } from '@shared/format';
import { metresBetween } from '@shared/metres';
import type { TaskJob } from '@shared/types';
import { Button, ClockBadge, EmptyState, Icon, leadingClock, TaskBadge, tell } from '@shared/ui';
import { cause, leftReason, line } from '@shared/words';
import { account, profile } from '../account';
import { askForNotices, notices, unlockSound } from '../alert';
import { mustInstall } from '../device';
import { heardAt, tasks } from '../jobs';
import { inOrder, leftOut, placeOf } from '../planning';
import { here, locate } from '../position';
import { log, waitingFor } from '../queue';
import { go } from '../route';
import { dutyWaits, goOnDuty, onDuty, shiftUntil } from '../sync';
import { ActionBar, TopBar } from '../ui/bar';
import { Sheet } from '../ui/sheet';
import { t } from '../words';
import { w } from '../words.job';
import { p } from '../words.plan';
import { nextStep } from './next';
import { Notices } from './notices';
import { StormAndMove } from './storm';
import { TrackingLine } from './tracking';

async function startDuty(): Promise<void> {
  // All three questions of the browser belong to this touch.
  unlockSound();
  if (mustInstall()) {
    tell('warning', t('installMust'), { seconds: 12 });
    go({ page: 'menu' });
    return;
  }
  await goOnDuty(true);
  void locate();
  if (notices.peek() === 'default') void askForNotices();
}

function DutyCard({ onOff }: { onOff: () => void }) {
  const on = onDuty.value;
  return (
    <section class={`duty panel ${on ? 'on' : 'off'}`}>
      <div class="duty-row">
        <div class="grow">
          <strong>{on ? t('onDuty') : t('offDuty')}</strong>
          {dutyWaits.value && <span class="pending"><Icon name="cloud-up" size={15} />{t('dutyPending')}</span>}
        </div>
        <button type="button" class="switch" role="switch" aria-checked={on} aria-label={t('duty')} data-testid="duty" onClick={() => (on ? onOff() : void startDuty())}><i /></button>
      </div>
      {on && <EndOfShift />}
      <TrackingLine />
    </section>
  );
}

/** When he means to go home: no job is given to him that he could not reach before. */
function EndOfShift() {
  const until = shiftUntil.value;
  return (
    <label class="duty-until">
      <Icon name="moon" size={18} />
      <span class="grow">{t('goHomeAt')}</span>
      <input
        type="time" class="tabular" data-testid="shift-until" aria-label={t('goHomeAt')} value={until ? toLocalInput(new Date(until)).slice(11) : ''}
        onChange={(event) => {
          const at = nextTime(event.currentTarget.value, serverNow());
          if (at) void goOnDuty(true, at.toISOString());
        }}
      />
    </label>
  );
}

function JobCard({ job }: { job: TaskJob }) {
  const clock = leadingClock(job.clocks);
  const away = here.value && job.position ? metresBetween(here.value, job.position) : null;
  return (
    <button type="button" class={`job-card panel ${job.state}`} data-testid={`job-${job.id}`} onClick={() => go({ page: 'job', task: job.id })}>
      <span class="row"><TaskBadge state={job.state} />{clock && <ClockBadge clock={clock} />}{waitingFor(job.id).length > 0 && <span class="pending"><Icon name="cloud-up" size={15} />{w('pendingSync')}</span>}</span>
      <Planned job={job} />
      <strong class="job-place">{job.place || w('navNoPlace')}</strong>
      <span class="row muted"><span>{line(job.line)} · {cause(job.cause)}</span>{away !== null && <span>· {distance(away)}</span>}{job.injured > 0 && <span class="job-injured"><Icon name="alert" size={16} />{w('injuredN', { n: job.injured })}</span>}</span>
      <span class="row job-foot"><span class="mono muted">{job.report_no}</span><span class="job-next">{nextStep(job)}<Icon name="chevron-right" size={18} /></span></span>
    </button>
  );
}

/** When he is to be there, by the plan of the day. */
function Planned({ job }: { job: TaskJob }) {
  const place = placeOf(job.id);
  const why = leftOut.value.get(job.id);
  if (!place) return why ? <span class="job-planned late"><Icon name="alert" size={16} />{p('notFit', { why: leftReason(why) })}</span> : null;
  const { visit, n } = place;
  return (
    <span class={`job-planned ${visit.late_s > 0 ? 'late' : ''}`} data-testid="planned">
      <Icon name={visit.pinned ? 'pin-fixed' : 'route'} size={16} />
      {p('visitAt', { n, a: clockTime(visit.begin_at), b: clockTime(visit.end_at) })}
      {visit.pinned && ` · ${p('pinned')}`}
      {visit.late_s > 60 && ` · ${p('late', { t: duration(visit.late_s) })}`}
    </span>
  );
}

function OffDutySheet({ open, onClose }: { open: number; onClose: () => void }) {
  return (
    <Sheet title={open ? t('goOffSure', { n: open }) : t('goOff')} onClose={onClose}>
      <p class="muted">{t('goOffNote')}</p>
      <Button size="big" kind="primary" onClick={onClose}>{t('stayOn')}</Button>
      <Button size="big" icon="power" onClick={() => { void goOnDuty(false); onClose(); }}>{t('goOff')}</Button>
    </Sheet>
  );
}

const SHIFT_MS = 12 * 3_600_000;

/** Reports handed in during this shift that did not come back. */
function submittedLately(): number {
  const open = new Set(tasks.value.map((job) => job.id));
  const sent = log.value.filter((line) => line.kind === 'submit' && line.ok && Date.now() - Date.parse(line.settled_at) < SHIFT_MS && !open.has(line.task_id ?? ''));
  return new Set(sent.map((line) => line.task_id)).size;
}

export function HomePage() {
  const [leaving, setLeaving] = useState(false);
  const mine = inOrder(tasks.value);
  const first = mine.find((job) => job.state !== 'submitted' && job.state !== 'approved');
  const on = onDuty.value;
  const done = submittedLately();
  return (
    <>
      <TopBar home title={profile.value?.person.name ?? account.value?.name ?? t('title')} />
      <main class="page">
        <Notices />
        <StormAndMove />
        <DutyCard onOff={() => setLeaving(true)} />
        {mine.length > 0 && <h2 class="section">{t('jobsTitle')}<span class="count">{mine.length}</span></h2>}
        {mine.map((job) => <JobCard key={job.id} job={job} />)}
        {done > 0 && <p class="muted"><Icon name="check-all" size={18} /> {w('doneToday', { n: done })}</p>}
        {mine.length === 0 && (on
          ? <div class="calm"><span class="radar" aria-hidden="true"><Icon name="radio" size={34} /></span><strong>{t('waitingForJobs')}</strong><p class="muted">{t('waitingNote')}</p></div>
          : heardAt.value !== null && <EmptyState icon="moon" title={t('offTitle')}>{t('offNote')}</EmptyState>)}
      </main>
      {!on
        ? <ActionBar><Button kind="primary" size="big" icon="power" onClick={() => void startDuty()}>{t('goOn')}</Button></ActionBar>
        : first && <ActionBar><Button kind="primary" size="big" icon="arrow-right" onClick={() => go({ page: 'job', task: first.id })}>{t('continueJob', { step: nextStep(first) })}</Button></ActionBar>}
      {leaving && <OffDutySheet open={mine.filter((job) => job.state !== 'submitted').length} onClose={() => setLeaving(false)} />}
    </>
  );
}
