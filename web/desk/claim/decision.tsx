/** Why him, and why not the nearer one: each decision with everyone considered, weighed in seconds of waiting. */
import { api } from '@shared/api';
import { clockTimeS, distance, duration, interval } from '@shared/format';
import { useLoad } from '@shared/resource';
import { may } from '@shared/session';
import type { Candidate, ClaimDetail, Decision } from '@shared/types';
import { Badge, Button, EmptyState, type IconName, Loaded, Table, type Tone } from '@shared/ui';
import { clockKind, passedOver, unassignedReason } from '@shared/words';
import { tasks } from '../store';
import { askAssign } from './assign';
import { foreseen } from './events';
import { Bars, compared, NotTheNearer, weighed } from './weighed';
import { provider } from '../provider';
import { t } from './words';

/** When he could be there, and under it the span that holds eight of ten: the drive's, after what he has in hand. */
function Soonest({ of }: { of: Candidate }) {
  const wait = (of.soonest_s ?? of.eta_s ?? 0) - (of.eta_s ?? 0);
  return (
    <>
      {duration(of.soonest_s ?? of.eta_s)}
      {of.eta_low_s != null && of.eta_high_s != null && (
        <div class="muted small">{interval(of.eta_low_s + wait, of.eta_high_s + wait)}</div>
      )}
      {of.free_by && <div class="muted small">{t(`freeBy_${of.free_by}`)}</div>}
    </>
  );
}

const KIND: Record<Decision['kind'], { tone: Tone; icon: IconName; word: Parameters<typeof t>[0] }> = {
  auto: { tone: 'blue', icon: 'activity', word: 'decisionAuto' },
  manual: { tone: 'violet', icon: 'hand', word: 'decisionManual' },
  switch: { tone: 'amber', icon: 'refresh', word: 'decisionSwitch' },
  proposal: { tone: 'amber', icon: 'warning', word: 'decisionProposal' },
};

/** A switch says what was foreseen; a hand its own words; the machine that nobody was there. */
function because(of: Decision): string | null {
  if (of.kind === 'switch' || of.kind === 'proposal')
    return t('foreseenBecause', {
      from: of.facts?.from?.name ?? '',
      why: foreseen(of.facts?.why ?? ''),
      clock: clockKind(of.facts?.clock ?? ''),
      late: duration(of.facts?.late_s),
      gain: duration(of.facts?.gain_s),
    });
  if (of.kind === 'manual') return of.reason && `“${of.reason}”`;
  return of.reason && unassignedReason(of.reason);
}

function Others({ of }: { of: Candidate[] }) {
  return (
    <Table<Candidate>
      caption={t('why')}
      id={(row) => row.surveyor.id}
      rows={of}
      columns={[
        {
          key: 'who',
          head: t('candidate'),
          cell: (row) => <span class={row.outcome === 'chosen' ? 'strong' : ''}>{row.surveyor.name}</span>,
        },
        { key: 'd', head: t('distance'), cell: (row) => distance(row.distance_m), align: 'right' },
        { key: 'eta', head: t('eta'), cell: (row) => <Soonest of={row} />, align: 'right' },
        { key: 'age', head: t('positionAge'), cell: (row) => duration(row.age_s), align: 'right' },
        {
          key: 'why',
          head: t('outcome'),
          cell: (row) =>
            row.outcome === 'chosen' ? (
              <Badge tone="green" icon="check">
                {t('chosen')}
              </Badge>
            ) : (
              (row.reasons?.length ? row.reasons : [row.reason ?? '']).map((one) => passedOver(one)).join(t('and'))
            ),
        },
      ]}
    />
  );
}

function One({ of, claim, newest }: { of: Decision; claim: ClaimDetail; newest: boolean }) {
  const kind = KIND[of.kind];
  const ranked = [...of.candidates].sort((a, b) => (a.rank ?? 999) - (b.rank ?? 999));
  const bars = weighed(ranked).length > 0;
  const shown = new Set(bars ? compared(ranked) : []);
  const others = ranked.filter((one) => !shown.has(one));
  const holder = claim.task?.assignments.find((one) => !one.ended_at)?.surveyor;
  const open = of.kind === 'proposal' && newest && of.chosen && holder?.id === of.facts?.from?.id && may('dispatcher');
  const why = because(of);
  return (
    <section class={`decision ${of.kind}`}>
      <header class="row wrap">
        <Badge tone={kind.tone} icon={kind.icon}>
          {t(kind.word)}
        </Badge>
        <strong>{of.chosen ? of.chosen.name : t('nobody')}</strong>
        <span class="muted small">
          {[of.radius_m && t('radius', { d: distance(of.radius_m) }), provider(of.provider)].filter(Boolean).join(' · ')}
        </span>
        <span class="grow" />
        <span class="muted small">{clockTimeS(of.at)}</span>
      </header>
      {why && <p class="small">{why}</p>}
      {open && (
        <p>
          <Button
            kind="primary"
            icon="user-check"
            data-action="take-proposal"
            onClick={() => askAssign(claim.id, tasks.value.get(claim.task?.id ?? '') ?? null, of.chosen, claim)}
          >
            {t('switchTo', { name: of.chosen?.name ?? '' })}
          </Button>
        </p>
      )}
      <NotTheNearer of={ranked} />
      {bars && <Bars of={ranked} />}
      {others.length > 0 &&
        (bars ? (
          <details class="why-others">
            <summary class="small">{t('others', { n: others.length })}</summary>
            <Others of={others} />
          </details>
        ) : (
          <Others of={others} />
        ))}
    </section>
  );
}

export function Decisions({ claim, turn }: { claim: ClaimDetail; turn: string }) {
  const list = useLoad<{ decisions: Decision[] }>(
    (signal) => api.get(`/claims/${claim.id}/decision`, {}, { signal }),
    [claim.id, turn],
  );
  return (
    <Loaded of={list}>
      {({ decisions }) =>
        decisions.length ? (
          <div class="stack">
            {decisions.map((one, place) => (
              <One key={one.id} of={one} claim={claim} newest={place === 0} />
            ))}
          </div>
        ) : (
          <EmptyState icon="question" title={t('noDecision')}>
            {t('noDecisionNote')}
          </EmptyState>
        )
      }
    </Loaded>
  );
}
