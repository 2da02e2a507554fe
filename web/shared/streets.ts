/** Streets under the sketch: vector tiles of the offline map, turned into SVG paths. */
import { VectorTile } from '@mapbox/vector-tile';
import { PbfReader } from 'pbf';
import { api } from './api';
import type { Streets, View } from './sketch';

const BIG = new Set(['motorway', 'trunk', 'primary', 'secondary']);
const TILE_ZOOM_MOST = 15;
const AT_ONCE = 9;

const fetched = new Map<string, Promise<VectorTile | null>>();

async function load(z: number, x: number, y: number): Promise<VectorTile | null> {
  const blob = await api.bytes(`/map/tiles/${z}/${x}/${y}.mvt`);
  return blob && blob.size ? new VectorTile(new PbfReader(await blob.arrayBuffer())) : null;
}

function tile(z: number, x: number, y: number): Promise<VectorTile | null> {
  const key = `${z}/${x}/${y}`;
  let found = fetched.get(key);
  if (!found) {
    // A tile that failed is asked for again the next time somebody looks.
    found = load(z, x, y).catch(() => { fetched.delete(key); return null; });
    fetched.set(key, found);
  }
  return found;
}

/** The streets of a window; null when the map has none there or cannot be reached. */
export async function streets({ zoom, left, top, width, height }: View): Promise<Streets | null> {
  const z = Math.max(0, Math.min(TILE_ZOOM_MOST, Math.floor(zoom)));
  const scale = 2 ** (zoom - z);
  const side = 256 * scale;
  const wanted: { x: number; y: number }[] = [];
  for (let x = Math.floor(left / side); x <= Math.floor((left + width) / side); x += 1) for (let y = Math.floor(top / side); y <= Math.floor((top + height) / side); y += 1) wanted.push({ x, y });
  const got = await Promise.all(wanted.slice(0, AT_ONCE).map(async (at) => ({ ...at, tile: await tile(z, at.x, at.y) })));
  const drawn: Streets = { water: '', park: '', big: '', small: '' };
  for (const { x, y, tile: one } of got) if (one) trace(one, drawn, x * side - left, y * side - top, side);
  return drawn.big || drawn.small || drawn.water || drawn.park ? drawn : null;
}

function trace(one: VectorTile, into: Streets, dx: number, dy: number, side: number): void {
  for (const [name, layer] of Object.entries(one.layers)) {
    const step = side / layer.extent;
    for (let n = 0; n < layer.length; n += 1) {
      const feature = layer.feature(n);
      const key = name === 'water' || name === 'park' ? name : name === 'road' ? (BIG.has(String(feature.properties.kind)) ? 'big' : 'small') : null;
      if (!key) continue;
      const close = feature.type === 3 ? 'Z' : '';
      for (const line of feature.loadGeometry()) into[key] += `M${line.map((p) => `${(p.x * step + dx).toFixed(1)} ${(p.y * step + dy).toFixed(1)}`).join('L')}${close}`;
    }
  }
}
