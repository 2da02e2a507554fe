/** The packed form of the live stream: rows of columns, and moves of eleven bytes by cell (api/packing.py says the same). */
import type { SurveyorCard, SurveyorPosition } from './types';

/** A quarter of a degree; a view that touches more cells than this is a view of everything. */
export const CELL_DEG = 0.25;
const MOST_CELLS = 400;
const BYTES = 11;
const UNKNOWN = 255;

export type Box = [west: number, south: number, east: number, north: number];
export type PackedCell = [x: number, y: number, moves: string];
export type Row = unknown[];

export interface Batch {
  /** The server's clock, ms since 1970. */
  t: number;
  cells: PackedCell[];
  rows: Row[];
}
export interface ViewTold {
  t: number;
  box: Box;
  cells: PackedCell[];
}
export interface Move {
  n: number;
  lon: number;
  lat: number;
  /** When it was true, by the older of the phone's clock and ours; ms since 1970. */
  seen: number;
  accuracy_m: number | null;
  heading_deg: number | null;
  speed_mps: number | null;
}

export const cellName = (lon: number, lat: number): string => `${Math.floor(lon / CELL_DEG)} ${Math.floor(lat / CELL_DEG)}`;

/** The cells a view touches; null when that is everything. */
export function cellsOf([west, south, east, north]: Box): Set<string> | null {
  const [x0, y0] = [Math.floor(west / CELL_DEG), Math.floor(south / CELL_DEG)];
  const [x1, y1] = [Math.floor(east / CELL_DEG), Math.floor(north / CELL_DEG)];
  if ((x1 - x0 + 1) * (y1 - y0 + 1) > MOST_CELLS) return null;
  const found = new Set<string>();
  for (let x = x0; x <= x1; x += 1) for (let y = y0; y <= y1; y += 1) found.add(`${x} ${y}`);
  return found;
}

const age = (byte: number) => (byte < 128 ? byte : 128 + (byte - 128) * 32);
const known = (byte: number, unit: number) => (byte === UNKNOWN ? null : byte * unit);

/** Calls `visit` for every move of a cell. */
export function unpack([x, y, text]: PackedCell, t: number, visit: (move: Move) => void): void {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i += 1) bytes[i] = raw.charCodeAt(i);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + BYTES <= bytes.length; at += BYTES) {
    visit({
      n: view.getUint16(at, true) + view.getUint8(at + 2) * 65_536,
      lon: (x + view.getUint16(at + 3, true) / 65_535) * CELL_DEG,
      lat: (y + view.getUint16(at + 5, true) / 65_535) * CELL_DEG,
      seen: t - age(view.getUint8(at + 7)) * 1000,
      accuracy_m: known(view.getUint8(at + 8), 1),
      heading_deg: known(view.getUint8(at + 9), 2),
      speed_mps: known(view.getUint8(at + 10), 0.5),
    });
  }
}

/** A surveyor's card from a row; the columns are named in the snapshot. */
export function cardOf(columns: readonly string[], row: Row): { n: number; card: SurveyorCard } {
  const at = Object.fromEntries(columns.map((name, n) => [name, row[n]])) as unknown as { n: number } & SurveyorCard &
    (SurveyorPosition | { lon: null });
  const position =
    at.lon === null
      ? null
      : {
          lon: at.lon,
          lat: at.lat,
          fixed_at: at.fixed_at,
          received_at: at.received_at,
          accuracy_m: at.accuracy_m,
          speed_mps: at.speed_mps,
          heading_deg: at.heading_deg,
          battery: at.battery,
          source: at.source,
        };
  const { id, name, org_id, state, on_duty, open_jobs, max_open, skills, freshness } = at;
  return { n: at.n, card: { id, name, org_id, state, on_duty, open_jobs, max_open, skills, freshness, age_s: null, position } };
}
