/** Data for a source whose layers are mostly empty: lines and surfaces that appear when something is chosen. */
import type { GeoJSONSource, Map as GlMap } from 'maplibre-gl';

export const EMPTY: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] };

/** Gives a source its data. While it is empty its layers are hidden: an empty line layer costs a frame as much as a full one. */
export function pour(map: GlMap, id: string, data: GeoJSON.FeatureCollection): void {
  const source = map.getSource<GeoJSONSource>(id);
  if (!source) return;
  const visibility = data.features.length ? 'visible' : 'none';
  let hidden = true;
  for (const layer of map.getLayersOrder()) {
    if (map.getLayer(layer)?.source !== id) continue;
    if (map.getLayoutProperty(layer, 'visibility') !== 'none') hidden = false;
    map.setLayoutProperty(layer, 'visibility', visibility);
  }
  // Nothing in place of nothing is no work for the map's worker, once a second.
  if (data.features.length || !hidden) void source.setData(data);
}

const points = new WeakMap<GeoJSONSource, string>();

/** Puts a source's only point somewhere, or nowhere. The same place again is no work. */
export function pourPoint(map: GlMap, id: string, place: [number, number] | null): void {
  const source = map.getSource<GeoJSONSource>(id);
  const name = String(place);
  if (!source || points.get(source) === name) return;
  points.set(source, name);
  const point = (coordinates: [number, number]): GeoJSON.Feature => ({
    type: 'Feature',
    properties: {},
    geometry: { type: 'Point', coordinates },
  });
  void source.setData(place ? point(place) : EMPTY);
}
