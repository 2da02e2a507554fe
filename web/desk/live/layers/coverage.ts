/** Hexagons of the coverage: how soon somebody could be there, the deeper the more reports are expected; and the best move. */
import type { ExpressionSpecification, Map as GlMap } from 'maplibre-gl';
import { scaled } from '@shared/map/marks';
import type { BestMove, Coverage } from '@shared/types';
import { EMPTY, pour } from './pour';

const M_PER_DEG = 111_195;

/** 0 in time, 1 later, 2 nobody. A colour never stands alone: the legend names them, and nobody's cells have an edge. */
export const COVER_COLOURS = {
  light: ['#0a7d52', '#d98a00', '#c0271d'],
  dark: ['#3fbf8f', '#f0b04a', '#ff7a70'],
} as const;

/** Under the marks of people and jobs: add it before them. */
export function addCoverage(map: GlMap, dark: boolean): void {
  const colours = COVER_COLOURS[dark ? 'dark' : 'light'];
  map.addSource('cover', { type: 'geojson', data: EMPTY });
  map.addSource('cover-move', { type: 'geojson', data: EMPTY });
  const colour: ExpressionSpecification = ['match', ['get', 'kind'], 0, colours[0], 1, colours[1], colours[2]];
  map.addLayer({
    id: 'cover',
    type: 'fill',
    source: 'cover',
    paint: { 'fill-color': colour, 'fill-opacity': ['interpolate', ['linear'], ['get', 'weight'], 0, 0.1, 1, 0.62] },
  });
  map.addLayer({
    id: 'cover-edge',
    type: 'line',
    source: 'cover',
    filter: ['==', ['get', 'kind'], 2],
    paint: { 'line-color': colour, 'line-width': scaled(1), 'line-opacity': 0.6 },
  });
  map.addLayer({
    id: 'cover-move-line',
    type: 'line',
    source: 'cover-move',
    paint: { 'line-color': dark ? '#d7a3e6' : '#7a3c8f', 'line-width': scaled(3), 'line-dasharray': [1.5, 1.2] },
  });
  map.addLayer({
    id: 'cover-move-end',
    type: 'circle',
    source: 'cover-move',
    filter: ['==', ['geometry-type'], 'Point'],
    paint: {
      'circle-radius': scaled(9),
      'circle-color': dark ? '#3a2043' : '#f2e3f6',
      'circle-stroke-color': dark ? '#d7a3e6' : '#7a3c8f',
      'circle-stroke-width': 3,
    },
  });
}

function hexagon(lon: number, lat: number, cell_m: number): [number, number][] {
  const r = (cell_m / Math.sqrt(3)) * 1.01;
  const wide = M_PER_DEG * Math.cos((lat * Math.PI) / 180);
  return Array.from({ length: 7 }, (_, n) => {
    const turn = (Math.PI / 3) * n + Math.PI / 6;
    return [lon + (r * Math.cos(turn)) / wide, lat + (r * Math.sin(turn)) / M_PER_DEG];
  });
}

function cells(cover: Coverage): GeoJSON.FeatureCollection {
  const most = Math.max(...cover.cells.map((cell) => cell[2]), 1e-9);
  return {
    type: 'FeatureCollection',
    features: cover.cells.map(([lon, lat, demand, first]) => ({
      type: 'Feature',
      properties: {
        kind: first === null ? 2 : first <= cover.within_s ? 0 : 1,
        // The square root, or a town's centre would leave every suburb invisible.
        weight: Math.sqrt(demand / most),
      },
      geometry: { type: 'Polygon', coordinates: [hexagon(lon, lat, cover.cell_m)] },
    })),
  };
}

function move(best: BestMove): GeoJSON.FeatureCollection {
  const [from, to] = [best.from, best.to].map((place) => [place.lon, place.lat] as [number, number]);
  return {
    type: 'FeatureCollection',
    features: [
      { type: 'Feature', properties: {}, geometry: { type: 'LineString', coordinates: [from!, to!] } },
      { type: 'Feature', properties: {}, geometry: { type: 'Point', coordinates: to! } },
    ],
  };
}

export function drawCoverage(map: GlMap, cover: Coverage | null): void {
  pour(map, 'cover', cover?.cells.length ? cells(cover) : EMPTY);
  pour(map, 'cover-move', cover?.move ? move(cover.move) : EMPTY);
}
