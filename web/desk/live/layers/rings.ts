/** The rings from which a job is reached in time: under everything else, the longest time widest and palest. */
import { effect } from '@preact/signals';
import type { Map as GlMap } from 'maplibre-gl';
import { scaled } from '@shared/map/marks';
import { dark } from '@shared/theme';
import type { Reach } from '@shared/types';
import { reach } from '../reach';
import { EMPTY, pour } from './pour';

/** Longest first, so that shorter ones lie on top. */
function features(of: Reach | null): GeoJSON.FeatureCollection {
  if (!of) return EMPTY;
  const rings = [...of.features].sort((a, b) => b.properties.minutes - a.properties.minutes);
  return {
    type: 'FeatureCollection',
    features: rings.map((ring, n) => ({
      ...ring,
      properties: { near: n === rings.length - 1 },
    })),
  };
}

export function addRings(map: GlMap, inDark: boolean): void {
  const ink = inDark ? '#79b9f2' : '#00599c';
  const below = map.getLayer('track') ? 'track' : undefined;
  map.addSource('rings', { type: 'geojson', data: EMPTY });
  map.addLayer(
    {
      id: 'rings',
      type: 'fill',
      source: 'rings',
      paint: { 'fill-color': ink, 'fill-opacity': ['case', ['get', 'near'], 0.2, 0.1] },
    },
    below,
  );
  map.addLayer(
    {
      id: 'rings-edge',
      type: 'line',
      source: 'rings',
      paint: {
        'line-color': ink,
        'line-width': ['case', ['get', 'near'], scaled(2), scaled(1.5)],
        'line-dasharray': ['case', ['get', 'near'], ['literal', [1, 0]], ['literal', [3, 2]]],
      },
    },
    below,
  );
  pour(map, 'rings', features(reach.peek()));
}

/** Draws what the claim's tab asked for, and brings the widest ring into view once. */
export function followRings(map: GlMap): () => void {
  let seen: string | null = null;
  return effect(() => {
    const of = reach.value;
    void dark.value;
    pour(map, 'rings', features(of));
    if (!of || of.claim_id === seen) {
      if (!of) seen = null;
      return;
    }
    seen = of.claim_id;
    const points = of.features.flatMap((ring) => ring.geometry.coordinates.flat(2)) as [number, number][];
    if (!points.length) return;
    const [lons, lats] = [points.map((point) => point[0]), points.map((point) => point[1])];
    map.fitBounds([Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)], { padding: 40, duration: 400 });
  });
}
