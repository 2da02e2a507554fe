/** Raster tiles of maps in GCJ-02, moved back under the true places: the picture is shifted, never a position. */
import { addProtocol } from 'maplibre-gl';
import { fromWgs84 } from '../datum';

const SIDE = 256;
const NAME = 'gcj02';
let known = false;

interface Square {
  x: number;
  y: number;
}

/** A place on the plane of tiles of a zoom, in tiles. */
function onTiles(lon: number, lat: number, z: number): Square {
  const turn = (lat * Math.PI) / 180;
  return {
    x: ((lon + 180) / 360) * 2 ** z,
    y: ((1 - Math.asinh(Math.tan(turn)) / Math.PI) / 2) * 2 ** z,
  };
}

/** Where on the plane of GCJ-02 tiles the north-west corner of a WGS-84 tile lies. Within a tile the shift is the same. */
export function shifted(z: number, x: number, y: number): Square {
  const lon = ((x + 0.5) / 2 ** z) * 360 - 180;
  const lat = (Math.atan(Math.sinh(Math.PI * (1 - (2 * (y + 0.5)) / 2 ** z))) * 180) / Math.PI;
  const there = fromWgs84({ lon, lat }, 'gcj02');
  const centre = onTiles(there.lon, there.lat, z);
  return { x: centre.x - 0.5, y: centre.y - 0.5 };
}

async function picture(template: string, z: number, x: number, y: number, signal: AbortSignal): Promise<ImageBitmap | null> {
  const count = 2 ** z;
  if (y < 0 || y >= count) return null;
  const url = template
    .replace('{z}', String(z))
    .replace('{x}', String(((x % count) + count) % count))
    .replace('{y}', String(y));
  const answer = await fetch(url, { signal, credentials: 'omit', referrerPolicy: 'no-referrer' });
  return answer.ok ? createImageBitmap(await answer.blob()) : null;
}

/** Tells the map how to fetch a shifted tile; the address of a source is then `gcj02://z/x/y?template`. */
export function useGcj(): void {
  if (known) return;
  known = true;
  addProtocol(NAME, async ({ url }, { signal }) => {
    const [, z = 0, x = 0, y = 0, template = ''] = /^gcj02:\/\/(\d+)\/(\d+)\/(\d+)\?(.*)$/.exec(url) ?? [];
    const corner = shifted(Number(z), Number(x), Number(y));
    const [left, top] = [Math.floor(corner.x), Math.floor(corner.y)];
    const sheet = new OffscreenCanvas(SIDE, SIDE);
    const pen = sheet.getContext('2d');
    if (!pen) throw new Error('no canvas');
    const four = [0, 1].flatMap((dx) => [0, 1].map((dy) => [left + dx, top + dy] as const));
    await Promise.all(
      four.map(async ([tx, ty]) => {
        const tile = await picture(decodeURIComponent(String(template)), Number(z), tx, ty, signal);
        if (tile) pen.drawImage(tile, Math.round((tx - corner.x) * SIDE), Math.round((ty - corner.y) * SIDE), SIDE, SIDE);
      }),
    );
    return { data: await (await sheet.convertToBlob()).arrayBuffer() };
  });
}

export const gcjAddress = (template: string): string => `${NAME}://{z}/{x}/{y}?${encodeURIComponent(template)}`;
