/** Giving a job to somebody by hand: soonest first, with a reason, and with an undo. */
import { signal } from '@preact/signals';
import { Fragment } from 'preact';
import { useState } from 'preact/hooks';
import { api, newKey } from '@shared/api';
import { distance, duration, interval } from '@shared/format';
import { useLoad } from '@shared/resource';
import type { ClaimDetail, Id, Named, Near, Page, TaskCard } from '@shared/types';
import { Badge, Button, Choose, Dialog, EmptyState, Field, Loaded, tell, tellError } from '@shared/ui';
import { common, passedOver } from '@shared/words';
import { ageOf, surveyors } from '../store';
import { provider } from '../provider';
import { t } from './words';

interface Asked {
  claim: Id;
  reportNo: string;
  place: { lon: number; lat: number } | null;
  needs: string[];
  /** Who held the job when the dispatcher looked; the server refuses when that is no longer so. */
  holder: Named | null;
  to: Named | null;
}
const asked = signal<Asked | null>(null);

/** Opens the dialog for a job; `to` is already chosen when the job was dropped on somebody. */
export function askAssign(claim: Id, job: TaskCard | null, to: Named | null, detail?: ClaimDetail): void {
  const where = detail?.loss.position ?? (job?.lon != null && job.lat != null ? { lon: job.lon, lat: job.lat } : null);
  const holder = job?.surveyor ?? detail?.task?.assignments.find((one) => !one.ended_at)?.surveyor ?? null;
  asked.value = {
    claim,
    reportNo: job?.report_no ?? detail?.report_no ?? '',
    place: where,
    needs: detail?.needs ?? [],
    holder,
    to,
  };
}

const REASONS = ['closer', 'skill', 'customer', 'workload', 'no_answer', 'other'] as const;
type Reason = (typeof REASONS)[number];
const NEAR_LIMIT = 12;

/** He comes only after what he has in hand: the drive alone would flatter him. */
const busyFirst = (near: Near) => near.eta_s !== null && (near.soonest_s ?? 0) - near.eta_s >= 60;

/** Not heard of for longer than this, by the desk's own list of names; beside a place the server says who is stale. */
const SILENT_S = 120;
const silent = (age_s: number | null) => age_s === null || age_s > SILENT_S;
const isSilent = (near: Near) => (near.reasons ? near.reasons.includes('stale') : silent(near.age_s));

/** People on duty by name, for a claim that nobody could place yet. */
function byName(): Near[] {
  return [...surveyors.peek().values()]
    .filter((card) => card.on_duty)
    .sort((a, b) => Number(silent(ageOf(a))) - Number(silent(ageOf(b))) || a.name.localeCompare(b.name, 'zh'))
    .map((card) => ({
      surveyor: { id: card.id, name: card.name },
      distance_m: null,
      eta_s: null,
      age_s: ageOf(card),
      reason: null,
      open_jobs: card.open_jobs,
    }));
}

async function candidates(of: Asked, stop: AbortSignal): Promise<Near[]> {
  const found = of.place
    ? (
        await api.get<Page<Near>>(
          '/nearest',
          {
            lon: of.place.lon,
            lat: of.place.lat,
            needs: of.needs.join(','),
            limit: NEAR_LIMIT,
            ...(of.to ? { surveyor: of.to.id } : {}),
          },
          { signal: stop },
        )
      ).items
    : byName();
  const list = found.filter((one) => one.surveyor.id !== of.holder?.id);
  if (!of.to || list.some((one) => one.surveyor.id === of.to?.id)) return list;
  return [{ surveyor: of.to, distance_m: null, eta_s: null, age_s: null, reason: null }, ...list];
}

/** The long silent stand below a line that says why: their times are guesses. */
function People({ people, to, onPick }: { people: Near[]; to: Named | null; onPick: (who: Named) => void }) {
  const from = people.findIndex(isSilent);
  return (
    <div class="nears">
      {people.map((near, n) => (
        <Fragment key={near.surveyor.id}>
          {n === from && <p class="near-silent small">{t('silentBelow')}</p>}
          <Person
            near={near}
            first={to ? to.id === near.surveyor.id : n === 0}
            chosen={to?.id === near.surveyor.id}
            onPick={() => onPick(near.surveyor)}
          />
        </Fragment>
      ))}
    </div>
  );
}

function Person({ near, chosen, first, onPick }: { near: Near; chosen: boolean; first: boolean; onPick: () => void }) {
  const card = surveyors.value.get(near.surveyor.id);
  const blocked = near.outcome === 'passed_over' ? near.reason : null;
  return (
    <label class={`near ${chosen ? 'on' : ''}`}>
      <input
        type="radio"
        name="whom"
        checked={chosen}
        onChange={onPick}
        ref={(box) => {
          if (first && box && !box.form?.contains(document.activeElement)) box.focus();
        }}
      />
      <strong class="grow clip">{near.surveyor.name}</strong>
      {blocked && (
        <Badge tone="amber" icon="warning" title={t('overrideNote')}>
          {passedOver(blocked)}
        </Badge>
      )}
      {near.borrowed && <Badge icon="users">{t('borrowed')}</Badge>}
      {card && (
        <span class="muted small tabular">
          {card.open_jobs}/{card.max_open}
        </span>
      )}
      {near.age_s !== null && (
        <span class={`small ${isSilent(near) ? 'near-old' : 'muted'}`}>{t('age', { t: duration(near.age_s) })}</span>
      )}
      <span class="tabular near-d">{distance(near.distance_m)}</span>
      <span class="tabular near-d near-eta">
        <strong>{duration(near.soonest_s ?? near.eta_s)}</strong>
        {busyFirst(near) ? (
          <span class="muted small">{t('afterJobs', { t: duration(near.eta_s) })}</span>
        ) : (
          near.eta_low_s != null && (
            <span class="muted small" title={near.eta_by ? provider(near.eta_by) : undefined}>
              {interval(near.eta_low_s, near.eta_high_s)}
            </span>
          )
        )}
      </span>
    </label>
  );
}

/** Takes the last assignment back: to the one who had it, or to dispatch when nobody did. */
function undo(claim: Id, before: Named | null, after: Named): void {
  const back = before
    ? api.post(`/claims/${claim}/assign`, { surveyor_id: before.id, replaces: after.id, reason: t('undoReason') })
    : api.post(`/claims/${claim}/redispatch`, { reason: t('undoReason') });
  back.then(() => tell('ok', t('undone')), tellError);
}

function AssignForm({ of, onDone }: { of: Asked; onDone: () => void }) {
  const [to, setTo] = useState<Named | null>(of.to);
  const [reason, setReason] = useState<Reason>(of.holder ? 'no_answer' : 'closer');
  const [words, setWords] = useState('');
  const [busy, setBusy] = useState(false);
  // One key for this dialog and this choice: a nervous second press, or a retry after a dropped answer, assigns once.
  const [keys] = useState(() => new Map<string, string>());
  const list = useLoad((stop) => candidates(of, stop), [of]);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!to) return tell('warning', t('pickFirst'));
    const body = {
      surveyor_id: to.id,
      replaces: of.holder?.id ?? null,
      reason: [t(`reason_${reason}`), words.trim()].filter(Boolean).join('：'),
    };
    const mark = JSON.stringify(body);
    if (!keys.has(mark)) keys.set(mark, newKey());
    setBusy(true);
    try {
      await api.post(`/claims/${of.claim}/assign`, body, { key: keys.get(mark) ?? newKey() });
      onDone();
      tell('ok', t('assigned', { name: to.name }), {
        action: { label: common('undo'), run: () => undo(of.claim, of.holder, to) },
        seconds: 12,
      });
    } catch (error) {
      tellError(error);
      setBusy(false);
    }
  };
  return (
    <Dialog
      wide
      title={t(of.holder ? 'reassignTitle' : 'assignTitle', { no: of.reportNo })}
      onClose={onDone}
      actions={
        <>
          <Button onClick={onDone}>{common('cancel')}</Button>
          <Button kind="primary" icon="user-check" type="submit" form="assign" busy={busy} disabled={!to}>
            {to ? t('assignGo', { name: to.name }) : t('pickFirst')}
          </Button>
        </>
      }
    >
      <form id="assign" class="stack" onSubmit={submit}>
        <p class="muted small">
          {of.place ? t('nearest') : t('noPositionList')}
          {list.data?.[0]?.eta_by && <> · {t('timesBy', { by: provider(list.data[0].eta_by) })}</>}
        </p>
        <Loaded of={list}>
          {(people) =>
            people.length ? (
              <People people={people} to={to} onPick={setTo} />
            ) : (
              <EmptyState icon="user-x" title={t('noCandidates')} />
            )
          }
        </Loaded>
        <Choose
          label={t('reasonWhy')}
          value={reason}
          choices={REASONS.map((value) => ({ value, label: t(`reason_${value}`) }))}
          onPick={setReason}
        />
        <Field
          label={t('reasonText')}
          value={words}
          maxLength={200}
          required={reason === 'other'}
          onInput={(event) => setWords(event.currentTarget.value)}
        />
      </form>
    </Dialog>
  );
}

/** Put once on the desk. */
export function AssignDialog() {
  const of = asked.value;
  return of && <AssignForm key={of.claim} of={of} onDone={() => void (asked.value = null)} />;
}
