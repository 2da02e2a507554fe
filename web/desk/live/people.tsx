/** The surveyors beside the map, and the card of one. */
import { effect, useComputed } from '@preact/signals';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { api } from '@shared/api';
import { now, serverNow } from '@shared/clock';
import { duration, nextTime } from '@shared/format';
import { may } from '@shared/session';
import { useLoad } from '@shared/resource';
import { Why } from '@shared/track/why';
import type { PhoneTracking, SurveyorCard } from '@shared/types';
import { Badge, Button, EmptyState, Icon, Loaded, SurveyorBadge, tellError } from '@shared/ui';
import { freshness, skill } from '@shared/words';
import { askAssign } from '../claim/assign';
import { useOrganisations } from '../orgs';
import { go, openSurveyor } from '../route';
import { ageOf, freshnessOf, surveyors, tasks } from '../store';
import { t } from '../words';
import { DayOf } from './dayplan';
import { dragged, dropped, over } from './drag';
import { JobCard } from './jobs';
import { LookDialog } from './look';
import { track } from './track';
import { clearFilter, filtered, text, view, wantsSurveyor, week } from './view';

const ORDER = { idle: 0, offered: 1, busy: 2, stale: 3, off: 4 } as const;
const TONE = { fresh: 'green', amber: 'amber', stale: 'red', never: 'grey' } as const;

function Seen({ card }: { card: SurveyorCard }) {
  const fresh = freshnessOf(card, now.value);
  const age = ageOf(card, now.value);
  if (card.unseen) return <span class="muted small">{freshness(fresh)}</span>;
  if (fresh === 'fresh') return <span class="muted small">{t('lastSeen', { t: duration(age) })}</span>;
  return (
    <Badge tone={TONE[fresh]} icon={fresh === 'never' ? 'signal-off' : 'signal'} title={freshness(fresh)}>
      {age === null ? t('never') : t('lastSeen', { t: duration(age) })}
    </Badge>
  );
}

function PersonRow({ card }: { card: SurveyorCard }) {
  const [lit, setLit] = useState(false);
  return (
    <article
      class={`person ${lit ? 'lit' : ''} ${dragged.value ? 'target' : ''} ${openSurveyor.value === card.id ? 'chosen' : ''}`}
      tabIndex={0}
      data-surveyor={card.id}
      onClick={() => go('live', 'surveyor', card.id)}
      onKeyDown={(event) => event.key === 'Enter' && go('live', 'surveyor', card.id)}
      onDragOver={(event) => setLit(over(event))}
      onDragLeave={() => setLit(false)}
      onDrop={(event) => {
        setLit(false);
        const job = dropped(event);
        if (job) askAssign(job.claim_id, job, { id: card.id, name: card.name });
      }}
    >
      <SurveyorBadge state={card.state} />
      <strong class="clip grow">{card.name}</strong>
      <span class="small tabular" title={t('openJobs', { n: card.open_jobs, max: card.max_open })}>
        <Icon name="clipboard" size={13} /> {card.open_jobs}/{card.max_open}
      </span>
      <Seen card={card} />
    </article>
  );
}

const SHOWN = 400;
const byName = new Intl.Collator('zh');
/** Ten thousand names are put in order every few seconds, not at every movement on the map. */
const MANY = 500;
const CALM_MS = 4000;

function useCalmly(): ReadonlyMap<string, SurveyorCard> {
  const [seen, setSeen] = useState(surveyors.peek());
  const last = useRef(0);
  useEffect(() => {
    let timer = 0;
    const stop = effect(() => {
      const newest = surveyors.value;
      const rest = newest.size > MANY ? last.current + CALM_MS - performance.now() : 0;
      clearTimeout(timer);
      const show = () => {
        last.current = performance.now();
        setSeen(newest);
      };
      if (rest > 0) timer = window.setTimeout(show, rest);
      else show();
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, []);
  return seen;
}

export function People() {
  const all = useCalmly();
  const wanted = useComputed(() => [view.value.showOff, text.value]);
  const shown = useMemo(
    () =>
      [...all.values()].filter(wantsSurveyor).sort((a, b) => ORDER[a.state] - ORDER[b.state] || byName.compare(a.name, b.name)),
    [all, ...wanted.value],
  );
  if (!shown.length)
    return (
      <EmptyState icon="users" title={filtered() ? t('noMatch') : t('noPeople')}>
        {filtered() && <Button onClick={clearFilter}>{t('clearFilter')}</Button>}
      </EmptyState>
    );
  return (
    <div class="persons">
      {shown.slice(0, SHOWN).map((card) => (
        <PersonRow key={card.id} card={card} />
      ))}
      {shown.length > SHOWN && <p class="muted small">{t('andMore', { n: shown.length - SHOWN })}</p>}
    </div>
  );
}

/** Asked for when he is grey, or by the button: what his phone does, and what to do about it. */
function WhyPanel({ id }: { id: string }) {
  const asked = useLoad<PhoneTracking>((signal) => api.get(`/surveyors/${id}/tracking`, {}, { signal }), [id]);
  return (
    <Loaded of={asked} rows={3}>
      {(facts) => <Why of={facts} />}
    </Loaded>
  );
}

function Facts({ card }: { card: SurveyorCard }) {
  const where = card.position;
  const facts = [
    where?.accuracy_m != null && t('accuracy', { m: Math.round(where.accuracy_m) }),
    where?.speed_mps != null && t('speed', { n: Math.round(where.speed_mps * 3.6) }),
    where?.battery != null && t('battery', { n: Math.round(where.battery) }),
    where?.source,
  ].filter(Boolean);
  return <p class="muted small">{facts.join(' · ')}</p>;
}

/** One surveyor in the drawer: how he is, what he holds, where he was. */
export function Person({ card }: { card: SurveyorCard }) {
  const [busy, setBusy] = useState('');
  const [looking, setLooking] = useState(false);
  const [home, setHome] = useState('');
  const [asking, setAsking] = useState(freshnessOf(card, now.peek()) !== 'fresh');
  // Somebody lent in a catastrophe is seen on the map; his track, his day and his shift stay with his own branch.
  const orgs = useOrganisations();
  const lent = orgs.data ? !orgs.data.items.some((one) => one.id === card.org_id) : false;
  const his = [...tasks.value.values()].filter((job) => job.surveyor?.id === card.id || job.offer?.surveyor.id === card.id);
  const run = (name: string, act: () => Promise<unknown>) => {
    setBusy(name);
    act()
      .catch(tellError)
      .finally(() => setBusy(''));
  };
  const whyPanel = asking && !lent && may('dispatcher', 'supervisor', 'admin') && <WhyPanel id={card.id} />;
  return (
    <div class="drawer-body stack">
      <div class="row wrap">
        <SurveyorBadge state={card.state} />
        <Seen card={card} />
        <Badge icon="clipboard">{t('openJobs', { n: card.open_jobs, max: card.max_open })}</Badge>
        {lent && <Badge icon="users">{t('lent')}</Badge>}
      </div>
      <Facts card={card} />
      <p class="row wrap small">
        <span class="muted">{t('skills')}</span>
        {card.skills.map((one) => (
          <Badge key={one}>{skill(one)}</Badge>
        ))}
      </p>
      <div class="row wrap">
        {!lent && may('dispatcher', 'supervisor', 'admin') && (
          <Button icon="history" title={t('trackLogged')} onClick={() => setLooking(true)}>
            {t('track')}
          </Button>
        )}
        {!lent && may('dispatcher', 'supervisor', 'admin') && (
          <Button icon="smartphone" aria-expanded={asking} onClick={() => setAsking(!asking)}>
            {t('why')}
          </Button>
        )}
        {week.value === card.id && (
          <Button icon="x" onClick={() => void (week.value = null)}>
            {t('week')}
          </Button>
        )}
        {!lent && may('dispatcher', 'admin') && (
          <Button
            icon="power"
            busy={busy === 'shift'}
            onClick={() => {
              const until = card.on_duty ? null : nextTime(home, serverNow());
              run('shift', () =>
                api.post(`/surveyors/${card.id}/shift`, { on: !card.on_duty, ...(until ? { until: until.toISOString() } : {}) }),
              );
            }}
          >
            {card.on_duty ? t('shiftOff') : t('shiftOn')}
          </Button>
        )}
        {!lent && may('dispatcher', 'admin') && !card.on_duty && (
          <label class="row small" title={t('shiftUntilNote')}>
            <span class="muted">{t('shiftUntil')}</span>
            <input
              type="time"
              class="input tabular"
              name="until"
              value={home}
              onInput={(event) => setHome(event.currentTarget.value)}
            />
          </label>
        )}
      </div>
      {/* Who has jobs is looked at for his day first: the answer stands below it, not in its place. */}
      {!his.length && whyPanel}
      {looking && <LookDialog card={card} onClose={() => setLooking(false)} />}
      {track.value?.surveyor === card.id && (
        <p class="muted small">
          {t('trackPoints', { n: track.value.points.length })} · {t('trackLogged')}
        </p>
      )}
      {orgs.data && !lent && may('dispatcher', 'supervisor', 'admin') && (
        <DayOf
          id={card.id}
          turn={his.map((job) => `${job.id}${job.state}${job.clocks.find((one) => one.kind === 'arrival')?.due_at ?? ''}`).join()}
        />
      )}
      {his.length > 0 && whyPanel}
      <h3>{t('hisJobs')}</h3>
      {his.length ? his.map((job) => <JobCard key={job.id} card={job} />) : <p class="muted">{t('noHisJobs')}</p>}
    </div>
  );
}
