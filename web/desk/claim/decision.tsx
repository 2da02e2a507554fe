/** Why him: each decision with everyone considered, and why each other was passed over. */
import { api } from '@shared/api';
import { clockTimeS, distance, duration, interval } from '@shared/format';
import { useLoad } from '@shared/resource';
import type { Candidate, Decision, Id } from '@shared/types';
import { Badge, EmptyState, Loaded, Table } from '@shared/ui';
import { passedOver } from '@shared/words';
import { t } from './words';

const PROVIDERS: Record<string, string> = { osrm: 'OSRM', valhalla: 'Valhalla' };
const provider = (name: string) =>
  name === 'straight_line' || name === 'roads' || name === 'amap' ? t(`provider_${name}`) : (PROVIDERS[name] ?? name);

/** The median, and under it the span that holds eight of ten. */
function Drive({ of }: { of: Candidate }) {
  return (
    <>
      {duration(of.eta_s)}
      {of.eta_low_s != null && <div class="muted small">{interval(of.eta_low_s, of.eta_high_s)}</div>}
    </>
  );
}

function One({ of }: { of: Decision }) {
  return (
    <section class="decision">
      <header class="row wrap">
        <Badge tone={of.kind === 'auto' ? 'blue' : 'violet'} icon={of.kind === 'auto' ? 'activity' : 'hand'}>
          {of.kind === 'auto' ? t('decisionAuto') : t('decisionManual')}
        </Badge>
        <strong>{of.chosen ? of.chosen.name : t('nobody')}</strong>
        <span class="muted small">
          {[of.radius_m && t('radius', { d: distance(of.radius_m) }), provider(of.provider)].filter(Boolean).join(' · ')}
        </span>
        <span class="grow" />
        <span class="muted small">{clockTimeS(of.at)}</span>
      </header>
      {of.reason && <p class="small">“{of.reason}”</p>}
      <Table<Candidate>
        caption={t('why')}
        id={(row) => row.surveyor.id}
        rows={[...of.candidates].sort((a, b) => (a.rank ?? 999) - (b.rank ?? 999))}
        columns={[
          { key: 'n', head: '#', cell: (row) => row.rank ?? '', align: 'right' },
          {
            key: 'who',
            head: t('candidate'),
            cell: (row) => <span class={row.outcome === 'chosen' ? 'strong' : ''}>{row.surveyor.name}</span>,
          },
          { key: 'd', head: t('distance'), cell: (row) => distance(row.distance_m), align: 'right' },
          { key: 'eta', head: t('eta'), cell: (row) => <Drive of={row} />, align: 'right' },
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
                <Badge>{passedOver(row.reason)}</Badge>
              ),
          },
        ]}
      />
    </section>
  );
}

export function Decisions({ claim, turn }: { claim: Id; turn: string }) {
  const list = useLoad<{ decisions: Decision[] }>(
    (signal) => api.get(`/claims/${claim}/decision`, {}, { signal }),
    [claim, turn],
  );
  return (
    <Loaded of={list}>
      {({ decisions }) =>
        decisions.length ? (
          <div class="stack">
            {decisions.map((one) => (
              <One key={one.id} of={one} />
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
