/** What is known of a case, and how far the job has come. */
import { clockTime, dayTime } from '@shared/format';
import type { TaskJob } from '@shared/types';
import { Icon } from '@shared/ui';
import { cause, itemKind, line, relation } from '@shared/words';
import { waitingFor } from '../queue';
import { w } from '../words.job';

/** The stages with their times; a step that the server has not heard of yet says so. */
export function Steps({ job }: { job: TaskJob }) {
  const queued = new Set(waitingFor(job.id).map((op) => op.kind));
  const submitted = job.state === 'submitted' || job.state === 'approved';
  const steps = [
    { name: w('stepAccepted'), at: job.accepted_at, waits: false },
    { name: w('stepContacted'), at: job.contacted_at, waits: queued.has('contact') && job.contacted_at !== null },
    { name: w('stepDeparted'), at: job.departed_at, waits: queued.has('depart') },
    { name: w('stepArrived'), at: job.arrived_at, waits: queued.has('arrive') },
    { name: w('stepSubmitted'), at: submitted ? 'done' : null, waits: queued.has('submit') },
  ];
  const current = steps.findIndex((step) => !step.at);
  return (
    <ol class="steps">
      {steps.map((step, n) => (
        <li key={step.name} class={step.at ? 'done' : n === current ? 'now' : ''} aria-current={n === current ? 'step' : undefined}>
          <i>{step.at ? <Icon name={step.waits ? 'cloud-up' : 'check'} size={15} /> : n + 1}</i>
          <span>{step.name}</span>
          <small class="tabular">{step.waits ? w('pendingSync') : step.at && step.at !== 'done' ? clockTime(step.at) : ' '}</small>
        </li>
      ))}
    </ol>
  );
}

export function Facts({ job }: { job: TaskJob }) {
  const rows: [string, string][] = [
    [w('line'), line(job.line)], [w('cause'), cause(job.cause)], [w('place'), job.place ?? ''],
    [w('reporter'), [job.reporter.name, relation(job.reporter.relation)].filter(Boolean).join(' · ')], [w('phone'), job.reporter.phone],
    [w('items'), job.items.map((item) => [itemKind(item.kind), item.plate, item.vin, item.description].filter(Boolean).join(' ')).join('；')],
    [w('injured'), job.injured ? w('injuredN', { n: job.injured }) : w('noInjury')], [w('appoint'), job.appointment_at ? dayTime(job.appointment_at) : ''], [w('note'), job.note],
  ];
  return (
    <details class="facts panel">
      <summary><Icon name="clipboard" size={20} /><span class="grow">{w('details')}</span><Icon name="chevron-down" size={20} /></summary>
      <dl>{rows.filter(([, value]) => value).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
    </details>
  );
}

/** The customer: his name, how he is related, and the number as a link. */
export function Customer({ job, callable }: { job: TaskJob; callable?: boolean }) {
  return (
    <section class="customer panel">
      <span class="avatar" aria-hidden="true">{(job.reporter.name ?? w('reporter')).slice(0, 1)}</span>
      <div class="grow"><strong>{job.reporter.name || w('reporter')}</strong><p class="muted">{relation(job.reporter.relation)} <span class="nowrap tabular">{spaced(job.reporter.phone)}</span></p></div>
      {callable && hasPhone(job) && <a class="button round" href={`tel:${dialable(job.reporter.phone)}`} aria-label={w('call')}><Icon name="phone" size={22} /></a>}
    </section>
  );
}

/** 13800001234 → 138 0000 1234, as people read it. */
export const spaced = (phone: string): string => phone.replace(/^(\+?86)?(1\d{2})(\d{4})(\d{4})$/, '$2 $3 $4');
export const dialable = (phone: string): string => phone.replace(/[^\d+*#,;]/g, '');
export const hasPhone = (job: TaskJob): boolean => /\d{3}/.test(job.reporter.phone) && !job.reporter.phone.includes('*');
export const appointmentNote = (job: TaskJob): string => (job.appointment_at ? w('appointDone', { t: dayTime(job.appointment_at) }) : '');
