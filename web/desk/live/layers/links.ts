/** The line from the chosen job to its surveyor, and a surveyor's track. */
import type { Map as GlMap } from 'maplibre-gl';
import { scaled } from '@shared/map/marks';
import type { SurveyorCard, TaskCard } from '@shared/types';
import { EMPTY, pour } from './pour';

type Points = [number, number][];

export function addLinks(map: GlMap, dark: boolean): void {
  const ink = dark ? '#e8eef2' : '#16222b';
  map.addSource('link', { type: 'geojson', data: EMPTY });
  map.addSource('track', { type: 'geojson', data: EMPTY });
  map.addLayer({
    id: 'track',
    type: 'line',
    source: 'track',
    layout: { 'line-cap': 'round', 'line-join': 'round' },
    paint: { 'line-color': dark ? '#79b9f2' : '#00599c', 'line-width': scaled(3.5), 'line-opacity': 0.75 },
  });
  map.addLayer({
    id: 'link',
    type: 'line',
    source: 'link',
    paint: { 'line-color': ink, 'line-width': scaled(2), 'line-dasharray': [2, 1.6] },
  });
}

const line = (points: Points): GeoJSON.FeatureCollection =>
  points.length < 2
    ? EMPTY
    : {
        type: 'FeatureCollection',
        features: [{ type: 'Feature', properties: {}, geometry: { type: 'LineString', coordinates: points } }],
      };

export function drawLink(map: GlMap, job: TaskCard | null, person: SurveyorCard | null): void {
  const whole = job?.lon != null && job.lat != null && person?.position;
  pour(
    map,
    'link',
    whole
      ? line([
          [job.lon as number, job.lat as number],
          [person.position!.lon, person.position!.lat],
        ])
      : EMPTY,
  );
}

export function drawTrack(map: GlMap, points: Points): void {
  pour(map, 'track', line(points));
}
