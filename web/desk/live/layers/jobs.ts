/** Jobs on the map: a pin whose shape and colour say how the clock stands, with the minutes left on it. */
import { type Map as GlMap, MercatorCoordinate } from 'maplibre-gl';
import { scaled } from '@shared/map/marks';
import type { Id, TaskCard } from '@shared/types';
import { leadingClock, urgencyOf } from '@shared/ui';
import { type Cluster, gatherPoints, onSquare, type Point } from './gather';
import { EMPTY, pourPoint } from './pour';
import type { JobLook } from './shapes';
import { SpriteLayer } from './sprites';

export const JOB_LAYER = 'job';
/** How wide a pin is, and how few of them are still shown one by one. */
const PIN_PX = 34;
const LEAST_PINS = 3;

interface Pin extends Point {
  claim: Id;
  look: JobLook;
  label: string;
  order: number;
}
interface Heaps {
  layer: SpriteLayer;
  pins: Pin[];
  /** What stands on the map, undermost first: circles of many, then pins. */
  clusters: Cluster[];
  shown: Pin[];
  step: number;
  chosen: Id | null;
}
const heaps = new WeakMap<GlMap, Heaps>();

export function addJobs(map: GlMap, dark: boolean): void {
  const ink = dark ? '#e8eef2' : '#16222b';
  map.addSource('job-chosen', { type: 'geojson', data: EMPTY });
  map.addLayer({
    id: 'job-chosen',
    type: 'circle',
    source: 'job-chosen',
    paint: {
      'circle-radius': scaled(24),
      'circle-translate': [0, scaled(-22)],
      'circle-color': ink,
      'circle-opacity': 0.22,
      'circle-stroke-width': 2.5,
      'circle-stroke-color': ink,
    },
  });
  const layer = new SpriteLayer(JOB_LAYER, dark);
  map.addLayer(layer);
  const before = heaps.get(map);
  heaps.set(map, { pins: [], clusters: [], shown: [], chosen: null, ...before, layer, step: -1 });
  if (before) return;
  map.on('zoom', () => {
    const crowd = heaps.get(map);
    if (crowd && crowd.step !== Math.floor(map.getZoom())) arrange(map, crowd);
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
  const crowd = heaps.get(map);
  if (!crowd) return;
  crowd.pins = [];
  for (const card of cards) {
    if (card.lon === null || card.lat === null) continue;
    const { look, label, order } = lookOf(card, nowMs);
    const { id, claim_id: claim } = card;
    crowd.pins.push({ id, claim, ...onSquare(card.lon, card.lat), look, label: label || minutes(card, nowMs), order });
  }
  arrange(map, crowd);
}

/** Jobs that are in time are gathered where their pins would hide each other; one that is at risk or late never is. */
function arrange(map: GlMap, crowd: Heaps): void {
  crowd.step = Math.floor(map.getZoom());
  const calm = (pin: Pin) => pin.look !== 'late' && pin.look !== 'risk';
  const { singles, clusters } = gatherPoints(crowd.pins.filter(calm), crowd.step, scaled(PIN_PX), LEAST_PINS);
  crowd.clusters = clusters;
  crowd.shown = [...singles, ...crowd.pins.filter((pin) => !calm(pin))].sort((a, b) => a.order - b.order);
  crowd.layer.show([
    ...clusters.map(({ x, y, count }) => ({ x, y, picture: 'job-many', label: String(count) })),
    ...crowd.shown.map(({ x, y, look, label }) => ({ x, y, picture: `job-${look}`, label })),
  ]);
  ringChosen(map, crowd);
}

/** The pin or the pile of pins under a point of the screen. */
function at(map: GlMap, x: number, y: number): { pin?: Pin; pile?: Cluster } {
  const crowd = heaps.get(map);
  const n = crowd ? crowd.layer.under(x, y) : -1;
  if (!crowd || n < 0) return {};
  const pile = crowd.clusters[n];
  const pin = crowd.shown[n - crowd.clusters.length];
  return { ...(pile && { pile }), ...(pin && { pin }) };
}

/** The claim whose pin lies under a point of the screen. */
export const claimAt = (map: GlMap, x: number, y: number): Id | null => at(map, x, y).pin?.claim ?? null;
export const jobClusterAt = (map: GlMap, x: number, y: number): Cluster | null => at(map, x, y).pile ?? null;

function ringChosen(map: GlMap, crowd: Heaps): void {
  const pin = crowd.chosen ? crowd.shown.find((one) => one.id === crowd.chosen) : undefined;
  pourPoint(map, 'job-chosen', pin ? new MercatorCoordinate(pin.x, pin.y).toLngLat().toArray() : null);
}

export function chooseJob(map: GlMap, id: Id | null): void {
  const crowd = heaps.get(map);
  if (!crowd || crowd.chosen === id) return;
  crowd.chosen = id;
  ringChosen(map, crowd);
}
