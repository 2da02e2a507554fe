/** The only place of map datums on this side. Everything inside is WGS-84; a person may paste, or a navigation app may need, another. */
import gcoord from 'gcoord';
import type { Datum, Position } from './types';

const SYSTEM = { wgs84: gcoord.WGS84, gcj02: gcoord.GCJ02, bd09: gcoord.BD09 } as const;

export interface LonLat {
  lon: number;
  lat: number;
}

/** Turns a WGS-84 point into the datum another map speaks. */
export function fromWgs84(point: LonLat, datum: Datum): LonLat {
  const [lon, lat] = gcoord.transform([point.lon, point.lat], gcoord.WGS84, SYSTEM[datum]);
  return { lon, lat };
}

/** Turns a pasted point into WGS-84 for showing; what is sent to the server keeps the datum it came in. */
export function toWgs84(point: Position): LonLat {
  const [lon, lat] = gcoord.transform([point.lon, point.lat], SYSTEM[point.datum ?? 'wgs84'], gcoord.WGS84);
  return { lon, lat };
}

/** Reads "116.40,39.91" (longitude first); swaps the two when only the other order can be meant. */
export function parseLonLat(text: string): LonLat | null {
  const found = /^\s*\(?\s*(-?\d{1,3}(?:\.\d+)?)\s*°?\s*[,，;\s]\s*(-?\d{1,3}(?:\.\d+)?)\s*°?\s*\)?\s*$/.exec(text);
  if (!found) return null;
  const [a, b] = [Number(found[1]), Number(found[2])];
  const [lon, lat] = Math.abs(b) > 90 && Math.abs(a) <= 90 ? [b, a] : [a, b];
  if (Math.abs(lon) > 180 || Math.abs(lat) > 90 || (lon === 0 && lat === 0)) return null;
  return { lon, lat };
}
