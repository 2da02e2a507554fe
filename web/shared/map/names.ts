/** One name for each area. Tiles cut an area into pieces, and a label layer would write the name on every piece. */
import type { GeoJSONSource, Map as GlMap } from 'maplibre-gl';

type Ring = GeoJSON.Position[];
const GRID = 12;

function doubleArea(ring: Ring): number {
  return Math.abs(
    ring.reduce((sum, [x = 0, y = 0], n) => {
      const [u = 0, v = 0] = ring[(n + 1) % ring.length] ?? [];
      return sum + x * v - u * y;
    }, 0),
  );
}

function inside(ring: Ring, x: number, y: number): boolean {
  let odd = false;
  ring.forEach(([u = 0, v = 0], n) => {
    const [p = 0, q = 0] = ring[(n + ring.length - 1) % ring.length] ?? [];
    if (v > y !== q > y && x < ((p - u) * (y - v)) / (q - v) + u) odd = !odd;
  });
  return odd;
}

/** The point of a grid that lies deepest inside the ring: where a name has most room. */
function middle(ring: Ring): GeoJSON.Position {
  const xs = ring.map(([x = 0]) => x);
  const ys = ring.map(([, y = 0]) => y);
  const [west, east, south, north] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  let best: GeoJSON.Position = [(west + east) / 2, (south + north) / 2];
  let room = -1;
  for (let n = 0; n < GRID * GRID; n += 1) {
    const x = west + ((east - west) * ((n % GRID) + 0.5)) / GRID;
    const y = south + ((north - south) * (Math.floor(n / GRID) + 0.5)) / GRID;
    if (!inside(ring, x, y)) continue;
    const near = Math.min(...ring.map(([u = 0, v = 0]) => (u - x) ** 2 + (v - y) ** 2));
    if (near > room) [best, room] = [[x, y], near];
  }
  return best;
}

const outerRings = (shape: GeoJSON.Geometry): Ring[] =>
  shape.type === 'Polygon'
    ? shape.coordinates.slice(0, 1)
    : shape.type === 'MultiPolygon'
      ? shape.coordinates.flatMap((one) => one.slice(0, 1))
      : [];

function write(map: GlMap): void {
  const biggest = new Map<string, { ring: Ring; size: number; properties: GeoJSON.GeoJsonProperties }>();
  for (const feature of map.querySourceFeatures('wide', { sourceLayer: 'area' })) {
    const name = String(feature.properties.name ?? '');
    for (const ring of outerRings(feature.geometry)) {
      const size = doubleArea(ring);
      if (name && size > (biggest.get(name)?.size ?? 0))
        biggest.set(name, { ring, size, properties: { name, name_en: feature.properties.name_en } });
    }
  }
  const features = [...biggest.values()].map((one): GeoJSON.Feature => ({
    type: 'Feature',
    properties: one.properties,
    geometry: { type: 'Point', coordinates: middle(one.ring) },
  }));
  void map.getSource<GeoJSONSource>('names')?.setData({ type: 'FeatureCollection', features });
}

/** Keeps the names right as tiles come and go. */
export function keepNames(map: GlMap): void {
  let timer = 0;
  map.on('sourcedata', (event) => {
    if (event.sourceId !== 'wide' || !event.isSourceLoaded || !event.tile) return;
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      if (map.getSource('wide')) write(map);
    }, 120);
  });
  map.on('remove', () => clearTimeout(timer));
}
