/** How fast each leg was, how often the promise was kept, and how each person did. */
import { lazy, Suspense } from 'preact/compat';
import { useState } from 'preact/hooks';
import { api, BASE, withQuery } from '@shared/api';
import { duration, number, percent, shanghaiDay } from '@shared/format';
import { serverNow } from '@shared/clock';
import { lang } from '@shared/i18n';
import { useLoad } from '@shared/resource';
import type { Leg, Legs } from '@shared/types';
import { Banner, Button, Choose, EmptyState, Icon, Loaded, Spinner, Table, Tabs } from '@shared/ui';
import { line } from '@shared/words';
import { ForecastPage } from './forecasts';
import { GOAL_PCT, Kept, PeopleTable, type Range } from './figures';
import { route, settle } from '../route';
import { t } from './words';

const Plot = lazy(() => import('./plot'));
const LEGS = [
  'report_offer',
  'report_accept',
  'report_contact',
  'contact_arrival',
  'report_arrival',
  'arrival_submit',
  'submit_approve',
  'report_approve',
] as const;
const BYS = ['none', 'area', 'day', 'hour', 'line', 'organisation'] as const;
type By = (typeof BYS)[number];
type LegName = (typeof LEGS)[number];
const TABS = ['legs', 'people', 'forecasts'] as const;
const DAY_MS = 86_400_000;

const legWord = (name: string) => ((LEGS as readonly string[]).includes(name) ? t(`leg_${name as LegName}`) : name);
const groupWord = (by: By, group: string | null) =>
  group === null ? t('none') : by === 'line' ? line(group) : by === 'hour' ? `${group}:00` : group;

const daysBack = (days: number): Range => ({
  from: shanghaiDay(new Date(serverNow() - (days - 1) * DAY_MS)),
  to: shanghaiDay(new Date(serverNow())),
});

/** Bare dates are whole days in Asia/Shanghai to the API, the last one included. */
const query = ({ from, to }: Range, by: By) => ({ from, to, by: by === 'none' ? null : by });

function Tile({ name, value, note, tone }: { name: string; value: string; note?: string; tone?: string }) {
  return (
    <div class={`tile panel ${tone ?? ''}`}>
      <span class="muted small">{name}</span>
      <strong class="tabular">{value}</strong>
      {note && <span class="muted small">{note}</span>}
    </div>
  );
}

function Tiles({ legs }: { legs: Leg[] }) {
  const of = (name: LegName) => legs.find((one) => one.leg === name);
  const contact = of('report_contact');
  const good = (contact?.kept_pct ?? 100) >= GOAL_PCT;
  return (
    <div class="tiles">
      <Tile
        name={t('promise')}
        value={percent(contact?.kept_pct)}
        tone={good ? 'good' : 'bad'}
        note={contact ? t('promiseNote', { n: number(contact.judged), k: number(contact.kept) }) : ''}
      />
      <Tile name={t('medianContact')} value={duration(contact?.p50_s)} />
      <Tile name={t('p90Contact')} value={duration(contact?.p90_s)} />
      <Tile name={t('offerP99')} value={duration(of('report_offer')?.p99_s)} />
      <Tile name={t('arrivalP50')} value={duration(of('report_arrival')?.p50_s)} />
    </div>
  );
}

function Charts({ legs, by, leg }: { legs: Leg[]; by: By; leg: LegName }) {
  const rows = legs
    .filter((one) => one.leg === leg && one.count > 0)
    .sort((a, b) =>
      by === 'day' || by === 'hour' ? (a.group ?? '').localeCompare(b.group ?? '', 'en', { numeric: true }) : b.count - a.count,
    )
    .slice(0, 40);
  if (!rows.length) return null;
  const groups = rows.map((one) => (by === 'day' ? (one.group ?? '').slice(5) : groupWord(by, one.group)));
  const minutes = (pick: (one: Leg) => number | null) =>
    rows.map((one) => {
      const s = pick(one);
      return s === null ? null : s / 60;
    });
  const bars = by !== 'day' && by !== 'hour';
  const title = t('chartTitle', { leg: legWord(leg) });
  const series = [
    { name: 'P50', values: minutes((one) => one.p50_s) },
    { name: 'P90', values: minutes((one) => one.p90_s), dash: [6, 3] },
    { name: 'P99', values: minutes((one) => one.p99_s), dash: [2, 3] },
  ];
  const kept = rows.some((one) => one.kept_pct !== null);
  return (
    <Suspense fallback={<Spinner />}>
      <div class="plots">
        <section class="panel">
          <h3>{title}</h3>
          <Plot key={leg + by} groups={groups} series={series} bars={bars} label={title} />
        </section>
        {kept && (
          <section class="panel">
            <h3>{t('keptTitle', { leg: legWord(leg) })}</h3>
            <Plot
              key={`k${leg}${by}`}
              groups={groups}
              series={[{ name: t('kept'), values: rows.map((one) => one.kept_pct) }]}
              bars={bars}
              top={105}
              label={t('keptTitle', { leg: legWord(leg) })}
            />
          </section>
        )}
      </div>
    </Suspense>
  );
}

function LegTable({ legs, by, chosen, onPick }: { legs: Leg[]; by: By; chosen: LegName; onPick: (leg: LegName) => void }) {
  const order = (name: string) => LEGS.indexOf(name as LegName);
  const rows = [...legs].sort(
    (a, b) => order(a.leg) - order(b.leg) || (a.group ?? '').localeCompare(b.group ?? '', 'zh', { numeric: true }),
  );
  return (
    <Table<Leg>
      caption={t('legs')}
      rows={rows}
      id={(row) => `${row.leg} ${row.group ?? ''}`}
      onOpen={(row) => onPick(row.leg as LegName)}
      chosen={by === 'none' ? `${chosen} ` : null}
      columns={[
        { key: 'leg', head: t('leg'), cell: (row) => legWord(row.leg) },
        ...(by === 'none' ? [] : [{ key: 'group', head: t('group'), cell: (row: Leg) => groupWord(by, row.group) }]),
        { key: 'count', head: t('count'), cell: (row) => number(row.count), align: 'right' as const },
        { key: 'excused', head: t('excused'), cell: (row) => number(row.excused), align: 'right' as const },
        { key: 'p50', head: 'P50', cell: (row) => duration(row.p50_s), align: 'right' as const },
        { key: 'p90', head: 'P90', cell: (row) => duration(row.p90_s), align: 'right' as const },
        { key: 'p99', head: 'P99', cell: (row) => duration(row.p99_s), align: 'right' as const },
        { key: 'kept', head: t('kept'), cell: (row) => <Kept of={row.kept_pct} />, align: 'right' as const },
      ]}
    />
  );
}

function LegPage({ range }: { range: Range }) {
  const [by, setBy] = useState<By>('day');
  const [leg, setLeg] = useState<LegName>('report_contact');
  const split = useLoad<Legs>((signal) => api.get('/reports/legs', query(range, by), { signal }), [range.from, range.to, by]);
  return (
    <div class="stack">
      {split.data &&
        (split.data.totals.some((one) => one.count) ? (
          <Tiles legs={split.data.totals} />
        ) : (
          <EmptyState icon="chart" title={t('noFigures')}>
            {t('noFigures2')}
          </EmptyState>
        ))}
      <div class="row wrap">
        <Choose label={t('by')} value={by} choices={BYS.map((value) => ({ value, label: t(`by_${value}`) }))} onPick={setBy} />
        <Choose label={t('leg')} value={leg} choices={LEGS.map((value) => ({ value, label: legWord(value) }))} onPick={setLeg} />
      </div>
      <Loaded of={split} rows={8}>
        {(data) => (
          <>
            {by !== 'none' && <Charts legs={data.legs} by={by} leg={leg} />}
            <section class="panel list">
              <LegTable
                legs={by === 'none' ? data.legs : data.legs.filter((one) => one.leg === leg)}
                by={by}
                chosen={leg}
                onPick={setLeg}
              />
            </section>
          </>
        )}
      </Loaded>
      <a class="button csv" href={withQuery(`${BASE}/reports/legs.csv`, { ...query(range, by), lang: lang.value })} download>
        <Icon name="download" size={15} />
        {t('csv')}
      </a>
    </div>
  );
}

export function Reports() {
  const [range, setRange] = useState<Range>(daysBack(7));
  // In the address: a link to the forecasts opens the forecasts, and so does a reload.
  const tab = TABS.find((one) => one === route.value.rest[0]) ?? 'legs';
  const wrong = !range.from || !range.to || range.to < range.from;
  return (
    <div class="page scroll stack">
      <header class="row wrap">
        <h1>{t('reports')}</h1>
        <span class="grow" />
        <label class="row small">
          {t('from')}
          <input
            class="input"
            type="date"
            value={range.from}
            max={range.to}
            onChange={(event) => setRange({ ...range, from: event.currentTarget.value })}
          />
        </label>
        <label class="row small">
          {t('to')}
          <input
            class="input"
            type="date"
            value={range.to}
            min={range.from}
            onChange={(event) => setRange({ ...range, to: event.currentTarget.value })}
          />
        </label>
        {([1, 7, 30] as const).map((days) => (
          <Button key={days} size="small" onClick={() => setRange(daysBack(days))}>
            {t(days === 1 ? 'today' : days === 7 ? 'last7' : 'last30')}
          </Button>
        ))}
      </header>
      <Tabs
        label={t('reports')}
        active={tab}
        onPick={(key) => settle('reports', ...(key === 'legs' ? [] : [key]))}
        tabs={TABS.map((key) => ({ key, label: t(key) }))}
      />
      {wrong ? (
        <Banner kind="error">{t('badRange')}</Banner>
      ) : tab === 'legs' ? (
        <LegPage range={range} />
      ) : tab === 'forecasts' ? (
        <ForecastPage range={range} />
      ) : (
        <div class="stack">
          <section class="panel list">
            <PeopleTable range={range} />
          </section>
          <a
            class="button csv"
            href={withQuery(`${BASE}/reports/people.csv`, { from: range.from, to: range.to, lang: lang.value })}
            download
          >
            <Icon name="download" size={15} />
            {t('csv')}
          </a>
        </div>
      )}
    </div>
  );
}
