/** The base map: land without borders, and roads, water, parks and areas from our own vector tiles. Needs no internet. */
import { gcjAddress, useGcj } from './gcj';
import type { ExpressionSpecification, LayerSpecification, LineLayerSpecification, StyleSpecification } from 'maplibre-gl';
import { inSoftware } from './drawing';
import { isZh } from '../i18n';
import { scaled } from './marks';
import type { MapInfo } from '../types';

interface Palette {
  sea: string;
  land: string;
  water: string;
  park: string;
  road: string;
  main: string;
  casing: string;
  fast: string;
  area: string;
  text: string;
  halo: string;
}

const LIGHT: Palette = {
  sea: '#c9dbe6',
  land: '#efeee9',
  water: '#b9d3e2',
  park: '#dcead2',
  road: '#ffffff',
  main: '#ffffff',
  casing: '#c6cacb',
  fast: '#f8dd9f',
  area: '#8795a1',
  text: '#4c5a64',
  halo: '#ffffff',
};
const DARK: Palette = {
  sea: '#0d1a22',
  land: '#182127',
  water: '#10303f',
  park: '#1b2c22',
  road: '#2d3942',
  main: '#394853',
  casing: '#141b20',
  fast: '#5a4a2c',
  area: '#6a7985',
  text: '#a9b8c2',
  halo: '#10171c',
};

/** Fonts of the machine: MapLibre draws labels locally when the style has no glyphs, so no font is fetched. */
export const LABEL_FONT = ['Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', 'sans-serif'];
export const localName = (): ExpressionSpecification =>
  isZh()
    ? ['coalesce', ['get', 'name'], '']
    : ['case', ['!=', ['coalesce', ['get', 'name_en'], ''], ''], ['get', 'name_en'], ['coalesce', ['get', 'name'], '']];

const FAST = ['motorway', 'motorway_link', 'trunk', 'trunk_link'];
const MAIN = ['primary', 'primary_link', 'secondary', 'secondary_link'];
const kind: ExpressionSpecification = ['coalesce', ['get', 'kind'], ''];
const isFast: ExpressionSpecification = ['in', kind, ['literal', FAST]];
const isMain: ExpressionSpecification = ['in', kind, ['literal', MAIN]];
const width = (scale: number): ExpressionSpecification => [
  'interpolate',
  ['exponential', 1.5],
  ['zoom'],
  9,
  ['case', isFast, 1.6 * scale, isMain, 0.9 * scale, 0.3 * scale],
  11.5,
  ['case', isFast, 3 * scale, isMain, 2 * scale, 0.9 * scale],
  13,
  ['case', isFast, 4.4 * scale, isMain, 3.4 * scale, 1.6 * scale],
  17,
  ['case', isFast, 16 * scale, isMain, 13 * scale, 8 * scale],
];

/** Ends and corners that nobody sees on a line of two pixels, and that are half of what a software renderer computes of a street. */
const SEEN_ZOOM = 13;

function roads(p: Palette, plain: boolean): LayerSpecification[] {
  const line = {
    type: 'line' as const,
    source: 'base',
    'source-layer': 'road',
    layout: plain
      ? ({
          'line-cap': ['step', ['zoom'], 'butt', SEEN_ZOOM, 'round'],
          'line-join': ['step', ['zoom'], 'bevel', SEEN_ZOOM, 'round'],
        } satisfies LineLayerSpecification['layout'])
      : { 'line-cap': 'round' as const, 'line-join': 'round' as const },
  };
  return [
    { ...line, id: 'road-casing', paint: { 'line-color': p.casing, 'line-width': width(scaled(1.6)) } },
    { ...line, id: 'road', paint: { 'line-color': ['case', isFast, p.fast, isMain, p.main, p.road], 'line-width': width(scaled(1)) } },
  ];
}

function names(p: Palette): LayerSpecification[] {
  const paint = { 'text-color': p.text, 'text-halo-color': p.halo, 'text-halo-width': 1.4 };
  return [
    {
      id: 'road-name',
      type: 'symbol',
      source: 'base',
      'source-layer': 'road',
      minzoom: 12,
      layout: {
        'symbol-placement': 'line',
        'text-field': localName(),
        'text-font': LABEL_FONT,
        'text-size': scaled(11),
        'symbol-spacing': 340,
      },
      paint,
    },
    {
      id: 'water-name',
      type: 'symbol',
      source: 'wide',
      'source-layer': 'water',
      minzoom: 10,
      layout: { 'text-field': localName(), 'text-font': LABEL_FONT, 'text-size': scaled(12) },
      paint: { ...paint, 'text-color': '#3c7896' },
    },
    {
      id: 'area-name',
      type: 'symbol',
      source: 'names',
      maxzoom: 14.5,
      layout: { 'text-field': localName(), 'text-font': LABEL_FONT, 'text-size': scaled(13), 'text-letter-spacing': 0.1 },
      paint: { ...paint, 'text-color': p.area, 'text-opacity': 0.95 },
    },
  ];
}

/** A raster in GCJ-02 lies hundreds of metres off under WGS-84 points: it is shifted back (gcj.ts). Nobody draws BD-09 tiles. */
const rasters = (info: MapInfo) => info.raster.filter((one) => one.datum !== 'bd09');

function address(one: MapInfo['raster'][number]): string {
  if (one.datum === 'wgs84') return one.url;
  useGcj();
  return gcjAddress(one.url);
}

/** The colour under everything: of the sea when the land has been drawn, before that of the land. */
export const groundColour = (dark: boolean, landDrawn: boolean): string => (dark ? DARK : LIGHT)[landDrawn ? 'sea' : 'land'];

export function baseStyle(info: MapInfo, dark: boolean): StyleSpecification {
  const p = dark ? DARK : LIGHT;
  const plain = inSoftware();
  const tiles = [`${location.origin}/api/v1/map/tiles/{z}/{x}/{y}.mvt`];
  const under: LayerSpecification[] = rasters(info).map((_, n) => ({
    id: `raster-${n}`,
    type: 'raster',
    source: `raster-${n}`,
    paint: dark ? { 'raster-brightness-max': 0.6, 'raster-saturation': -0.4 } : {},
  }));
  return {
    version: 8,
    sources: {
      land: { type: 'geojson', data: new URL('/land.json', location.href).href, attribution: 'Natural Earth' },
      // A tile of zoom 9 holds a whole city: the names of areas and rivers are taken from it (see names.ts).
      wide: { type: 'vector', tiles, minzoom: 6, maxzoom: 9 },
      names: { type: 'geojson', data: { type: 'FeatureCollection', features: [] } },
      base: { type: 'vector', tiles, minzoom: 6, maxzoom: 15, attribution: isZh() ? info.label : info.label_en || info.label },
      ...Object.fromEntries(
        rasters(info).map((one, n) => [
          `raster-${n}`,
          { type: 'raster' as const, tiles: [address(one)], tileSize: 256, attribution: one.attribution ?? one.name },
        ]),
      ),
    },
    layers: [
      // Land-coloured until the land is there (see MapView), or every map would open with a flash of open sea.
      // In software the page's own background serves: filling the screen is what costs most there.
      {
        id: 'sea',
        type: 'background',
        layout: { visibility: plain ? 'none' : 'visible' },
        paint: { 'background-color': p.land },
      },
      { id: 'land', type: 'fill', source: 'land', paint: { 'fill-color': p.land, 'fill-antialias': false } },
      ...under,
      // Draws nothing, only has the tiles fetched. A circle: surfaces and lines pay for each tile's outline even when unseen.
      {
        id: 'wide-area',
        type: 'circle',
        source: 'wide',
        'source-layer': 'area',
        paint: { 'circle-opacity': 0, 'circle-radius': 0 },
      },
      {
        id: 'park',
        type: 'fill',
        source: 'base',
        'source-layer': 'park',
        paint: { 'fill-color': p.park, 'fill-antialias': !plain },
      },
      {
        id: 'water',
        type: 'fill',
        source: 'base',
        'source-layer': 'water',
        filter: ['==', ['geometry-type'], 'Polygon'],
        paint: { 'fill-color': p.water, 'fill-antialias': !plain },
      },
      {
        id: 'river',
        type: 'line',
        source: 'base',
        'source-layer': 'water',
        filter: ['==', ['geometry-type'], 'LineString'],
        paint: { 'line-color': p.water, 'line-width': scaled(2) },
      },
      ...roads(p, plain),
      {
        id: 'area-edge',
        type: 'line',
        source: 'base',
        'source-layer': 'area',
        paint: { 'line-color': p.area, 'line-width': scaled(1.2), 'line-dasharray': [4, 3], 'line-opacity': 0.55 },
      },
      ...names(p),
    ],
  };
}
