/** What a claim is: clocks first, then who, where, what. */
import type { ComponentChildren } from 'preact';
import { clockTime, countdown, dayTime, distance, duration, fullTime, phone } from '@shared/format';
import { secondsUntil } from '@shared/clock';
import { isZh, labels } from '@shared/i18n';
import { may } from '@shared/session';
import type { AssignmentRow, ClaimDetail, Clock, ContactRow, OfferRow } from '@shared/types';
import { Badge, Banner, Countdown, Icon, urgencyOf } from '@shared/ui';
import {
  cause,
  channel,
  clockKind,
  clockState,
  contactResult,
  declineReason,
  duplicateReason,
  itemKind,
  line,
  offerState,
  relation,
  skill,
} from '@shared/words';
import { link } from '../route';
import { t } from './words';

function Fact({ name, children, wide }: { name: string; children: ComponentChildren; wide?: boolean }) {
  return (
    <div class={`fact ${wide ? 'wide' : ''}`}>
      <dt>{name}</dt>
      <dd>{children || '—'}</dd>
    </div>
  );
}

const mark = labels(
  {
    catastrophe: '大灾',
    late_report: '迟报案',
    odd_plate: '车牌存疑',
    odd_phone: '电话存疑',
    odd_vin: '车架号存疑',
    vin_check: '车架号校验位不符',
    call_times_odd: '通话时间存疑',
    backdated: '补录',
  },
  {
    catastrophe: 'Catastrophe',
    late_report: 'Late report',
    odd_plate: 'Odd plate',
    odd_phone: 'Odd phone',
    odd_vin: 'Odd VIN',
    vin_check: 'VIN check digit differs',
    call_times_odd: 'Odd call times',
    backdated: 'Keyed in later',
  },
);

const CLOCK_ORDER = ['dispatch', 'contact', 'arrival', 'assessment'];

function ClockLine({ clock }: { clock: Clock }) {
  const urgency = urgencyOf(clock);
  const left = secondsUntil(clock.due_at);
  const took = clock.stopped_at ? (Date.parse(clock.stopped_at) - Date.parse(clock.start_at)) / 1000 : null;
  const share = took !== null ? Math.min(1, took / clock.limit_s) : Math.min(1, Math.max(0, 1 - left / clock.limit_s));
  return (
    <li class={`clock-line ${urgency}`}>
      <Icon
        name={urgency === 'late' ? 'warning' : urgency === 'done' ? 'check' : urgency === 'paused' ? 'pause' : 'timer'}
        size={15}
      />
      <span class="clock-name">{clockKind(clock.kind)}</span>
      <span class="clock-bar" aria-hidden="true">
        <i style={{ width: `${share * 100}%` }} />
      </span>
      <strong class="tabular">
        {took !== null ? countdown(took) : clock.state === 'paused' ? clockState('paused') : countdown(left)}
      </strong>
      <span class="muted small nowrap">
        {took !== null
          ? `${clockState(clock.breached_at ? 'breached' : clock.state)} · ${clockTime(clock.stopped_at)}`
          : t('due', { t: clockTime(clock.due_at) })}
      </span>
    </li>
  );
}

export function Clocks({ clocks }: { clocks: Clock[] }) {
  if (!clocks.length) return <p class="muted">{t('noClocks')}</p>;
  const sorted = [...clocks].sort((a, b) => CLOCK_ORDER.indexOf(a.kind) - CLOCK_ORDER.indexOf(b.kind));
  return (
    <ul class="clock-lines">
      {sorted.map((clock) => (
        <ClockLine key={clock.kind} clock={clock} />
      ))}
    </ul>
  );
}

const OFFER_LOOK = {
  open: ['violet', 'radio'],
  accepted: ['green', 'check'],
  declined: ['amber', 'hand'],
  expired: ['grey', 'timer'],
  unreached: ['grey', 'signal-off'],
  withdrawn: ['grey', 'undo'],
} as const;

/** Whether his phone got it: who keeps silent is one thing, who could not be reached another. */
/** The customer was really spoken to: a slip of the thumb is no answer. */
const reached = (one: ContactRow) => one.result === 'answered' && !one.marks?.includes('taken_back');

function Reached({ offer }: { offer: OfferRow }) {
  if (offer.delivered_at) return <span class="muted small">{t('offerDelivered', { t: clockTime(offer.delivered_at) })}</span>;
  if (offer.state !== 'open') return null;
  const left = offer.reach_by ? Math.round(secondsUntil(offer.reach_by)) : 0;
  return <span class="warn small">{left > 0 ? t('offerReachBy', { left }) : t('offerNotDelivered')}</span>;
}

function OfferLine({ offer }: { offer: OfferRow }) {
  const [tone, icon] = OFFER_LOOK[offer.state];
  return (
    <li class="row wrap">
      <Badge tone={tone} icon={icon}>
        {offerState(offer.state)}
      </Badge>
      <strong>{offer.surveyor.name}</strong>
      <span class="muted small">{t('offerLine', { distance: distance(offer.distance_m), eta: duration(offer.eta_s) })}</span>
      <Reached offer={offer} />
      {offer.decline_reason && <span class="small">“{declineReason(offer.decline_reason)}”</span>}
      <span class="grow" />
      {offer.state === 'open' ? (
        <Countdown until={offer.expires_at} warnS={20} />
      ) : (
        <span class="muted small">
          {clockTime(offer.made_at)}–{clockTime(offer.settled_at)}
        </span>
      )}
    </li>
  );
}

const END = {
  done: 'end_done',
  reassigned: 'end_reassigned',
  handed_over: 'end_handed_over',
  cancelled: 'end_cancelled',
} as const;

function AssignmentLine({ one }: { one: AssignmentRow }) {
  const steps = (
    [
      ['accepted', one.accepted_at],
      ['contacted', one.contacted_at],
      ['appointed', one.appointment_at],
      ['departed', one.departed_at],
      ['arrived', one.arrived_at],
      ['doneBy', one.completed_at ? null : one.done_by_at],
      ['completed', one.completed_at],
    ] as const
  ).filter(([, at]) => at);
  return (
    <li class="row wrap">
      <Icon name={one.ended_at ? 'user' : 'user-check'} size={15} />
      <strong>{one.surveyor.name}</strong>
      <span class="muted small">{steps.map(([key, at]) => t(key, { t: clockTime(at) })).join(' → ')}</span>
      {one.ended_at && (
        <Badge>
          {t('ended', {
            why: one.end_reason && one.end_reason in END ? t(END[one.end_reason as keyof typeof END]) : (one.end_reason ?? ''),
          })}
        </Badge>
      )}
      {one.reason && <span class="small">“{one.reason}”</span>}
    </li>
  );
}

function Warnings({ claim }: { claim: ClaimDetail }) {
  return (
    <>
      {claim.duplicates.length > 0 && (
        <Banner kind="warning">
          {t('duplicates')}{' '}
          {claim.duplicates.map((one) => (
            <a key={one.claim_id} class="dup" href={link('claims', one.claim_id)}>
              {one.report_no}
              {isZh()
                ? `（${one.reasons.map(duplicateReason).join('、')}）`
                : ` (${one.reasons.map(duplicateReason).join(', ')})`}
            </a>
          ))}
        </Banner>
      )}
      {claim.marks.length > 0 && (
        <p class="row wrap">
          {claim.marks.map((code) => (
            <Badge key={code} tone="amber" icon="flag">
              {mark(code)}
            </Badge>
          ))}
        </p>
      )}
    </>
  );
}

export function Facts({ claim }: { claim: ClaimDetail }) {
  const { loss, reporter, task } = claim;
  const area = typeof claim.area === 'string' ? claim.area : claim.area?.name;
  return (
    <div class="stack">
      <Warnings claim={claim} />
      <Clocks clocks={claim.clocks} />
      {task && (task.offers.length > 0 || task.assignments.length > 0) && (
        <section class="stack tight">
          {task.assignments.length > 0 && (
            <>
              <h3>{t('assignments')}</h3>
              <ul class="lines">
                {task.assignments.map((one) => (
                  <AssignmentLine key={one.id} one={one} />
                ))}
              </ul>
            </>
          )}
          <h3>{t('offers')}</h3>
          {task.offers.length ? (
            <ul class="lines">
              {task.offers.map((offer) => (
                <OfferLine key={offer.id} offer={offer} />
              ))}
            </ul>
          ) : (
            <p class="muted">{t('offersNone')}</p>
          )}
          {task.contacts.length > 0 && (
            <>
              <h3>{t('contacts')}</h3>
              <ul class="lines">
                {task.contacts.map((one, n) => (
                  <li key={n} class="row">
                    <Badge tone={reached(one) ? 'green' : 'grey'} icon={reached(one) ? 'phone-call' : 'phone-off'}>
                      {contactResult(one.result)}
                    </Badge>
                    <span>{channel(one.channel)}</span>
                    {one.marks?.includes('taken_back') && <span class="small">{t('contactTakenBack')}</span>}
                    <span class="muted small">{dayTime(one.at)}</span>
                  </li>
                ))}
              </ul>
            </>
          )}
        </section>
      )}
      <dl class="facts">
        <Fact name={t('reporter')}>
          {[reporter.name, reporter.relation && relation(reporter.relation)].filter(Boolean).join(' · ')}
        </Fact>
        <Fact name={t('phone')}>
          <span class="tabular">{phone(reporter.phone)}</span>
        </Fact>
        <Fact name={t('place')} wide>
          {loss.place}
          {loss.position && (
            <span class="muted small mono">
              {' '}
              {loss.position.lon.toFixed(5)},{loss.position.lat.toFixed(5)}
            </span>
          )}
        </Fact>
        <Fact name={t('line')}>{[line(claim.line), cause(loss.cause)].filter(Boolean).join(' · ')}</Fact>
        <Fact name={t('area')}>{[area, claim.org?.name].filter(Boolean).join(' · ')}</Fact>
        {claim.insuring_org && <Fact name={t('insuringOrg')}>{claim.insuring_org.name}</Fact>}
        <Fact name={t('lossAt')}>{dayTime(loss.at)}</Fact>
        <Fact name={t('reportedAt')}>{fullTime(claim.reported_at)}</Fact>
        <Fact name={t('injured')}>
          {loss.injured ? (
            <Badge tone="red" icon="alert">
              {t('injuredSome', { n: loss.injured })}
            </Badge>
          ) : (
            t('injuredNone')
          )}
        </Fact>
        <Fact name={t('moved')}>
          {[
            loss.movable === null ? '' : t(loss.movable ? 'movable' : 'immovable'),
            loss.scene_left === null ? '' : t(loss.scene_left ? 'sceneLeft' : 'sceneKept'),
          ]
            .filter(Boolean)
            .join(' · ')}
        </Fact>
        {claim.items.map((item, n) => (
          <Fact key={n} name={itemKind(item.kind)}>
            {[item.plate, item.vin, item.description].filter(Boolean).join(' · ')}
          </Fact>
        ))}
        <Fact name={t('policy')}>{claim.policy_no}</Fact>
        {claim.external_no && <Fact name={t('externalNo')}>{claim.external_no}</Fact>}
        <Fact name={t('needs')}>{claim.needs.map(skill).join('、')}</Fact>
        {claim.note && (
          <Fact name={t('note')} wide>
            {claim.note}
          </Fact>
        )}
        {claim.customer_link && may('dispatcher', 'seat', 'supervisor', 'admin') && (
          <Fact name={t('customerLink')}>
            <a href={claim.customer_link} target="_blank" rel="noreferrer">
              {t('openLink')} <Icon name="external" size={13} />
            </a>
          </Fact>
        )}
      </dl>
    </div>
  );
}
