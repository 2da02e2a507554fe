/** Distances on the globe, for a screen; the server's PostGIS decides. */

const EARTH_M = 6_371_008.8;
const RAD = Math.PI / 180;

interface Point {
  lon: number;
  lat: number;
}

/** Metres on the great circle between two WGS-84 points. */
export function metresBetween(a: Point, b: Point): number {
  const s =
    Math.sin(((b.lat - a.lat) * RAD) / 2) ** 2 +
    Math.cos(a.lat * RAD) * Math.cos(b.lat * RAD) * Math.sin(((b.lon - a.lon) * RAD) / 2) ** 2;
  return 2 * EARTH_M * Math.asin(Math.min(1, Math.sqrt(s)));
}
