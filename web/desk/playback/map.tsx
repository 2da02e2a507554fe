/** The map of a moment that is over: the same marks as live, drawn from the film. */
import { effect } from '@preact/signals';
import { LngLatBounds, type Map as GlMap } from 'maplibre-gl';
import { useRef } from 'preact/hooks';
import MapView from '@shared/map';
import { dark } from '@shared/theme';
import type { MapInfo } from '@shared/types';
import { Button } from '@shared/ui';
import { addJobs, drawJobs, JOB_LAYER } from '../live/layers/jobs';
import { addSurveyors, drawSurveyors } from '../live/layers/surveyors';
import { Legend } from '../live/legend';
import { at, jobs, people } from './play';
import { t } from './words';

function draw(map: GlMap): void {
  if (!map.getLayer(JOB_LAYER)) return;
  drawSurveyors(
    map,
    [...people.peek().values()].filter((card) => card.on_duty),
    at.peek(),
  );
  drawJobs(map, jobs.peek().values(), at.peek());
}

function fitAll(map: GlMap): void {
  const bounds = new LngLatBounds();
  for (const card of people.peek().values()) if (card.position) bounds.extend([card.position.lon, card.position.lat]);
  for (const card of jobs.peek().values()) if (card.lon !== null && card.lat !== null) bounds.extend([card.lon, card.lat]);
  if (!bounds.isEmpty()) map.fitBounds(bounds, { padding: 60, maxZoom: 15, duration: 400 });
}

export default function PlayMap({ info }: { info: MapInfo }) {
  const map = useRef<GlMap | null>(null);
  return (
    <div class="live-map">
      <MapView
        info={info}
        label={t('mapLabel')}
        ownKeys
        onMap={(made) => {
          map.current = made;
          let frame = 0;
          const stop = effect(() => {
            void [people.value, jobs.value, at.value];
            frame ||= requestAnimationFrame(() => {
              frame = 0;
              draw(made);
            });
          });
          return () => {
            stop();
            cancelAnimationFrame(frame);
          };
        }}
        onStyle={(made) => {
          addSurveyors(made, dark.peek());
          addJobs(made, dark.peek());
          draw(made);
        }}
      />
      <div class="map-tools">
        <Button icon="maximize" size="small" onClick={() => map.current && fitAll(map.current)}>
          {t('fit')}
        </Button>
      </div>
      <Legend />
    </div>
  );
}
