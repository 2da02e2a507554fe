/** Jobs on the map: a pin whose shape and colour say how the clock stands, with the minutes left on it. */
import { type GeoJSONSource, type Map as GlMap, MercatorCoordinate } from 'maplibre-gl';
import { LABEL_FONT } from '@shared/map/basemap';
import type { Id, TaskCard } from '@shared/types';
import { leadingClock, urgencyOf } from '@shared/ui';
import { type Cluster, gatherPoints, onSquare, type Point } from './gather';
import type { JobLook } from './shapes';

export const JOB_LAYER = 'job';
export const JOB_CLUSTER = 'job-cluster';
/** How wide a pin is, and how few of them are still shown one by one. */
const PIN_PX = 34;
const LEAST_PINS = 3;

export function addJobs(map: GlMap, dark: boolean): void {
  for (const id of ['jobs', 'job-clusters'])
    map.addSource(id, { type: 'geojson', data: { type: 'FeatureCollection', features: [] } });
  map.addLayer({
    id: JOB_CLUSTER,
    type: 'symbol',
    source: 'job-clusters',
    layout: {
      'icon-image': 'job-many',
      'icon-allow-overlap': true,
      'text-field': ['get', 'label'],
      'text-font': LABEL_FONT,
      'text-size': 12,
      'text-allow-overlap': true,
    },
    paint: { 'text-color': dark ? '#08131a' : '#ffffff' },
  });
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

interface Pin extends Point {
  feature: GeoJSON.Feature;
  calm: boolean;
}
interface Heaps {
  pins: Pin[];
  clusters: Cluster[];
  step: number;
}
const heaps = new WeakMap<GlMap, Heaps>();

export function drawJobs(map: GlMap, cards: Iterable<TaskCard>, nowMs: number): void {
  const pins: Pin[] = [];
  for (const card of cards) {
    if (card.lon === null || card.lat === null) continue;
    const { look, label, order } = lookOf(card, nowMs);
    const properties = { id: card.id, claim: card.claim_id, look, label: label || minutes(card, nowMs), order };
    const geometry: GeoJSON.Point = { type: 'Point', coordinates: [card.lon, card.lat] };
    pins.push({
      id: card.id,
      ...onSquare(card.lon, card.lat),
      calm: look !== 'late' && look !== 'risk',
      feature: { type: 'Feature', geometry, properties },
    });
  }
  const before = heaps.get(map);
  heaps.set(map, { pins, clusters: [], step: -1 });
  arrange(map);
  if (before) return;
  map.on('zoom', () => {
    if (heaps.get(map)?.step !== Math.floor(map.getZoom())) arrange(map);
  });
  // Data given in the middle of a flight may belong to tiles that are dropped at its end: once more when it has landed.
  map.on('moveend', () => arrange(map));
}

/** Jobs that are in time are gathered where their pins would hide each other; one that is at risk or late never is. */
function arrange(map: GlMap): void {
  const crowd = heaps.get(map);
  if (!crowd) return;
  crowd.step = Math.floor(map.getZoom());
  const { singles, clusters } = gatherPoints(
    crowd.pins.filter((pin) => pin.calm),
    crowd.step,
    PIN_PX,
    LEAST_PINS,
  );
  crowd.clusters = clusters;
  const shown = [...singles, ...crowd.pins.filter((pin) => !pin.calm)].map((pin) => pin.feature);
  void map.getSource<GeoJSONSource>('jobs')?.setData({ type: 'FeatureCollection', features: shown });
  const circles = clusters.map(({ x, y, count }, n): GeoJSON.Feature => ({
    type: 'Feature',
    geometry: { type: 'Point', coordinates: new MercatorCoordinate(x, y).toLngLat().toArray() },
    properties: { n, label: String(count) },
  }));
  void map.getSource<GeoJSONSource>('job-clusters')?.setData({ type: 'FeatureCollection', features: circles });
}

export function jobClusterAt(map: GlMap, x: number, y: number): Cluster | null {
  const found = map.getLayer(JOB_CLUSTER) && map.queryRenderedFeatures([x, y], { layers: [JOB_CLUSTER] })[0];
  return (found && heaps.get(map)?.clusters[Number(found.properties.n)]) || null;
}

export function chooseJob(map: GlMap, id: Id | null): void {
  if (map.getLayer('job-chosen')) map.setFilter('job-chosen', ['==', ['get', 'id'], id ?? '']);
}
