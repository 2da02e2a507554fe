/** After submitting: who is being asked, when he answers, when he rings; from the stream, and by asking while it is young. */
import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { api } from '@shared/api';
import { now } from '@shared/clock';
import type { LonLat } from '@shared/datum';
import { clockTime, distance, duration } from '@shared/format';
import { useLoad } from '@shared/resource';
import type { ClaimDetail, Clock, Id, TaskDetail } from '@shared/types';
import { Banner, Button, ClockBadge, Countdown, Icon, type IconName, leadingClock } from '@shared/ui';
import { duplicateReason, unassignedReason } from '@shared/words';
import { link } from '../route';
import { surveyors, tasks } from '../store';
import { t } from './words';

/** A landline gets no text message. The number may be masked behind its first digits. */
const MOBILE = /^(?:\+?86)?1[3-9]/;
const ASK_EVERY_MS = 1000;
const ASK_FOR_MS = 180_000;

function Step({
  icon,
  done,
  active,
  children,
}: {
  icon: IconName;
  done?: boolean;
  active?: boolean;
  children: preact.ComponentChildren;
}) {
  return (
    <li class={`after-step ${done ? 'done' : ''} ${active ? 'active' : ''}`}>
      <Icon name={done ? 'ok' : icon} size={22} />
      <div class="grow">{children}</div>
    </li>
  );
}

/** What the seat may say into the telephone. */
function sentence(task: TaskDetail | null, contact: Clock | undefined): string {
  const duty = task?.assignments.find((one) => !one.ended_at);
  if (task?.state === 'unassigned') return t('tellDispatcher');
  if (!duty || !contact) return t('tellAsking');
  const eta = task?.offers.find((one) => one.state === 'accepted' && one.surveyor.id === duty.surveyor.id)?.eta_s;
  return eta
    ? t('tellAccepted', { name: duty.surveyor.name, t: clockTime(contact.due_at), eta: duration(eta) })
    : t('tellAcceptedNoEta', { name: duty.surveyor.name, t: clockTime(contact.due_at) });
}

function Steps({ claim }: { claim: ClaimDetail }) {
  const task = claim.task;
  const asked = task?.offers.find((one) => one.state === 'open');
  const duty = task?.assignments.find((one) => !one.ended_at) ?? task?.assignments.at(-1);
  const contact = claim.clocks.find((one) => one.kind === 'contact');
  const lost = task?.offers.filter((one) => ['declined', 'expired', 'unreached'].includes(one.state)).length ?? 0;
  return (
    <ol class="after-steps">
      <Step icon="ok" done>
        <strong>{t('accepted')}</strong> <span class="mono">{claim.report_no}</span>
      </Step>
      {duty ? (
        <Step icon="user-check" done>
          <strong>{t('gone', { name: duty.surveyor.name })}</strong> <span class="muted">{clockTime(duty.accepted_at)}</span>
        </Step>
      ) : asked ? (
        <Step icon="radio" active>
          <strong>{t('askingNow', { name: asked.surveyor.name })}</strong>
          <div class="muted">{t('askingNote', { distance: distance(asked.distance_m), eta: duration(asked.eta_s) })}</div>
          <div class="row">
            {t('answerIn')} <Countdown until={asked.expires_at} warnS={20} />
          </div>
          {!asked.delivered_at && <div class="muted small">{t('notDelivered')}</div>}
          {lost > 0 && <div class="muted small">{t('stillSearching', { n: lost })}</div>}
        </Step>
      ) : task?.state === 'unassigned' ? (
        <Step icon="user-x" active>
          <strong class="warn">{t('toDispatcher', { why: unassignedReason(task.unassigned_reason) })}</strong>
        </Step>
      ) : (
        <Step icon="loader" active>
          <span>{t('notYet')}</span>
        </Step>
      )}
      {duty?.contacted_at ? (
        <Step icon="phone-call" done>
          <strong>{t('rang', { name: duty.surveyor.name, t: clockTime(duty.contacted_at) })}</strong>
        </Step>
      ) : (
        contact && (
          <Step icon="phone" active={Boolean(duty)}>
            <strong>{t('ringBy', { t: clockTime(contact.due_at) })}</strong>{' '}
            <div class="row">
              {t('ringIn')} <ClockBadge clock={contact} short />
            </div>
          </Step>
        )
      )}
    </ol>
  );
}

/** What the map beside it shows: the loss, and the surveyor who is asked or on his way. */
export const seen = signal<{ at: LonLat | null; others: LonLat[] } | null>(null);

export function After({ id, took, onNew }: { id: Id; took: number; onNew: () => void }) {
  const [begun] = useState(() => Date.now());
  const [turn, setTurn] = useState(0);
  const card = [...tasks.value.values()].find((one) => one.claim_id === id);
  const mark = card ? `${card.state} ${card.offer?.id ?? ''} ${card.surveyor?.id ?? ''}` : '';
  const claim = useLoad<ClaimDetail>((signal) => api.get(`/claims/${id}`, {}, { signal, tries: 0 }), [id, mark, turn]);
  const settled = Boolean(claim.data?.task?.assignments.some((one) => one.contacted_at));
  useEffect(() => {
    if (settled) return;
    const timer = setInterval(() => {
      if (Date.now() - begun < ASK_FOR_MS && !document.hidden) setTurn((n) => n + 1);
    }, ASK_EVERY_MS);
    return () => clearInterval(timer);
  }, [settled, begun]);
  void now.value;
  const data = claim.data;
  const who = card?.surveyor ?? card?.offer?.surveyor ?? null;
  const there = who ? surveyors.value.get(who.id)?.position : null;
  useEffect(() => {
    seen.value = { at: data?.loss.position ?? null, others: there ? [{ lon: there.lon, lat: there.lat }] : [] };
    return () => void (seen.value = null);
  }, [data?.loss.position?.lon, data?.loss.position?.lat, there?.lon, there?.lat]);
  return (
    <section class="after panel" aria-live="polite">
      <h2>
        <Icon name="ok" size={20} /> {data ? t('taken', { no: data.report_no }) : t('accepted')}
      </h2>
      <p class="muted small">{t('tookS', { t: duration(took) })}</p>
      {data && data.duplicates.length > 0 && (
        <Banner kind="warning">
          {t('duplicates')}：
          {data.duplicates.map((one) => (
            <a key={one.claim_id} class="dup" href={link('claims', one.claim_id)}>
              {one.report_no}（{one.reasons.map(duplicateReason).join('、')}）
            </a>
          ))}
        </Banner>
      )}
      {data ? <Steps claim={data} /> : <p class="muted">{t('notYet')}</p>}
      {data && (
        <div class="say">
          <span class="muted small">{t('tell')}</span>
          <p>
            {sentence(data.task, data.clocks.find((one) => one.kind === 'contact') ?? leadingClock(data.clocks) ?? undefined)}
          </p>
          {MOBILE.test(data.reporter.phone ?? '') && (
            <p class="muted small">
              <Icon name="message" size={14} /> {t('smsFollows')}
            </p>
          )}
        </div>
      )}
      <div class="row wrap">
        <Button kind="primary" icon="plus" hotkey="N" onClick={onNew} autofocus>
          {t('newReport')}
        </Button>
        <a class="button" href={link('claims', id)}>
          {t('openClaim')}
        </a>
      </div>
    </section>
  );
}
