/** What sending each of them would have cost, in seconds of the customer's waiting: one bar a person, one colour a part. */
import { distance, duration, percent } from '@shared/format';
import { labels } from '@shared/i18n';
import type { Candidate } from '@shared/types';
import { Badge } from '@shared/ui';
import { passedOver } from '@shared/words';
import { t } from './words';

export const term = labels(
  {
    drive: '路上',
    in_hand: '手上的任务',
    late_contact: '联系超时风险',
    late_arrival: '到达超时风险',
    silence: '无人应答风险',
    load: '今日任务多',
    area: '非本机构',
    hole: '留下空白区',
    idle: '空闲时间短',
  },
  {
    drive: 'Driving',
    in_hand: 'Work in hand',
    late_contact: 'Risk of a late call',
    late_arrival: 'Risk of arriving late',
    silence: 'Risk of no answer',
    load: 'Many jobs today',
    area: 'Other organisation',
    hole: 'Leaves a gap',
    idle: 'Idle for less long',
  },
);

/** In the order they happen to the customer: first the wait itself, then the risks, then what is fair to the others. */
const ORDER = ['in_hand', 'drive', 'late_contact', 'late_arrival', 'silence', 'load', 'area', 'hole', 'idle'];
const SHOWN = 6;

export const weighed = (of: Candidate[]) => of.filter((one) => one.cost_s != null && one.terms);

function Bar({ of, most }: { of: Candidate; most: number }) {
  const parts = ORDER.map((name) => [name, of.terms?.[name] ?? 0] as const).filter(([, s]) => s > 0);
  return (
    <span class="why-bar" role="img" aria-label={parts.map(([name, s]) => `${term(name)} ${duration(s)}`).join('，')}>
      {parts.map(([name, s]) => (
        <i key={name} class={`part-${name}`} style={{ width: `${(100 * s) / most}%` }} title={`${term(name)} ${duration(s)}`} />
      ))}
    </span>
  );
}

/** The chosen one first, then who came closest; the nearest by distance is always among them. */
export function compared(of: Candidate[]): Candidate[] {
  const able = weighed(of);
  const chosen = able.filter((one) => one.outcome === 'chosen');
  const rest = able.filter((one) => one.outcome !== 'chosen').sort((a, b) => (a.cost_s ?? 0) - (b.cost_s ?? 0));
  const nearest = [...able].sort((a, b) => (a.distance_m ?? 1e9) - (b.distance_m ?? 1e9))[0];
  const first = [...chosen, ...rest].slice(0, SHOWN);
  return nearest && !first.includes(nearest) ? [...first.slice(0, SHOWN - 1), nearest] : first;
}

export function Bars({ of }: { of: Candidate[] }) {
  const shown = compared(of);
  const most = Math.max(1, ...shown.map((one) => one.cost_s ?? 0));
  const used = ORDER.filter((name) => shown.some((one) => (one.terms?.[name] ?? 0) > 0));
  return (
    <div class="why">
      <p class="small muted why-head">{t('costHead')}</p>
      <ol class="why-list">
        {shown.map((one) => (
          <li key={one.surveyor.id} class={one.outcome === 'chosen' ? 'on' : ''}>
            <span class="why-name">
              <strong>{one.surveyor.name}</strong>
              <span class="muted small">
                {distance(one.distance_m)} · {t('thereIn', { t: duration(one.soonest_s ?? one.eta_s) })}
                {one.free_by && one.free_by !== 'usual' && <> · {t(`freeBy_${one.free_by}`)}</>}
                {one.contact_p != null && one.arrive_p != null && (
                  <> · {t('keeps', { c: percent(100 * one.contact_p), a: percent(100 * one.arrive_p) })}</>
                )}
              </span>
            </span>
            <span class="why-mid">
              <Bar of={one} most={most} />
              <span class="small">
                {one.outcome === 'chosen' ? (
                  <Badge tone="green" icon="check">
                    {t('chosen')}
                  </Badge>
                ) : (
                  <span class="muted">{passedOver(one.reason)}</span>
                )}
              </span>
            </span>
            <span class="why-cost">{duration(one.cost_s)}</span>
          </li>
        ))}
      </ol>
      <ul class="why-legend small muted" aria-label={t('parts')}>
        {used.map((name) => (
          <li key={name}>
            <i class={`part-${name}`} /> {term(name)}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** "Why not the nearer one?": the nearest of all who is not the chosen one, in a sentence. */
export function NotTheNearer({ of }: { of: Candidate[] }) {
  const chosen = of.find((one) => one.outcome === 'chosen');
  if (!chosen || chosen.distance_m == null) return null;
  const nearer = of
    .filter((one) => one.outcome !== 'chosen' && one.distance_m != null && one.distance_m < (chosen.distance_m ?? 0))
    .sort((a, b) => (a.distance_m ?? 0) - (b.distance_m ?? 0))[0];
  if (!nearer) return <p class="why-not small">{t('nobodyNearer')}</p>;
  const later =
    nearer.cost_s != null && chosen.cost_s != null && nearer.cost_s > chosen.cost_s
      ? t('dearer', { t: duration(nearer.cost_s - chosen.cost_s) })
      : '';
  return (
    <p class="why-not small">
      <strong>{t('whyNotNearer')}</strong>{' '}
      {t('nearerIs', {
        name: nearer.surveyor.name,
        d: distance((chosen.distance_m ?? 0) - (nearer.distance_m ?? 0)),
        why: (nearer.reasons?.length ? nearer.reasons : [nearer.reason ?? '']).map((one) => passedOver(one)).join(t('and')),
      })}
      {later}
    </p>
  );
}
