/** The way of a surveyor's day: a line through his visits, numbered in order. */
import type { Map as GlMap } from 'maplibre-gl';
import { scaled } from '@shared/map/marks';
import type { DayPlan } from '@shared/types';
import { EMPTY, pour } from './pour';
import { picture } from './shapes';

const MOST = 20;

export function addDay(map: GlMap, dark: boolean): void {
  const ink = dark ? '#79b9f2' : '#00599c';
  for (let n = 1; n <= MOST; n += 1)
    picture(map, `visit-${n}`, 26, (pen, size) => {
      const c = size / 2;
      pen.beginPath();
      pen.arc(c, c, 10.5, 0, 7);
      pen.fillStyle = ink;
      pen.fill();
      pen.lineWidth = 2;
      pen.strokeStyle = dark ? '#10171c' : '#ffffff';
      pen.stroke();
      pen.fillStyle = dark ? '#06272c' : '#ffffff';
      pen.font = '700 12px system-ui, sans-serif';
      pen.textAlign = 'center';
      pen.textBaseline = 'middle';
      pen.fillText(String(n), c, c + 0.5);
    });
  map.addSource('day', { type: 'geojson', data: EMPTY });
  map.addLayer({
    id: 'day-line',
    type: 'line',
    source: 'day',
    filter: ['==', ['geometry-type'], 'LineString'],
    layout: { 'line-cap': 'round', 'line-join': 'round' },
    paint: { 'line-color': ink, 'line-width': scaled(3), 'line-opacity': 0.55 },
  });
}

/** The numbers lie above everything: add them last. */
export function addDayNumbers(map: GlMap): void {
  map.addLayer({
    id: 'day-number',
    type: 'symbol',
    source: 'day',
    filter: ['==', ['geometry-type'], 'Point'],
    layout: {
      'icon-image': ['concat', 'visit-', ['get', 'n']],
      'icon-size': scaled(1),
      'icon-offset': [0, 16],
      'icon-allow-overlap': true,
    },
  });
}

export function drawDay(map: GlMap, plan: DayPlan | null): void {
  const placed = (plan?.visits ?? []).filter((visit) => visit.position !== null).slice(0, MOST);
  if (!plan || !placed.length) return pour(map, 'day', EMPTY);
  const stops = placed.map((visit) => [visit.position!.lon, visit.position!.lat] as [number, number]);
  const way = plan.start ? [[plan.start.lon, plan.start.lat] as [number, number], ...stops] : stops;
  const features: GeoJSON.Feature[] = stops.map((at, n) => ({
    type: 'Feature',
    properties: { n: n + 1 },
    geometry: { type: 'Point', coordinates: at },
  }));
  if (way.length > 1) features.unshift({ type: 'Feature', properties: {}, geometry: { type: 'LineString', coordinates: way } });
  pour(map, 'day', { type: 'FeatureCollection', features });
}
