/** The outline of an area: as the map pulls it, as the server keeps it, as a person pastes it. */
import { type LonLat, toWgs84 } from '@shared/datum';
import type { Datum, SettingArea } from '@shared/types';

/** More corners than this are no drawing by hand: such an outline is pasted, not pulled. */
const MOST_CORNERS = 200;

export type Shape = NonNullable<SettingArea['shape']>;
export const rings = (shape: Shape | undefined): number[][][][] =>
  !shape ? [] : shape.type === 'Polygon' ? [shape.coordinates as number[][][]] : (shape.coordinates as number[][][][]);

/** The one outline of a shape that can be pulled by hand; null when it has holes, parts or too many corners. */
export function outlineOf(shape: Shape | undefined): LonLat[] | null {
  const [part, ...more] = rings(shape);
  const ring = part?.[0];
  if (!ring || more.length || part.length > 1 || ring.length > MOST_CORNERS) return null;
  return ring.slice(0, -1).map(([lon = 0, lat = 0]) => ({ lon, lat }));
}

export const shapeOf = (ring: LonLat[]): Shape => ({
  type: 'Polygon',
  coordinates: [[...ring, ...ring.slice(0, 1)].map((at) => [at.lon, at.lat])],
});

/** A pasted Polygon, MultiPolygon or Feature in WGS-84; null when it is none. */
export function pasted(text: string, datum: Datum): Shape | null {
  try {
    const read = JSON.parse(text) as { type: string; geometry?: unknown; features?: { geometry?: unknown }[] };
    const found = (read.type === 'FeatureCollection' ? read.features?.[0]?.geometry : (read.geometry ?? read)) as Shape;
    if (found?.type !== 'Polygon' && found?.type !== 'MultiPolygon') return null;
    const parts = rings(found).map((part) =>
      part.map((ring) =>
        ring.map(([lon = NaN, lat = NaN]) => {
          if (!Number.isFinite(lon) || !Number.isFinite(lat)) throw new Error('no pair of numbers');
          const at = toWgs84({ lon, lat, datum });
          return [at.lon, at.lat];
        }),
      ),
    );
    return { type: 'MultiPolygon', coordinates: parts };
  } catch {
    return null; // said at the field
  }
}
