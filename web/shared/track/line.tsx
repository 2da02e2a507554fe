/** A track as a line over the streets of the offline map: start, end, direction; breaks where nothing was told. */
import { useEffect, useState } from 'preact/hooks';
import { project, type Streets, type View } from '../sketch';

interface Props {
  points: { lon: number; lat: number; at?: string }[];
  label: string;
  height?: number;
  streets?: (view: View) => Promise<Streets | null>;
}

const WIDTH = 360;
const CLOSEST = 16;
const PAD = 22;
const BREAK_MS = 5 * 60_000;

function frame(points: Props['points'], height: number): View {
  const at = points.map((point) => project(point, 0));
  const [xs, ys] = [at.map((p) => p.x), at.map((p) => p.y)];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const fits = Math.log2(
    Math.min((WIDTH - 2 * PAD) / Math.max(right - left, 1e-9), (height - 2 * PAD) / Math.max(bottom - top, 1e-9)),
  );
  const zoom = Math.floor(Math.max(1, Math.min(CLOSEST, fits)) * 2) / 2;
  const scale = 2 ** zoom;
  return {
    zoom,
    left: Math.round(((left + right) / 2) * scale - WIDTH / 2),
    top: Math.round(((top + bottom) / 2) * scale - height / 2),
    width: WIDTH,
    height,
  };
}

export function Line({ points, label, height = 240, streets }: Props) {
  const view = frame(points, height);
  const [drawn, setDrawn] = useState<Streets | null>(null);
  useEffect(() => {
    let here = true;
    void streets?.(view).then((found) => here && setDrawn(found));
    return () => {
      here = false;
    };
  }, [view.zoom, view.left, view.top]);
  const placed = points.map((point) => {
    const p = project(point, view.zoom);
    return { x: p.x - view.left, y: p.y - view.top, at: point.at ? Date.parse(point.at) : null };
  });
  const path = placed
    .map((p, n) => {
      const before = placed[n - 1];
      const broken = !before || (p.at !== null && before.at !== null && p.at - before.at > BREAK_MS);
      return `${broken ? 'M' : 'L'}${p.x.toFixed(1)} ${p.y.toFixed(1)}`;
    })
    .join('');
  const [first, last] = [placed[0], placed.at(-1)];
  return (
    <svg class="sketch track-line" viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={label}>
      <rect class="sketch-land" width={WIDTH} height={height} />
      {drawn && (
        <g>
          <path class="sketch-park" d={drawn.park} />
          <path class="sketch-water" d={drawn.water} />
          <path class="sketch-small" d={drawn.small} />
          <path class="sketch-big" d={drawn.big} />
        </g>
      )}
      <path d={path} fill="none" stroke="var(--accent)" stroke-width="3.5" stroke-linejoin="round" stroke-linecap="round" />
      {first && <circle cx={first.x} cy={first.y} r="6" fill="var(--panel)" stroke="var(--accent)" stroke-width="3" />}
      {last && <circle cx={last.x} cy={last.y} r="7" fill="var(--accent)" stroke="var(--panel)" stroke-width="2" />}
    </svg>
  );
}
