/** The ten minutes: ring the customer, say what came of it. */
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { clockTime } from '@shared/format';
import type { Id, TaskJob } from '@shared/types';
import { Banner, Button, Icon } from '@shared/ui';
import { contactResult } from '@shared/words';
import { taps, takenBack, type Result } from '../ops';
import { draft, tap } from '../sync';
import { ActionBar } from '../ui/bar';
import { ClockHero, clockOf } from '../ui/clockline';
import { w } from '../words.job';
import { Customer, dialable, hasPhone } from './facts';
import { Place } from './place';
import { noteAnswered } from './takeback';

/** When the number of a job was dialled: the dialler covers this page, and the phone may drop it meanwhile. */
const dialled = signal<Record<Id, string>>({});

async function remember(job: TaskJob, at: string | null): Promise<void> {
  const { [job.id]: _old, ...rest } = dialled.peek();
  dialled.value = at ? { ...rest, [job.id]: at } : rest;
  await (at ? draft.write(`dialled:${job.id}`, at) : draft.drop(`dialled:${job.id}`));
}

async function outcome(job: TaskJob, result: Result): Promise<void> {
  if (result === 'answered') void noteAnswered(job);
  await tap(taps.contact(job, result));
  await remember(job, null);
}

function CallLink({ job, again }: { job: TaskJob; again?: boolean }) {
  return (
    <a class="button big primary" href={`tel:${dialable(job.reporter.phone)}`} data-testid="call" onClick={() => void remember(job, new Date().toISOString())}>
      <Icon name="phone" size={22} /><span>{again ? w('callAgain') : w('call')}</span>
    </a>
  );
}

const OTHER: [Result, 'noAnswer' | 'refused' | 'wrongNumber'][] = [['no_answer', 'noAnswer'], ['refused', 'refused'], ['wrong_number', 'wrongNumber']];

export function ContactStage({ job }: { job: TaskJob }) {
  useEffect(() => {
    void draft.read<string>(`dialled:${job.id}`).then((at) => { if (at) dialled.value = { ...dialled.peek(), [job.id]: at }; });
  }, [job.id]);
  const clock = clockOf(job.clocks, 'contact');
  const at = dialled.value[job.id];
  const tries = job.contacts.filter((one) => !takenBack(one));
  const last = tries.at(-1);
  return (
    <>
      {clock && <ClockHero clock={clock} title={w('contactTitle')} late={w('contactLate')} />}
      <Customer job={job} />
      {last && <p class="tried"><Icon name="history" size={18} />{w('tried', { n: tries.length, t: clockTime(last.at), result: contactResult(last.result) })}</p>}
      {!hasPhone(job) && <Banner kind="warning">{w('noPhone')}</Banner>}
      <Place job={job} />
      {at
        ? (
          <ActionBar above={(
            <>
              <p class="outcome-title"><strong>{w('outcomeTitle')}</strong><span class="muted">{w('stillDialling', { t: clockTime(at) })}</span></p>
              <div class="outcome-rest">{OTHER.map(([result, word]) => <Button key={result} data-testid={`outcome-${result}`} onClick={() => void outcome(job, result)}>{w(word)}</Button>)}</div>
            </>
          )}>
            <a class="button big side" href={`tel:${dialable(job.reporter.phone)}`} aria-label={w('callAgain')} onClick={() => void remember(job, new Date().toISOString())}><Icon name="phone" size={22} /></a>
            <Button kind="primary" size="big" icon="phone-call" data-testid="outcome-answered" onClick={() => void outcome(job, 'answered')}>{w('answered')}</Button>
          </ActionBar>
          )
        : (
          <ActionBar>
            <a class="button big side" href={`sms:${dialable(job.reporter.phone)}`} aria-label={w('sms')}><Icon name="message" size={22} /></a>
            <CallLink job={job} again={tries.length > 0} />
          </ActionBar>
          )}
    </>
  );
}
