/** While a job is in the air: the surveyors nearest to it, to drop it on without looking for them on the map. */
import { useState } from 'preact/hooks';
import { distance } from '@shared/format';
import type { SurveyorCard, TaskCard } from '@shared/types';
import { Icon, SurveyorBadge } from '@shared/ui';
import { askAssign } from '../claim/assign';
import { surveyors } from '../store';
import { t } from '../words';
import { dragged, dropped, over } from './drag';

const SHOWN = 12;
const EARTH_M = 6_371_000;
const rad = (deg: number) => (deg * Math.PI) / 180;

/** Metres as the crow flies; good enough to sort by. */
function metres(job: TaskCard, card: SurveyorCard): number | null {
  if (job.lon === null || job.lat === null || !card.position) return null;
  const x = rad(card.position.lon - job.lon) * Math.cos(rad((card.position.lat + job.lat) / 2));
  return Math.hypot(x, rad(card.position.lat - job.lat)) * EARTH_M;
}

function Target({ card, away }: { card: SurveyorCard; away: number | null }) {
  const [lit, setLit] = useState(false);
  return (
    <li
      class={`target ${lit ? 'lit' : ''}`}
      data-drop={card.id}
      onDragOver={(event) => setLit(over(event))}
      onDragLeave={() => setLit(false)}
      onDrop={(event) => {
        const job = dropped(event);
        if (job) askAssign(job.claim_id, job, { id: card.id, name: card.name });
      }}
    >
      <SurveyorBadge state={card.state} />
      <strong class="grow clip">{card.name}</strong>
      <span class="small tabular">
        <Icon name="clipboard" size={13} /> {card.open_jobs}/{card.max_open}
      </span>
      <span class="tabular">{distance(away)}</span>
    </li>
  );
}

export function DropTray() {
  const job = dragged.value;
  if (!job) return null;
  const near = [...surveyors.value.values()]
    .filter((card) => card.on_duty && card.id !== job.surveyor?.id)
    .map((card) => ({ card, away: metres(job, card) }))
    .sort((a, b) => (a.away ?? Infinity) - (b.away ?? Infinity))
    .slice(0, SHOWN);
  return (
    <ul class="drop-tray" aria-label={t('dropHere')}>
      {near.map(({ card, away }) => (
        <Target key={card.id} card={card} away={away} />
      ))}
    </ul>
  );
}
