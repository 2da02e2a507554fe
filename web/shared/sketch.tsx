/** A small drawing of two places: direction and scale always, streets when somebody brings them. */
import { useEffect, useState } from 'preact/hooks';
import type { LonLat } from './datum';
import { distance } from './format';
import './sketch.css';

/** SVG paths of what lies under the two places, in the pixels of a window. */
export interface Streets {
  water: string;
  park: string;
  big: string;
  small: string;
}
export interface View {
  zoom: number;
  left: number;
  top: number;
  width: number;
  height: number;
}

interface Props {
  loss: LonLat;
  other: LonLat | null;
  /** What a screen reader says. */
  label: string;
  height?: number;
  streets?: (view: View) => Promise<Streets | null>;
}

const WIDTH = 360;
const CLOSEST = 15.5;
const PAD = 46;
const METRES = [50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000];
const EQUATOR_M = 40_075_016.7;

/** Pixels of the Web Mercator world at a zoom, 256 to a tile. */
export function project(at: LonLat, zoom: number): { x: number; y: number } {
  const world = 256 * 2 ** zoom;
  const sin = Math.sin((at.lat * Math.PI) / 180);
  return { x: ((at.lon + 180) / 360) * world, y: (0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI)) * world };
}

/** A window that shows both points; one point alone gets its neighbourhood. */
function frame(loss: LonLat, other: LonLat | null, height: number): View {
  const [a, b] = [project(loss, 0), project(other ?? loss, 0)];
  const [spanX, spanY] = [Math.abs(a.x - b.x), Math.abs(a.y - b.y)];
  const fits = Math.log2(Math.min((WIDTH - 2 * PAD) / Math.max(spanX, 1e-9), (height - 2 * PAD) / Math.max(spanY, 1e-9)));
  const zoom = Math.floor(Math.max(1, Math.min(CLOSEST, fits)) * 2) / 2;
  const middle = { x: ((a.x + b.x) / 2) * 2 ** zoom, y: ((a.y + b.y) / 2) * 2 ** zoom };
  // The pin stands above its point.
  return { zoom, left: Math.round(middle.x - WIDTH / 2), top: Math.round(middle.y - height / 2 - 8), width: WIDTH, height };
}

export function Sketch({ loss, other, label, height = 170, streets }: Props) {
  // Rounded to about a hundred metres: a trembling fix must not ask for new tiles each second.
  const near = other ? { lon: Math.round(other.lon * 1000) / 1000, lat: Math.round(other.lat * 1000) / 1000 } : null;
  const view = frame(loss, near, height);
  const [drawn, setDrawn] = useState<Streets | null>(null);
  useEffect(() => {
    let here = true;
    void streets?.(view).then((found) => here && setDrawn(found));
    return () => {
      here = false;
    };
  }, [view.zoom, view.left, view.top, height]);
  const at = (point: LonLat) => {
    const p = project(point, view.zoom);
    return { x: p.x - view.left, y: p.y - view.top };
  };
  const [target, self] = [at(loss), other ? at(other) : null];
  const perMetre = (256 * 2 ** view.zoom) / (EQUATOR_M * Math.cos((loss.lat * Math.PI) / 180));
  const metres = METRES.filter((m) => m * perMetre < 96).at(-1) ?? 50;
  return (
    <svg class="sketch" viewBox={`0 0 ${WIDTH} ${height}`} preserveAspectRatio="xMidYMid slice" role="img" aria-label={label}>
      <rect class="sketch-land" width={WIDTH} height={height} />
      {drawn && (
        <g>
          <path class="sketch-park" d={drawn.park} />
          <path class="sketch-water" d={drawn.water} />
          <path class="sketch-small" d={drawn.small} />
          <path class="sketch-big" d={drawn.big} />
        </g>
      )}
      {self && <line class="sketch-way" x1={self.x} y1={self.y} x2={target.x} y2={target.y} />}
      {self && (
        <g transform={`translate(${self.x} ${self.y})`}>
          <circle class="sketch-halo" r="15" />
          <circle class="sketch-me" r="7" />
        </g>
      )}
      <g transform={`translate(${target.x} ${target.y})`}>
        <path class="sketch-pin" d="M0 0C-5-9-12-14-12-22a12 12 0 0 1 24 0C12-14 5-9 0 0Z" />
        <circle class="sketch-hole" cy="-22" r="4.5" />
      </g>
      <g class="sketch-scale" transform={`translate(12 ${height - 14})`}>
        <path d={`M0-5V0H${(metres * perMetre).toFixed(1)}V-5`} />
        <text x={metres * perMetre + 6} y="1">
          {distance(metres)}
        </text>
      </g>
    </svg>
  );
}
