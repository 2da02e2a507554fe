/** Who can be there in time: rings on the map, and everybody inside them with how sure it is. */
import { useEffect } from 'preact/hooks';
import { now } from '@shared/clock';
import { duration, interval } from '@shared/format';
import { useLoad } from '@shared/resource';
import type { Id, Inside, Reach } from '@shared/types';
import { Badge, EmptyState, Loaded } from '@shared/ui';
import { passedOver } from '@shared/words';
import { loadReach, reach } from '../live/reach';
import { go } from '../route';
import { t } from './words';

const AGAIN_MS = 30_000;
const percent = (share: number) => `${Math.round(share * 100)}%`;

function Row({ one, ring }: { one: Inside; ring: number }) {
  const blocked = one.outcome === 'passed_over' ? one.reason : null;
  return (
    <li>
      <button type="button" class="inside" onClick={() => go('live', 'surveyor', one.surveyor.id)}>
        <strong class="grow clip">{one.surveyor.name}</strong>
        {blocked && <Badge tone="amber">{passedOver(blocked)}</Badge>}
        <span class="muted small tabular" title={t('chanceNote')}>
          {percent(one.chances[ring] ?? 0)}
        </span>
        <span class="inside-eta tabular">
          <strong>{duration(one.eta_s)}</strong>
          <span class="muted small">{interval(one.eta_low_s, one.eta_high_s)}</span>
        </span>
      </button>
    </li>
  );
}

function Rings({ of }: { of: Reach }) {
  const minutes = of.features.map((ring) => ring.properties.minutes);
  // Each person stands in the smallest ring that holds his median time.
  const ringOf = (one: Inside) => minutes.findIndex((limit) => (one.eta_s ?? Infinity) <= limit * 60);
  return (
    <div class="stack">
      <p class="muted small">{of.by === 'straight_line' ? t('reachCircles') : t('reachRoads')}</p>
      {minutes.map((limit, ring) => {
        const people = of.people.filter((one) => ringOf(one) === ring).sort((a, b) => (a.eta_s ?? 0) - (b.eta_s ?? 0));
        return (
          <section key={limit} class="ring">
            <h3>
              {ring === 0 ? t('within', { n: limit }) : t('withinMore', { from: minutes[ring - 1] ?? 0, n: limit })}{' '}
              <span class="count">{people.length}</span>
            </h3>
            {people.length ? (
              <ul class="plain">
                {people.map((one) => (
                  <Row key={one.surveyor.id} one={one} ring={ring} />
                ))}
              </ul>
            ) : (
              <p class="muted small">{t('nobodyWithin')}</p>
            )}
          </section>
        );
      })}
    </div>
  );
}

export function ReachTab({ claim, placed }: { claim: Id; placed: boolean }) {
  const turn = Math.floor(now.value / AGAIN_MS);
  const found = useLoad<Reach | null>((stop) => (placed ? loadReach(claim, stop) : Promise.resolve(null)), [claim, placed, turn]);
  useEffect(() => {
    reach.value = found.data?.claim_id === claim ? found.data : null;
  }, [found.data, claim]);
  // The rings are the map's only while this tab is open.
  useEffect(() => () => void (reach.value = null), []);
  if (!placed) return <EmptyState icon="pin" title={t('reachNoPlace')} />;
  return <Loaded of={found}>{(data) => data && <Rings of={data} />}</Loaded>;
}
