/** Jobs on the map: a pin whose shape and colour say how the clock stands, with the minutes left on it. */
import type { GeoJSONSource, Map as GlMap } from 'maplibre-gl';
import { LABEL_FONT } from '@shared/map/basemap';
import type { Id, TaskCard } from '@shared/types';
import { leadingClock, urgencyOf } from '@shared/ui';
import type { JobLook } from './shapes';

export const JOB_LAYER = 'job';

export function addJobs(map: GlMap, dark: boolean): void {
  map.addSource('jobs', { type: 'geojson', data: { type: 'FeatureCollection', features: [] } });
  map.addLayer({
    id: 'job-chosen',
    type: 'circle',
    source: 'jobs',
    filter: ['==', ['get', 'id'], ''],
    paint: {
      'circle-radius': 24,
      'circle-translate': [0, -22],
      'circle-color': dark ? '#e8eef2' : '#16222b',
      'circle-opacity': 0.22,
      'circle-stroke-width': 2.5,
      'circle-stroke-color': dark ? '#e8eef2' : '#16222b',
    },
  });
  map.addLayer({
    id: JOB_LAYER,
    type: 'symbol',
    source: 'jobs',
    layout: {
      'icon-image': ['concat', 'job-', ['get', 'look']],
      'icon-anchor': 'bottom',
      'icon-offset': [0, 5],
      'icon-allow-overlap': true,
      'symbol-sort-key': ['get', 'order'],
      'text-field': ['get', 'label'],
      'text-font': LABEL_FONT,
      'text-size': 13,
      'text-offset': [0, -1.85],
      'text-allow-overlap': true,
    },
    paint: { 'text-color': dark ? '#08131a' : '#ffffff' },
  });
}

function lookOf(card: TaskCard, nowMs: number): { look: JobLook; label: string; order: number } {
  const clock = leadingClock(card.clocks);
  if (card.state === 'unassigned') return { look: 'late', label: '!', order: 9 };
  // Handed in: nobody is on the way any more, so it keeps quiet on the map.
  if (card.state === 'submitted') return { look: 'done', label: ' ', order: 0 };
  if (!clock) return { look: 'none', label: '·', order: 1 };
  const look = urgencyOf(clock, nowMs);
  return { look, label: '', order: look === 'late' ? 8 : look === 'risk' ? 6 : 4 };
}

function minutes(card: TaskCard, nowMs: number): string {
  const clock = leadingClock(card.clocks);
  if (!clock) return '';
  const left = (Date.parse(clock.due_at) - nowMs) / 60_000;
  const whole = Math.trunc(left);
  if (Math.abs(whole) > 99) return `${left < 0 ? '−' : ''}${Math.round(Math.abs(left) / 60)}h`;
  return whole < 0 ? `−${-whole}` : String(Math.abs(whole));
}

export function drawJobs(map: GlMap, cards: Iterable<TaskCard>, nowMs: number): void {
  const features: GeoJSON.Feature[] = [];
  for (const card of cards) {
    if (card.lon === null || card.lat === null) continue;
    const { look, label, order } = lookOf(card, nowMs);
    features.push({
      type: 'Feature',
      geometry: { type: 'Point', coordinates: [card.lon, card.lat] },
      properties: { id: card.id, claim: card.claim_id, look, label: label || minutes(card, nowMs), order },
    });
  }
  void map.getSource<GeoJSONSource>('jobs')?.setData({ type: 'FeatureCollection', features });
}

export function chooseJob(map: GlMap, id: Id | null): void {
  if (map.getLayer('job-chosen')) map.setFilter('job-chosen', ['==', ['get', 'id'], id ?? '']);
}
