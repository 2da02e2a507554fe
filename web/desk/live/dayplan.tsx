/** The rest of a surveyor's day: a strip along the hours, and the visits in order. */
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api } from '@shared/api';
import { clockTime, duration } from '@shared/format';
import { useLoad } from '@shared/resource';
import type { DayPlan, DayVisit, Id } from '@shared/types';
import { Badge, Icon, Loaded } from '@shared/ui';
import { cause, leftReason } from '@shared/words';
import { go } from '../route';
import { t } from '../planning/words';

/** The plan the map draws. */
export const shownDay = signal<DayPlan | null>(null);

const at = (instant: string) => Date.parse(instant);

/** Hours from left to right: drives thin, visits broad, appointments with their pin. */
function Strip({ plan }: { plan: DayPlan }) {
  const first = Math.min(at(plan.from), ...plan.visits.map((visit) => at(visit.arrive_at)));
  const last = Math.max(at(plan.from) + 3_600_000, ...plan.visits.map((visit) => at(visit.end_at)));
  const share = (ms: number) => Math.max(0, Math.min(100, ((ms - first) / (last - first)) * 100));
  const stepH = Math.max(1, Math.ceil((last - first) / 3_600_000 / 6));
  const hours: number[] = [];
  for (let ms = Math.ceil(first / 3_600_000) * 3_600_000; ms < last; ms += stepH * 3_600_000) hours.push(ms);
  return (
    <div class="day-strip" role="img" aria-label={plan.visits.map((v, n) => `${n + 1} ${clockTime(v.begin_at)}`).join(', ')}>
      <div class="day-hours">
        {hours.map((ms) => (
          <i key={ms} style={{ left: `${share(ms)}%` }}>
            {clockTime(ms)}
          </i>
        ))}
      </div>
      <div class="day-line">
        {plan.visits.map((visit, n) => (
          <Piece key={visit.task_id} visit={visit} n={n + 1} share={share} />
        ))}
      </div>
    </div>
  );
}

function Piece({ visit, n, share }: { visit: DayVisit; n: number; share: (ms: number) => number }) {
  const left = (ms: number) => `${share(ms)}%`;
  const arrive = at(visit.arrive_at);
  const width = (a: number, b: number) => `${Math.max(0.4, share(b) - share(a))}%`;
  const leave = arrive - visit.drive_s * 1000;
  return (
    <>
      {visit.drive_s > 0 && <span class="drive" style={{ left: left(leave), width: width(leave, arrive) }} />}
      {visit.wait_s > 60 && <span class="spare" style={{ left: left(arrive), width: width(arrive, at(visit.begin_at)) }} />}
      <span
        class={`visit ${visit.pinned ? 'pinned' : ''} ${visit.late_s > 0 ? 'late' : ''}`}
        style={{ left: left(at(visit.begin_at)), width: width(at(visit.begin_at), at(visit.end_at)) }}
        title={`${clockTime(visit.begin_at)}–${clockTime(visit.end_at)} ${visit.place ?? ''}`}
      >
        {n}
      </span>
    </>
  );
}

function Visit({ visit, n }: { visit: DayVisit; n: number }) {
  return (
    <li class="day-visit" data-testid="day-visit" onClick={() => go('live', 'claim', visit.claim_id)}>
      <b class="day-n">{n}</b>
      <div class="grow">
        <div class="row">
          <strong class="tabular">{clockTime(visit.begin_at)}</strong>
          <span class="muted small tabular">– {clockTime(visit.end_at)}</span>
          {visit.in_hand && (
            <Badge tone="blue" icon="car">
              {t('inHand')}
            </Badge>
          )}
          {visit.pinned && (
            <Badge tone="violet" icon="pin-fixed">
              {t('pinned')}
            </Badge>
          )}
          {visit.late_s > 0 && (
            <Badge tone="red" icon="timer">
              {t('late', { t: duration(visit.late_s) })}
            </Badge>
          )}
        </div>
        <span class="clip">{visit.place ?? visit.report_no}</span>
        <span class="muted small">
          {visit.drive_s > 0 && t('drive', { t: duration(visit.drive_s) })}
          {visit.wait_s > 60 && ` · ${t('spare', { t: duration(visit.wait_s) })}`} · <span class="mono">{visit.report_no}</span> ·{' '}
          {cause(visit.cause)}
        </span>
      </div>
    </li>
  );
}

function Shown({ plan }: { plan: DayPlan }) {
  return (
    <>
      <p class="muted small">
        {[
          plan.visits.length > 0 && t('dayDrive', { t: duration(plan.drive_s) }),
          plan.over_shift ? t('dayOver') : t('dayUntil', { t: clockTime(plan.until) }),
        ]
          .filter(Boolean)
          .join(' · ')}
      </p>
      {plan.visits.length > 0 && <Strip plan={plan} />}
      {!plan.visits.length && !plan.left.length && <p class="muted">{t('dayNone')}</p>}
      <ol class="day-list">
        {plan.visits.map((visit, n) => (
          <Visit key={visit.task_id} visit={visit} n={n + 1} />
        ))}
      </ol>
      {plan.left.length > 0 && (
        <div class="day-left" role="status">
          <h4>
            <Icon name="alert" size={15} /> {t('leftTitle')}
          </h4>
          <ul>
            {plan.left.map((one) => (
              <li key={one.task_id}>
                <a href={`#/live/claim/${one.claim_id}`}>{one.place ?? one.report_no}</a>
                <span class="small">
                  {leftReason(one.reason)}
                  {one.against && ` (${one.against.place ?? one.against.report_no})`}
                </span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}

/** `turn` changes when his jobs change: the day is planned again. */
export function DayOf({ id, turn }: { id: Id; turn: string }) {
  const plan = useLoad((signal) => api.get<DayPlan>(`/surveyors/${id}/day`, undefined, { signal }), [id, turn]);
  useEffect(() => {
    shownDay.value = plan.data;
    return () => void (shownDay.value = null);
  }, [plan.data]);
  return (
    <section class="day-plan" aria-label={t('dayPlan')} data-testid="day-plan">
      <h3>{t('dayPlan')}</h3>
      <Loaded of={plan} rows={3}>
        {(found) => <Shown plan={found} />}
      </Loaded>
    </section>
  );
}
