/** A claim: its head, what may be done, and its four tabs. The live page shows it in a drawer, the claims page whole. */
import { useEffect, useState } from 'preact/hooks';
import { api } from '@shared/api';
import { useLoad } from '@shared/resource';
import { may } from '@shared/session';
import type { ClaimDetail, Id } from '@shared/types';
import { Badge, Button, Loaded, TaskBadge, Tabs } from '@shared/ui';
import { claimState, unassignedReason } from '@shared/words';
import { ASSIGNABLE } from '../live/drag';
import { tasks } from '../store';
import { appointable, AppointDialog } from './appoint';
import { askAssign } from './assign';
import { Decisions } from './decision';
import { ReasonDialog } from './dialogs';
import { Facts } from './facts';
import { Photos } from './photos';
import { PinDialog } from './pin';
import { ReachTab } from './reach';
import { Timeline } from './timeline';
import { t } from './words';

const TABS = ['facts', 'decision', 'reach', 'timeline', 'photos'] as const;
type TabKey = (typeof TABS)[number];
/** Decisions and reach are the dispatcher's and the supervisor's; a seat would only be refused. */
const ONLY: Partial<Record<TabKey, Parameters<typeof may>>> = {
  decision: ['dispatcher', 'supervisor', 'admin'],
  reach: ['dispatcher', 'supervisor'],
};
const tabs = () => TABS.filter((key) => may(...(ONLY[key] ?? [])) || !ONLY[key]);

function Actions({ claim, onChange }: { claim: ClaimDetail; onChange: (after?: ClaimDetail) => void }) {
  const [open, setOpen] = useState<'redispatch' | 'withdraw' | 'pin' | 'appoint' | null>(null);
  const task = claim.task;
  const live = claim.state !== 'withdrawn' && claim.state !== 'approved' && claim.state !== 'closed';
  if (!may('dispatcher', 'seat') || !live || !task) return null;
  // 通赔: who goes is the surveying branch's to decide; a button that is always refused is none.
  const ours = claim.dispatched_here !== false;
  const dispatches = ours && may('dispatcher');
  const job = tasks.value.get(task.id) ?? null;
  const appointed = ours && appointable(claim);
  const holder = task.assignments.some((one) => !one.ended_at);
  const close = () => setOpen(null);
  const done = (after?: ClaimDetail) => {
    close();
    onChange(after);
  };
  return (
    <div class="row wrap claim-actions">
      {dispatches && ASSIGNABLE.has(task.state) && (
        <Button
          kind={task.state === 'unassigned' ? 'primary' : 'plain'}
          icon="user-check"
          hotkey="A"
          data-action="assign"
          onClick={() => askAssign(claim.id, job, null, claim)}
        >
          {holder ? t('reassign') : t('assign')}
        </Button>
      )}
      {dispatches && ASSIGNABLE.has(task.state) && (
        <Button icon="refresh" onClick={() => setOpen('redispatch')}>
          {t('redispatch')}
        </Button>
      )}
      {appointed && (
        <Button icon="calendar" data-action="appoint" onClick={() => setOpen('appoint')}>
          {t(appointed.appointment_at ? 'appointChange' : 'appoint')}
        </Button>
      )}
      <Button icon="pin" kind={claim.loss.position ? 'plain' : 'primary'} onClick={() => setOpen('pin')}>
        {t(claim.loss.position ? 'movePin' : 'pin')}
      </Button>
      <Button icon="ban" kind="danger" onClick={() => setOpen('withdraw')}>
        {t('withdraw')}
      </Button>
      {(open === 'redispatch' || open === 'withdraw') && <ReasonDialog claim={claim} kind={open} onClose={close} onDone={done} />}
      {open === 'appoint' && appointed && <AppointDialog claim={claim} held={appointed} onClose={close} onDone={done} />}
      {open === 'pin' && <PinDialog claim={claim} onClose={close} onDone={done} />}
    </div>
  );
}

function Body({ claim, onChange, turn }: { claim: ClaimDetail; onChange: (after?: ClaimDetail) => void; turn: string }) {
  const [tab, setTab] = useState<TabKey>('facts');
  const task = claim.task;
  return (
    <>
      <div class="claim-head">
        <div class="row wrap">
          <Badge tone="blue">{claimState(claim.state)}</Badge>
          {task && <TaskBadge state={task.state} />}
          {task?.state === 'unassigned' && <span class="warn strong">{unassignedReason(task.unassigned_reason)}</span>}
        </div>
        <p class="claim-place strong">{claim.loss.place ?? ''}</p>
        {claim.dispatched_here === false && (
          <p class="small row">
            <Badge tone="violet">{t('nationwide')}</Badge> {t('surveyedBy', { org: claim.org.name })}
          </p>
        )}
        <Actions claim={claim} onChange={onChange} />
        <Tabs label={claim.report_no} tabs={tabs().map((key) => ({ key, label: t(key) }))} active={tab} onPick={setTab} />
      </div>
      <div class="drawer-body" role="tabpanel" aria-label={t(tab)}>
        {tab === 'facts' && <Facts claim={claim} />}
        {tab === 'decision' && <Decisions claim={claim} turn={turn} />}
        {tab === 'reach' && <ReachTab claim={claim.id} placed={claim.loss.position !== null} />}
        {tab === 'timeline' && <Timeline claim={claim} turn={turn} />}
        {tab === 'photos' && <Photos claim={claim.id} turn={turn} />}
      </div>
    </>
  );
}

const ELSEWHERE_MS = 15_000;

/** Loads the claim and loads again whenever the stream says its job changed. */
export function ClaimView({ id, onLoad }: { id: Id; onLoad?: (claim: ClaimDetail) => void }) {
  const card = [...tasks.value.values()].find((one) => one.claim_id === id);
  const turn = card
    ? JSON.stringify([
        card.state,
        card.offer?.id,
        card.offer?.delivered_at,
        card.surveyor?.id,
        card.appointment_at,
        card.clocks.map((clock) => [clock.state, clock.stopped_at, clock.due_at]),
      ])
    : '';
  const claim = useLoad<ClaimDetail>((signal) => api.get(`/claims/${id}`, {}, { signal }), [id, turn]);
  // Another branch's job has no card here to say that it changed.
  const elsewhere = claim.data?.dispatched_here === false;
  useEffect(() => {
    if (!elsewhere) return;
    const timer = window.setInterval(claim.reload, ELSEWHERE_MS);
    return () => window.clearInterval(timer);
  }, [elsewhere, id]);
  useEffect(() => {
    if (claim.data) onLoad?.(claim.data);
  }, [claim.data]);
  // A deed's own answer is shown at once: until the next load one would act on what was there before it. The load behind
  // it throws away an older question's answer that is still on its way.
  const changed = (after?: ClaimDetail) => {
    if (after) claim.set(after);
    claim.reload();
  };
  return (
    <Loaded of={claim.data && claim.data.id !== id ? { ...claim, data: null } : claim} rows={8}>
      {(data) => <Body key={data.id} claim={data} onChange={changed} turn={turn} />}
    </Loaded>
  );
}
