/** Whether forecasts come true as often as they say: chances and spans kept with each decision, beside what was observed. */
import { useState } from 'preact/hooks';
import { api } from '@shared/api';
import { duration, number, percent } from '@shared/format';
import { useLoad } from '@shared/resource';
import type { Forecast, ForecastPart, Forecasts } from '@shared/types';
import { Badge, EmptyState, Loaded, Table, type Tone } from '@shared/ui';
import type { Range } from './figures';
import { ByPart, Reliability } from './reliability';
import { t } from './words';

const AGES_S = [0, 15, 30, 60, 120, 300];
const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const TONE: Record<Forecast['verdict'], Tone> = { honest: 'green', too_sure: 'red', too_careful: 'amber', too_few: 'grey' };
const SPANS: readonly string[] = ['arrival', 'drive'];
const pct = (share: number) => percent(share * 100);

const ageName = (since: number) => {
  const next = AGES_S[AGES_S.indexOf(since) + 1];
  return next === undefined ? `≥ ${since} s` : `${since}–${next} s`;
};
const bandName = (part: ForecastPart) => {
  const tenth = Math.min(9, Math.floor(part.said * 10 + 1e-9));
  return `${tenth * 10}–${tenth * 10 + 10}%`;
};
const hourName = (hour: number) => `${String(hour).padStart(2, '0')}:00`;

function Numbers({ parts, head, name }: { parts: ForecastPart[]; head: string; name: (part: ForecastPart) => string }) {
  return (
    <Table<ForecastPart>
      caption={head}
      rows={parts}
      id={name}
      columns={[
        { key: 'part', head, cell: (row) => <span class="nowrap">{name(row)}</span> },
        { key: 'said', head: t('said'), cell: (row) => pct(row.said), align: 'right' },
        { key: 'true', head: t('cameTrue'), cell: (row) => <strong>{pct(row.came_true)}</strong>, align: 'right' },
        {
          key: 'span',
          head: t('chance95'),
          cell: (row) => <span class="nowrap">{`${pct(row.low)} – ${pct(row.high)}`}</span>,
          align: 'right',
        },
        {
          key: 'count',
          head: t('cases'),
          cell: (row) =>
            row.few ? (
              <span class="muted nowrap" title={t('fewCases')}>
                {number(row.count)} {t('few')}
              </span>
            ) : (
              number(row.count)
            ),
          align: 'right',
        },
      ]}
    />
  );
}

/** One kind of forecast as a tile that is also the choice of what is drawn below. */
function Card({ one, chosen, onPick }: { one: Forecast; chosen: boolean; onPick: () => void }) {
  return (
    <button
      type="button"
      class="tile panel pickable"
      role="radio"
      aria-checked={chosen}
      tabIndex={chosen ? 0 : -1}
      onClick={onPick}
      data-measure={one.measure}
    >
      <span class="muted small">{t(`fore_${one.measure}`)}</span>
      <strong class="tabular">{one.whole ? pct(one.whole.came_true) : '—'}</strong>
      <span class="muted small">
        {one.whole
          ? t('saidOnAverage', { said: pct(one.whole.said), n: number(one.count) })
          : t('nCases', { n: number(one.count) })}
      </span>
      <span>
        <Badge tone={TONE[one.verdict]}>{t(`verdict_${one.verdict}`)}</Badge>
      </span>
    </button>
  );
}

function Cards({ all, active, onPick }: { all: Forecast[]; active: Forecast; onPick: (measure: Forecast['measure']) => void }) {
  const step = (event: KeyboardEvent) => {
    const by = ['ArrowRight', 'ArrowDown'].includes(event.key) ? 1 : ['ArrowLeft', 'ArrowUp'].includes(event.key) ? -1 : 0;
    const next = by && all[(all.indexOf(active) + by + all.length) % all.length];
    if (!next) return;
    event.preventDefault();
    onPick(next.measure);
    (event.currentTarget as HTMLElement).querySelector<HTMLElement>(`[data-measure="${next.measure}"]`)?.focus();
  };
  return (
    <div class="tiles" role="radiogroup" aria-label={t('forecasts')} onKeyDown={step}>
      {all.map((one) => (
        <Card key={one.measure} one={one} chosen={one === active} onPick={() => onPick(one.measure)} />
      ))}
    </div>
  );
}

function Drawn({ one }: { one: Forecast }) {
  const span = SPANS.includes(one.measure);
  const [curve, ages, hours] = [t(span ? 'curveSpan' : 'curveChance'), t('byAge'), t('byHourOf')];
  const name = t(`fore_${one.measure}`);
  return (
    <>
      {span && one.earlier != null && one.later != null && (
        <p class="small">
          {t('spanEdges', { earlier: pct(one.earlier), later: pct(one.later) })}{' '}
          {one.off_s != null &&
            (Math.abs(one.off_s) < 1
              ? t('offNone')
              : t(one.off_s > 0 ? 'offLater' : 'offEarlier', { s: duration(Math.abs(one.off_s)) }))}
        </p>
      )}
      <section class="panel honest-part">
        <h3>{curve}</h3>
        <div class="beside">
          <Reliability parts={one.curve} label={`${name}: ${curve}`} />
          <Numbers parts={one.curve} head={t(span ? 'bySpan' : 'saidBand')} name={span ? (part) => pct(part.said) : bandName} />
        </div>
      </section>
      <section class="panel honest-part">
        <h3>{ages}</h3>
        <div class="beside">
          <ByPart parts={one.by_age} places={AGES_S} name={ageName} label={`${name}: ${ages}`} />
          <Numbers parts={one.by_age} head={t('age')} name={(part) => ageName(part.since ?? 0)} />
        </div>
      </section>
      <section class="panel honest-part">
        <h3>{hours}</h3>
        <div class="beside">
          <ByPart parts={one.by_hour} places={HOURS} name={hourName} label={`${name}: ${hours}`} />
          <Numbers parts={one.by_hour} head={t('hour')} name={(part) => hourName(part.since ?? 0)} />
        </div>
      </section>
      <p class="muted small">{t('honestyLegend')}</p>
    </>
  );
}

export function ForecastPage({ range }: { range: Range }) {
  const [measure, setMeasure] = useState<Forecast['measure'] | null>(null);
  const list = useLoad<Forecasts>(
    (signal) => api.get('/reports/forecasts', { from: range.from, to: range.to }, { signal }),
    [range.from, range.to],
  );
  return (
    <Loaded of={list} rows={8}>
      {(data) => {
        const active =
          data.measures.find((one) => one.measure === measure) ?? data.measures.find((one) => one.whole) ?? data.measures[0];
        if (!active) return null;
        return (
          <div class="stack">
            <p class="row wrap small">
              <Badge tone="blue" icon="eye">
                {t('observed')}
              </Badge>
              <span>
                {t('observedOf', { n: number(data.foretold), all: number(data.asked) })}
                {data.looked_at < data.asked && ` ${t('drawnBy', { n: number(data.looked_at) })}`}
              </span>
            </p>
            <Cards all={data.measures} active={active} onPick={setMeasure} />
            {active.whole ? (
              <Drawn one={active} />
            ) : (
              <EmptyState icon="chart" title={t('tooFew', { n: number(active.count) })}>
                {t('tooFew2', { least: data.least })}
              </EmptyState>
            )}
          </div>
        );
      }}
    </Loaded>
  );
}
