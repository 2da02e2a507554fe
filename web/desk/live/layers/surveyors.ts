/** Surveyors on the map: shape and colour by state, paler with the age of the position, gathered into circles when far out. */
import type { GeoJSONSource, Map as GlMap } from 'maplibre-gl';
import { LABEL_FONT } from '@shared/map/basemap';
import type { Id, SurveyorCard } from '@shared/types';
import { ageOf, freshnessOf } from '../../store';
import { COLOURS } from './shapes';

export const SURVEYOR_LAYERS = ['surveyor', 'surveyor-chosen'] as const;

export function addSurveyors(map: GlMap, dark: boolean): void {
  const ink = dark ? '#e8eef2' : '#16222b';
  const halo = dark ? '#10171c' : '#ffffff';
  map.addSource('surveyors', {
    type: 'geojson',
    data: { type: 'FeatureCollection', features: [] },
    cluster: true,
    clusterMaxZoom: 11,
    clusterRadius: 38,
    clusterMinPoints: 4,
  });
  map.addLayer({
    id: 'cluster',
    type: 'circle',
    source: 'surveyors',
    filter: ['has', 'point_count'],
    paint: {
      'circle-color': COLOURS[dark ? 'dark' : 'light'].state.busy,
      'circle-opacity': 0.85,
      'circle-stroke-color': halo,
      'circle-stroke-width': 2,
      'circle-radius': ['step', ['get', 'point_count'], 14, 10, 18, 50, 23, 200, 30],
    },
  });
  map.addLayer({
    id: 'cluster-count',
    type: 'symbol',
    source: 'surveyors',
    filter: ['has', 'point_count'],
    layout: {
      'text-field': ['get', 'point_count_abbreviated'],
      'text-font': LABEL_FONT,
      'text-size': 13,
      'text-allow-overlap': true,
    },
    paint: { 'text-color': dark ? '#08131a' : '#ffffff' },
  });
  map.addLayer({
    id: 'surveyor-heading',
    type: 'symbol',
    source: 'surveyors',
    filter: ['all', ['!', ['has', 'point_count']], ['>=', ['get', 'heading'], 0]],
    minzoom: 11,
    layout: {
      'icon-image': 'heading',
      'icon-rotate': ['get', 'heading'],
      'icon-rotation-alignment': 'map',
      'icon-allow-overlap': true,
      'icon-ignore-placement': true,
    },
    paint: { 'icon-opacity': ['get', 'opacity'] },
  });
  map.addLayer({
    id: 'surveyor',
    type: 'symbol',
    source: 'surveyors',
    filter: ['!', ['has', 'point_count']],
    layout: {
      'icon-image': ['concat', 'surveyor-', ['get', 'state']],
      'icon-allow-overlap': true,
      'icon-ignore-placement': true,
      'symbol-sort-key': ['get', 'order'],
      'text-field': ['step', ['zoom'], '', 11.5, ['get', 'label']],
      'text-font': LABEL_FONT,
      'text-size': 11,
      'text-offset': [0, 1.25],
      'text-anchor': 'top',
      'text-optional': true,
    },
    paint: {
      'icon-opacity': ['get', 'opacity'],
      'text-opacity': ['get', 'opacity'],
      'text-color': ink,
      'text-halo-color': halo,
      'text-halo-width': 1.5,
    },
  });
  map.addLayer({
    id: 'surveyor-chosen',
    type: 'circle',
    source: 'surveyors',
    filter: ['==', ['get', 'id'], ''],
    paint: { 'circle-radius': 17, 'circle-color': 'transparent', 'circle-stroke-color': ink, 'circle-stroke-width': 2.5 },
  });
}

/** A position of two minutes is still whole, one of five half gone, an hour old barely there. */
function opacityOf(age: number | null): number {
  if (age === null) return 0.4;
  if (age <= 120) return 1;
  return age <= 300 ? 1 - ((age - 120) / 180) * 0.4 : Math.max(0.4, 0.6 - (age - 300) / 9000);
}

export function drawSurveyors(map: GlMap, cards: Iterable<SurveyorCard>, nowMs: number): void {
  const features: GeoJSON.Feature[] = [];
  for (const card of cards) {
    if (!card.position) continue;
    const age = ageOf(card, nowMs);
    const state = card.state !== 'off' && freshnessOf(card, nowMs) === 'stale' ? 'stale' : card.state;
    const moving = (card.position.speed_mps ?? 0) > 1.5 && card.position.heading_deg !== null && age !== null && age < 120;
    features.push({
      type: 'Feature',
      geometry: { type: 'Point', coordinates: [card.position.lon, card.position.lat] },
      properties: {
        id: card.id,
        state,
        opacity: opacityOf(age),
        heading: moving ? card.position.heading_deg : -1,
        order: state === 'idle' ? 3 : state === 'offered' ? 4 : 2,
        label: age !== null && age >= 120 ? `${card.name} · ${Math.floor(age / 60)}′` : card.name,
      },
    });
  }
  void map.getSource<GeoJSONSource>('surveyors')?.setData({ type: 'FeatureCollection', features });
}

export function chooseSurveyor(map: GlMap, id: Id | null): void {
  if (map.getLayer('surveyor-chosen')) map.setFilter('surveyor-chosen', ['==', ['get', 'id'], id ?? '']);
}

/** Opens a cluster where it was pressed. */
export async function openCluster(map: GlMap, clusterId: number, at: [number, number]): Promise<void> {
  const zoom = await map.getSource<GeoJSONSource>('surveyors')?.getClusterExpansionZoom(clusterId);
  map.easeTo({ center: at, zoom: (zoom ?? map.getZoom() + 2) + 0.2, duration: 300 });
}
