/** The board: jobs in groups, most urgent first, as a list beside the map or as columns. */
import { useComputed, useSignal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { clockTime, dayTime } from '@shared/format';
import { may } from '@shared/session';
import type { TaskCard } from '@shared/types';
import { Badge, Button, ClockBadge, Countdown, EmptyState, Icon, leadingClock, TaskBadge, urgencyOf } from '@shared/ui';
import { cause, line, unassignedReason } from '@shared/words';
import { go, link, openClaim } from '../route';
import { byUrgency, type GroupKey, groupOf, GROUPS, ready, surveyors, tasks } from '../store';
import { provider } from '../provider';
import { t } from '../words';
import { ASSIGNABLE, endDrag, startDrag } from './drag';
import { change, clearFilter, cursor, filtered, view, wantsJob } from './view';

const SHOWN_AT_FIRST = 60;
const LOOK = { arrives: 'navigation', agreed: 'calendar', done: 'check' } as const;

function Who({ card }: { card: TaskCard }) {
  if (card.offer) {
    const got = card.offer.delivered_at;
    return (
      <span
        class={`job-who ${got ? '' : 'undelivered'}`}
        title={got ? t('deliveredTitle', { t: clockTime(got) }) : t('notDeliveredTitle')}
      >
        <Icon name={got ? 'radio' : 'signal-off'} size={14} />
        <span class="clip">{t('asking', { name: card.offer.surveyor.name })}</span>
        {!got && <span class="small warn nowrap">{t('notDelivered')}</span>}
        <Countdown until={card.offer.expires_at} warnS={20} />
      </span>
    );
  }
  if (card.state === 'unassigned')
    return (
      <span class="job-who warn">
        <Icon name="user-x" size={14} />
        <span class="clip">{unassignedReason(card.unassigned_reason)}</span>
      </span>
    );
  if (card.surveyor) {
    const home = card.surveyor.on_duty === false && card.state !== 'submitted';
    return (
      <span class={`job-who ${home ? 'warn' : ''}`} title={home ? t('offDutyHolder') : undefined}>
        <Icon name={home ? 'moon' : 'user'} size={14} {...(home ? { label: t('offDutyHolder') } : {})} />
        <span class="clip">{card.surveyor.name}</span>
      </span>
    );
  }
  return (
    <span class="job-who muted">
      <Icon name="clock" size={14} />
      {t('waitingFor')}
    </span>
  );
}

/** When somebody will be there, or by his own word be done: the one figure that matters at this stage. */
function Ahead({ card }: { card: TaskCard }) {
  const { arrives, done_by_at: done, appointment_at: agreed } = card;
  const parts: { key: keyof typeof LOOK; text: string; title: string }[] = [];
  if (arrives) {
    const span = `${clockTime(arrives.low_at)}–${clockTime(arrives.high_at)}`;
    parts.push({
      key: 'arrives',
      text: t('arrivesAt', { t: clockTime(arrives.at), span }),
      title: t(arrives.under_way ? 'arrivesUnderWay' : 'arrivesIfTaken', { span, by: provider(arrives.by) }),
    });
  }
  if (agreed && ['accepted', 'contacted', 'en_route'].includes(card.state))
    parts.push({ key: 'agreed', text: t('agreedAt', { t: dayTime(agreed) }), title: t('agreedTitle') });
  if (done && ['accepted', 'contacted', 'en_route', 'on_scene'].includes(card.state))
    parts.push({ key: 'done', text: t('doneBy', { t: clockTime(done) }), title: t('doneByTitle') });
  if (!parts.length) return null;
  return (
    <div class="job-ahead small">
      {parts.map((one) => (
        <span key={one.key} class={`clip tabular ${one.key}`} title={one.title}>
          <Icon name={LOOK[one.key]} size={13} />
          {one.text}
        </span>
      ))}
    </div>
  );
}

export function JobCard({ card }: { card: TaskCard }) {
  const clock = leadingClock(card.clocks);
  const given = useSignal(card);
  given.value = card;
  // Computed, so that the card is drawn again when its urgency changes and not at every tick of the clock.
  const look = useComputed(() => {
    const leading = leadingClock(given.value.clocks);
    const urgency = given.value.state === 'unassigned' ? 'late' : leading ? urgencyOf(leading) : 'done';
    return `job ${urgency}${openClaim.value === given.value.claim_id ? ' chosen' : ''}${cursor.value === given.value.id ? ' cursor' : ''}`;
  });
  return (
    <article
      class={look.value}
      id={`job-${card.id}`}
      tabIndex={0}
      draggable={ASSIGNABLE.has(card.state)}
      title={ASSIGNABLE.has(card.state) ? t('dropHere') : undefined}
      onClick={() => go('live', 'claim', card.claim_id)}
      onFocus={() => void (cursor.value = card.id)}
      onKeyDown={(event) => event.key === 'Enter' && go('live', 'claim', card.claim_id)}
      onDragStart={(event) => startDrag(event, card)}
      onDragEnd={endDrag}
    >
      <div class="job-head">
        <span class="mono job-no">{card.report_no}</span>
        {card.duplicate && (
          <Badge tone="amber" icon="copy" title={t('duplicate')}>
            <span class="unseen">{t('duplicate')}</span>
          </Badge>
        )}
        <span class="grow" />
        {clock ? <ClockBadge clock={clock} /> : <TaskBadge state={card.state} />}
      </div>
      <div class="job-place clip" title={card.place ?? ''}>
        <Icon name="pin" size={14} />
        {card.place || t('noPlace')}
      </div>
      <Ahead card={card} />
      <div class="job-foot">
        <Who card={card} />
        <span class="job-what muted clip">
          {[card.plate, cause(card.cause) || line(card.line), clockTime(card.reported_at)].filter(Boolean).join(' · ')}
        </span>
      </div>
    </article>
  );
}

function Group({ name, cards }: { name: GroupKey; cards: TaskCard[] }) {
  const [whole, setWhole] = useState(false);
  const folded = view.value.folded.includes(name);
  const fold = () => change({ folded: folded ? view.value.folded.filter((one) => one !== name) : [...view.value.folded, name] });
  const shown = whole ? cards : cards.slice(0, SHOWN_AT_FIRST);
  return (
    <section class={`group ${name}`} aria-label={t(`group_${name}`)}>
      <button type="button" class="group-head" aria-expanded={!folded} onClick={fold}>
        <Icon name={folded ? 'chevron-right' : 'chevron-down'} size={16} />
        {t(`group_${name}`)}
        <span class="count">{cards.length}</span>
      </button>
      {!folded && shown.map((card) => <JobCard key={card.id} card={card} />)}
      {!folded && shown.length < cards.length && (
        <Button size="small" kind="quiet" onClick={() => setWhole(true)}>
          {t('showAll', { n: cards.length })}
        </Button>
      )}
    </section>
  );
}

/** The jobs in the order they stand on the screen; j and k walk along it. */
export function jobsInOrder(): TaskCard[] {
  const all = [...tasks.value.values()].filter(wantsJob).sort(byUrgency);
  return (Object.keys(GROUPS) as GroupKey[])
    .filter((key) => !view.value.folded.includes(key))
    .flatMap((key) => all.filter((card) => groupOf(card) === key));
}

/** A site without anybody on it: what to do, in the order in which it works. */
function FirstSteps() {
  const steps = [
    ['organisations', 'stepOrgs'],
    ['people', 'stepPeople'],
    ['areas', 'stepAreas'],
    ['people', 'stepPair'],
  ] as const;
  return (
    <div class="first-steps">
      <strong>{t('firstSteps')}</strong>
      <ol>
        {steps.map(([tab, said]) => (
          <li key={said}>
            <a href={link('settings', tab)}>{t(said)}</a>
          </li>
        ))}
        <li>{t('stepReport')}</li>
      </ol>
    </div>
  );
}

export function Jobs({ columns }: { columns?: boolean }) {
  const groups = useComputed(() => {
    const found = Object.fromEntries(Object.keys(GROUPS).map((key) => [key, []])) as unknown as Record<GroupKey, TaskCard[]>;
    for (const card of tasks.value.values()) if (wantsJob(card)) found[groupOf(card)].push(card);
    for (const cards of Object.values(found)) cards.sort(byUrgency);
    return found;
  });
  const keys = (Object.keys(GROUPS) as GroupKey[]).filter((key) => columns || groups.value[key].length);
  if (!keys.length || (columns && tasks.value.size === 0)) {
    if (filtered())
      return (
        <EmptyState icon="filter" title={t('noMatch')}>
          <Button onClick={clearFilter}>{t('clearFilter')}</Button>
        </EmptyState>
      );
    return (
      <EmptyState icon="clipboard" title={t('noJobs')}>
        {may('seat', 'dispatcher') ? t('noJobsNote') : t('noJobsOther')}
        {may('admin') && ready.value && surveyors.value.size === 0 && <FirstSteps />}
      </EmptyState>
    );
  }
  return (
    <div class={columns ? 'columns' : 'groups'}>
      {keys.map((key) => (
        <Group key={key} name={key} cards={groups.value[key]} />
      ))}
    </div>
  );
}
