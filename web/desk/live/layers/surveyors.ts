/** Surveyors on the map: shape and colour by state, paler with the age of the position, gathered into circles when far out. */
import type { GeoJSONSource, LngLatBoundsLike, Map as GlMap } from 'maplibre-gl';
import { MercatorCoordinate } from 'maplibre-gl';
import { LABEL_FONT } from '@shared/map/basemap';
import { marks, scaled } from '@shared/map/marks';
import type { Id, SurveyorCard } from '@shared/types';
import { ageOf, freshnessOf } from '../../store';
import { DotLayer } from './dots';
import { APART_ZOOM, type Cluster, type Dot, gather, type Gathered, onSquare } from './gather';
import { circleOf } from './pictures';
import { EMPTY, pourPoint } from './pour';
import { SpriteLayer } from './sprites';

const NAME_ZOOM = 12.5;
const MOST_NAMES = 250;
/** So close a cluster is opened at most; from APART_ZOOM on there are none. */
const CLOSEST = APART_ZOOM + 1.5;

interface Crowd {
  layer: DotLayer;
  circles: SpriteLayer;
  dots: Dot[];
  gathered: Gathered<Dot>;
  step: number;
  chosen: Id | null;
  /** Names are on the map. */
  named: boolean;
}
const crowds = new WeakMap<GlMap, Crowd>();

export function addSurveyors(map: GlMap, dark: boolean): void {
  const ink = dark ? '#e8eef2' : '#16222b';
  const halo = dark ? '#10171c' : '#ffffff';
  for (const id of ['surveyor-names', 'surveyor-chosen']) map.addSource(id, { type: 'geojson', data: EMPTY });
  map.addLayer({
    id: 'surveyor-chosen',
    type: 'circle',
    source: 'surveyor-chosen',
    paint: {
      'circle-radius': scaled(17),
      'circle-color': ink,
      'circle-opacity': 0.15,
      'circle-stroke-color': ink,
      'circle-stroke-width': 2.5,
    },
  });
  const layer = new DotLayer(dark);
  map.addLayer(layer);
  map.addLayer({
    id: 'surveyor-name',
    type: 'symbol',
    source: 'surveyor-names',
    layout: {
      'text-field': ['get', 'label'],
      'text-font': LABEL_FONT,
      'text-size': scaled(11),
      'text-offset': [0, 1.25],
      'text-anchor': 'top',
    },
    paint: { 'text-color': ink, 'text-halo-color': halo, 'text-halo-width': 1.5, 'text-opacity': ['get', 'opacity'] },
  });
  const circles = new SpriteLayer('cluster', dark);
  map.addLayer(circles);
  const before = crowds.get(map);
  crowds.set(map, {
    layer,
    circles,
    dots: before?.dots ?? [],
    gathered: { singles: [], clusters: [] },
    step: -1,
    chosen: before?.chosen ?? null,
    named: false,
  });
  if (before) return;
  // Within one step of the zoom the circles stay as they are; the names are those of whoever is in sight.
  map.on('zoom', () => {
    const crowd = crowds.get(map);
    if (crowd && crowd.step !== Math.min(APART_ZOOM, Math.floor(map.getZoom()))) arrange(map, crowd);
  });
  map.on('moveend', () => nameThem(map));
}

/** A position of two minutes is still whole, one of five half gone, an hour old barely there. */
function opacityOf(age: number | null): number {
  if (age === null) return 0.4;
  if (age <= 120) return 1;
  return age <= 300 ? 1 - ((age - 120) / 180) * 0.4 : Math.max(0.4, 0.6 - (age - 300) / 9000);
}

function dotOf(card: SurveyorCard, nowMs: number): Dot | null {
  if (!card.position) return null;
  const age = ageOf(card, nowMs);
  const state = card.state !== 'off' && freshnessOf(card, nowMs) === 'stale' ? 'stale' : card.state;
  const { lon, lat, speed_mps, heading_deg } = card.position;
  const moving = (speed_mps ?? 0) > 1.5 && heading_deg !== null && age !== null && age < 120;
  const { x, y } = onSquare(lon, lat);
  return {
    id: card.id,
    name: card.name,
    x,
    y,
    state,
    age,
    opacity: card.unseen ? 1 : opacityOf(age),
    heading: moving && heading_deg !== null ? heading_deg : -1,
    aside: [0, 0],
  };
}

export function drawSurveyors(map: GlMap, cards: Iterable<SurveyorCard>, nowMs: number): void {
  const crowd = crowds.get(map);
  if (!crowd) return;
  crowd.dots = [];
  for (const card of cards) {
    const dot = dotOf(card, nowMs);
    if (dot) crowd.dots.push(dot);
  }
  arrange(map, crowd);
}

function arrange(map: GlMap, crowd: Crowd): void {
  crowd.step = Math.min(APART_ZOOM, Math.floor(map.getZoom()));
  crowd.gathered = gather(crowd.dots, crowd.step, marks.peek());
  const { singles, clusters } = crowd.gathered;
  crowd.layer.show(singles);
  crowd.circles.show(
    clusters.map(({ x, y, count }) => ({
      x,
      y,
      picture: circleOf(count),
      label: count < 1000 ? String(count) : `${(count / 1000).toFixed(1)}k`,
    })),
  );
  nameThem(map);
  ringChosen(map, crowd);
}

function lonLat(x: number, y: number): [number, number] {
  const { lng, lat } = new MercatorCoordinate(x, y).toLngLat();
  return [lng, lat];
}

function nameThem(map: GlMap): void {
  const crowd = crowds.get(map);
  if (!crowd) return;
  const features: GeoJSON.Feature[] = [];
  if (map.getZoom() >= NAME_ZOOM) {
    const bounds = map.getBounds();
    const [low, high] = [
      MercatorCoordinate.fromLngLat(bounds.getNorthWest()),
      MercatorCoordinate.fromLngLat(bounds.getSouthEast()),
    ];
    for (const { x, y, name, age, opacity, aside } of crowd.gathered.singles) {
      if (x < low.x || x > high.x || y < low.y || y > high.y) continue;
      if (features.length === MOST_NAMES) break;
      const label = age !== null && age >= 120 ? `${name} · ${Math.floor(age / 60)}′` : name;
      if (aside[0] === 0 && aside[1] === 0)
        features.push({
          type: 'Feature',
          geometry: { type: 'Point', coordinates: lonLat(x, y) },
          properties: { label, opacity },
        });
    }
  }
  // Nothing in place of nothing, every second, is no work for the map's worker.
  if (features.length || crowd.named)
    void map.getSource<GeoJSONSource>('surveyor-names')?.setData({ type: 'FeatureCollection', features });
  crowd.named = features.length > 0;
}

function ringChosen(map: GlMap, crowd: Crowd): void {
  const dot = crowd.chosen ? crowd.dots.find((one) => one.id === crowd.chosen) : undefined;
  pourPoint(map, 'surveyor-chosen', dot ? lonLat(dot.x, dot.y) : null);
}

export function chooseSurveyor(map: GlMap, id: Id | null): void {
  const crowd = crowds.get(map);
  if (!crowd) return;
  crowd.chosen = id;
  ringChosen(map, crowd);
}

/** The surveyor whose mark lies under a point of the screen. */
export const surveyorAt = (map: GlMap, x: number, y: number, reach = 15): Id | null =>
  crowds.get(map)?.layer.under(x, y, scaled(reach))?.id ?? null;

export function clusterAt(map: GlMap, x: number, y: number): Cluster | null {
  const crowd = crowds.get(map);
  return crowd?.gathered.clusters[crowd.circles.under(x, y)] ?? null;
}

/** Opens a cluster: its members fill the view, and closer than APART_ZOOM each is shown by himself. */
export function openCluster(map: GlMap, { box, x, y }: Cluster): void {
  const bounds: LngLatBoundsLike = [lonLat(box[0], box[1]), lonLat(box[2], box[3])];
  const fitting = map.cameraForBounds(bounds, { padding: scaled(90), maxZoom: CLOSEST });
  // A cluster as wide as the screen comes apart by going one step in.
  const zoom = Math.min(CLOSEST, Math.max(fitting?.zoom ?? 0, Math.floor(map.getZoom()) + 1.05));
  map.easeTo({ center: fitting && fitting.zoom === zoom ? fitting.center : lonLat(x, y), zoom, duration: 300 });
}
