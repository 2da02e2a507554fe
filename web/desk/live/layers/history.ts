/** What was: heat of losses and of positions, and a surveyor's week, as vector tiles from the server, under the living marks. */
import type { ExpressionSpecification, Map as GlMap } from 'maplibre-gl';
import { serverNow } from '@shared/clock';
import type { Id } from '@shared/types';
import { weekReason } from '../view';

export type HeatName = 'loss' | 'position';
export const HEATS: readonly HeatName[] = ['loss', 'position'];
const HOUR_MS = 3_600_000;
/** Losses of a month, positions of the last hours: what says where demand is, and where people are missing. */
const SPAN_MS: Record<HeatName, number> = { loss: 30 * 24 * HOUR_MS, position: 6 * HOUR_MS };
const WEEK_MS = 7 * 24 * HOUR_MS - 1;

/** Rounded to the hour, or every look would ask for new tiles. */
function span(length: number): string {
  const to = Math.ceil(serverNow() / HOUR_MS) * HOUR_MS;
  return `from=${new Date(to - length).toISOString()}&to=${new Date(to).toISOString()}`;
}

const COLOURS: Record<HeatName, [string, string, string]> = {
  loss: ['#fdd49e', '#fc8d59', '#b30000'],
  position: ['#c7e9f1', '#41a6c4', '#08519c'],
};

function ramp([low, middle, high]: [string, string, string]): ExpressionSpecification {
  return ['interpolate', ['linear'], ['heatmap-density'], 0, 'rgba(0,0,0,0)', 0.15, low, 0.5, middle, 1, high];
}

export function addHeat(map: GlMap, name: HeatName): void {
  const id = `heat-${name}`;
  if (map.getSource(id)) return;
  const tiles = [`${location.origin}/api/v1/map/heat/${name}/{z}/{x}/{y}.mvt?${span(SPAN_MS[name])}`];
  map.addSource(id, { type: 'vector', tiles, minzoom: 4, maxzoom: 14 });
  map.addLayer(
    {
      id,
      type: 'heatmap',
      source: id,
      'source-layer': name,
      paint: {
        'heatmap-weight': ['interpolate', ['linear'], ['ln', ['+', 1, ['get', 'n']]], 0, 0, 6, 1],
        'heatmap-intensity': ['interpolate', ['linear'], ['zoom'], 6, 0.8, 14, 1.6],
        'heatmap-radius': ['interpolate', ['linear'], ['zoom'], 6, 14, 14, 26],
        'heatmap-opacity': 0.6,
        'heatmap-color': ramp(COLOURS[name]),
      },
    },
    map.getLayer('track') ? 'track' : undefined,
  );
}

function remove(map: GlMap, id: string): void {
  if (map.getLayer(id)) map.removeLayer(id);
  if (map.getSource(id)) map.removeSource(id);
}

/** Shows exactly these layers of the past. */
export function showHistory(map: GlMap, heats: readonly string[], week: Id | null, dark: boolean): void {
  for (const name of HEATS)
    if (heats.includes(name)) addHeat(map, name);
    else remove(map, `heat-${name}`);
  remove(map, 'week');
  if (!week) return;
  const reason = encodeURIComponent(weekReason.peek());
  const tiles = [`${location.origin}/api/v1/map/tracks/${week}/{z}/{x}/{y}.mvt?${span(WEEK_MS)}&reason=${reason}`];
  map.addSource('week', { type: 'vector', tiles, minzoom: 6, maxzoom: 14 });
  map.addLayer(
    {
      id: 'week',
      type: 'line',
      source: 'week',
      'source-layer': 'track',
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': dark ? '#d7a3e6' : '#7a3c8f', 'line-width': 2.5, 'line-opacity': 0.55 },
    },
    map.getLayer('track') ? 'track' : undefined,
  );
}
