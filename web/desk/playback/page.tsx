/** Playback: a day on a slider, the desk as it was at the moment it stands on. */
import { lazy, Suspense } from 'preact/compat';
import { useEffect, useState } from 'preact/hooks';
import { api } from '@shared/api';
import { serverNow } from '@shared/clock';
import { copyText } from '@shared/copy';
import { clockTimeS, fromLocalInput, fullTime, shanghaiDay } from '@shared/format';
import { useLoad } from '@shared/resource';
import type { TaskCard } from '@shared/types';
import {
  Badge,
  Banner,
  Button,
  ClockBadge,
  Dialog,
  EmptyState,
  Icon,
  leadingClock,
  Loaded,
  Spinner,
  TaskBadge,
  tell,
  tellError,
  urgencyOf,
} from '@shared/ui';
import { mapInfo } from '../mapinfo';
import { go, route } from '../route';
import { byUrgency } from '../store';
import { reasonGiven, WhyFields } from '../why';
import { at, failed, jobs, linkTo, open, people, play, playing, remember, seek, speed, SPEEDS, waiting } from './play';
import { t } from './words';

const PlayMap = lazy(() => import('./map'));
const DAY_MS = 86_400_000;
const FIRST_BACK_MS = 15 * 60_000;

interface DayBars {
  step_s: number;
  reports: number[];
  breaches: number[];
}

const startOf = (day: string): number => fromLocalInput(day)?.getTime() ?? 0;

function Bars({ day }: { day: string }) {
  const from = startOf(day);
  const bars = useLoad<DayBars>(
    (signal) =>
      api.get('/playback/day', { from: new Date(from).toISOString(), to: new Date(from + DAY_MS).toISOString() }, { signal }),
    [day],
  );
  if (!bars.data) return <svg class="day-bars" aria-hidden="true" />;
  const { reports, breaches } = bars.data;
  const most = Math.max(4, ...reports);
  const width = 1000 / reports.length;
  const told = `${t('reports')} ${reports.reduce((a, b) => a + b, 0)} · ${t('breaches')} ${breaches.reduce((a, b) => a + b, 0)}`;
  return (
    <svg class="day-bars" viewBox="0 0 1000 40" preserveAspectRatio="none" role="img" aria-label={told}>
      <title>{told}</title>
      {reports.map(
        (n, x) =>
          n > 0 && (
            <rect key={x} class="bar" x={x * width + 1} width={width - 2} y={40 - (n / most) * 34} height={(n / most) * 34} />
          ),
      )}
      {breaches.map((n, x) => n > 0 && <path key={`b${x}`} class="mark" d={`M${x * width + width / 2 - 5} 0h10l-5 9z`} />)}
    </svg>
  );
}

function Controls() {
  const day = shanghaiDay(new Date(at.value));
  const from = startOf(day);
  const slide = (value: number) => void seek(from + value * 1000, true);
  return (
    <section class="play-bar" aria-label={t('title')}>
      <div class="row wrap play-tools">
        <Button kind="primary" icon={playing.value ? 'pause' : 'play'} onClick={() => play(!playing.value)}>
          {playing.value ? t('pause') : t('play')}
        </Button>
        <Button
          kind="quiet"
          icon="chevron-left"
          aria-label={t('back')}
          title={t('back')}
          onClick={() => void seek(at.peek() - 60_000)}
        />
        <Button
          kind="quiet"
          icon="chevron-right"
          aria-label={t('ahead')}
          title={t('ahead')}
          onClick={() => void seek(at.peek() + 60_000)}
        />
        <label class="row">
          <span class="muted small">{t('speed')}</span>
          <select
            class="input"
            value={String(speed.value)}
            onChange={(event) => {
              speed.value = Number(event.currentTarget.value);
              remember();
            }}
          >
            {SPEEDS.map((one) => (
              <option key={one} value={String(one)}>
                {one}×
              </option>
            ))}
          </select>
        </label>
        <label class="row">
          <span class="muted small">{t('day')}</span>
          <input
            class="input"
            type="date"
            value={day}
            max={shanghaiDay(new Date(serverNow()))}
            onChange={(event) => {
              const start = startOf(event.currentTarget.value);
              if (start) void seek(start + (at.peek() - from));
            }}
          />
        </label>
        <time class="play-time tabular" dateTime={new Date(at.value).toISOString()}>
          {fullTime(at.value)}
        </time>
        <span role="status" class="row muted small">
          {waiting.value && (
            <>
              <Icon name="clock" size={14} /> {t('waiting')}
            </>
          )}
        </span>
        <span class="grow" />
        <span class="muted small">
          <Icon name="shield" size={13} /> {t('logged')}
        </span>
        <Button size="small" icon="copy" onClick={() => void copyText(linkTo()).then(() => tell('ok', t('copied')), tellError)}>
          {t('link')}
        </Button>
      </div>
      <div class="play-day">
        <Bars day={day} />
        <input
          type="range"
          min={0}
          max={DAY_MS / 1000 - 1}
          step={10}
          value={Math.floor((at.value - from) / 1000)}
          aria-label={t('slider')}
          aria-valuetext={clockTimeS(at.value)}
          onChange={(event) => slide(Number(event.currentTarget.value))}
        />
        <div class="hours" aria-hidden="true">
          {[0, 3, 6, 9, 12, 15, 18, 21, 24].map((hour) => (
            <span key={hour}>{String(hour).padStart(2, '0')}</span>
          ))}
        </div>
      </div>
    </section>
  );
}

function Job({ card }: { card: TaskCard }) {
  const clock = leadingClock(card.clocks);
  const who = card.surveyor ?? card.offer?.surveyor;
  return (
    <a class={`job ${clock ? urgencyOf(clock, at.value) : 'done'}`} href={`#/live/claim/${card.claim_id}`}>
      <div class="job-head">
        <span class="mono job-no">{card.report_no}</span>
        <span class="grow" />
        {clock ? <ClockBadge clock={clock} atMs={at.value} /> : <TaskBadge state={card.state} />}
      </div>
      <div class="job-foot">
        <TaskBadge state={card.state} />
        <span class="job-who">{who?.name ?? ''}</span>
        <span class="job-what muted clip">{[card.plate, card.place].filter(Boolean).join(' · ')}</span>
      </div>
    </a>
  );
}

function Then() {
  const shown = [...jobs.value.values()].sort(byUrgency);
  let onDuty = 0;
  for (const card of people.value.values()) if (card.on_duty) onDuty += 1;
  return (
    <aside class="side" aria-label={t('jobsThen')}>
      <div class="row wrap then-head">
        <Badge icon="history" tone="violet">
          {t('known')} {clockTimeS(at.value)}
        </Badge>
        <span class="grow" />
        <span class="muted small">{t('peopleThen', { n: onDuty })}</span>
      </div>
      <h2 class="then-title">
        {t('jobsThen')} <span class="count">{shown.length}</span>
      </h2>
      {failed.value && <Banner kind="error">{failed.value.message}</Banner>}
      <div class="side-list" tabIndex={0} role="region" aria-label={t('jobsThen')}>
        {shown.length ? (
          shown.slice(0, 200).map((card) => <Job key={card.id} card={card} />)
        ) : (
          <EmptyState icon="clipboard" title={t('noJobs')} />
        )}
      </div>
    </aside>
  );
}

/** Asked once an opening: whose link it is says nothing about why this one looks. */
function WhyDialog({ onGiven }: { onGiven: (why: string) => void }) {
  const why = reasonGiven();
  const leave = () => go('live');
  return (
    <Dialog
      title={t('title')}
      onClose={leave}
      actions={
        <>
          <Button onClick={leave}>{t('cancel')}</Button>
          <Button kind="primary" icon="history" disabled={!why} onClick={() => onGiven(why)}>
            {t('show')}
          </Button>
        </>
      }
    >
      <div class="stack">
        <WhyFields everybody />
      </div>
    </Dialog>
  );
}

export function Playback() {
  const info = useLoad(mapInfo, []);
  const [why, setWhy] = useState('');
  useEffect(() => {
    if (!why) return;
    const { query } = route.peek();
    const asked = Date.parse(query.get('at') ?? '');
    const wanted = Number(query.get('speed'));
    if ((SPEEDS as readonly number[]).includes(wanted)) speed.value = wanted;
    return open(Number.isNaN(asked) ? serverNow() - FIRST_BACK_MS : asked, why);
  }, [why]);
  if (!why) return <WhyDialog onGiven={setWhy} />;
  return (
    <div class="playback">
      <div class="live">
        <Then />
        <div class="live-centre">
          <Loaded of={info}>
            {(facts) => (
              <Suspense fallback={<Spinner />}>
                <PlayMap info={facts} />
              </Suspense>
            )}
          </Loaded>
        </div>
      </div>
      <Controls />
    </div>
  );
}
