/** What was said against what came true, drawn: the nearer to the dashed line, the more honest. Text for every mark in the table beside it. */
import { percent } from '@shared/format';
import type { ForecastPart } from '@shared/types';
import { t } from './words';

const SIDE = 320;
const PAD = { left: 58, right: 24, top: 12, bottom: 46 };
const pct = (share: number) => percent(share * 100);
/** The smallest and the largest mark; its area is the number of cases. */
const LEAST_R = 3.5;
const MOST_R = 9;

const marked = (part: ForecastPart) =>
  t('partTitle', { said: pct(part.said), true: pct(part.came_true), low: pct(part.low), high: pct(part.high), n: part.count }) +
  (part.few ? ` · ${t('fewCases')}` : '');

function Mark({ part, x, y, r }: { part: ForecastPart; x: number; y: (share: number) => number; r: number }) {
  return (
    <g class={part.few ? 'mark few' : 'mark'}>
      <title>{marked(part)}</title>
      <line x1={x} x2={x} y1={y(part.low)} y2={y(part.high)} />
      <line x1={x - 3} x2={x + 3} y1={y(part.low)} y2={y(part.low)} />
      <line x1={x - 3} x2={x + 3} y1={y(part.high)} y2={y(part.high)} />
      <circle cx={x} cy={y(part.came_true)} r={r} />
    </g>
  );
}

const FIFTHS = [0, 0.2, 0.4, 0.6, 0.8, 1];

function Side({ y, width }: { y: (share: number) => number; width: number }) {
  return (
    <>
      {FIFTHS.map((share) => (
        <g key={share}>
          <line class="grid" x1={PAD.left} x2={PAD.left + width} y1={y(share)} y2={y(share)} />
          <text x={PAD.left - 8} y={y(share) + 4} text-anchor="end">
            {Math.round(share * 100)}%
          </text>
        </g>
      ))}
      <text class="axis" transform={`translate(13 ${PAD.top + y(0) / 2}) rotate(-90)`} text-anchor="middle">
        {t('cameTrue')}
      </text>
    </>
  );
}

/** The curve of reliability; over the line things happened more often than said, under it less often. */
export function Reliability({ parts, label }: { parts: ForecastPart[]; label: string }) {
  const x = (share: number) => PAD.left + share * SIDE;
  const y = (share: number) => PAD.top + (1 - share) * SIDE;
  const most = Math.max(1, ...parts.map((part) => part.count));
  const sure = parts.filter((part) => !part.few);
  return (
    <svg
      class="honesty square"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${PAD.left + SIDE + PAD.right} ${PAD.top + SIDE + PAD.bottom}`}
    >
      <polygon class="above" points={`${x(0)},${y(0)} ${x(0)},${y(1)} ${x(1)},${y(1)}`} />
      <polygon class="below" points={`${x(0)},${y(0)} ${x(1)},${y(0)} ${x(1)},${y(1)}`} />
      <Side y={y} width={SIDE} />
      {FIFTHS.map((share) => (
        <text key={share} x={x(share)} y={y(0) + 18} text-anchor="middle">
          {Math.round(share * 100)}%
        </text>
      ))}
      <text class="axis" x={x(0.5)} y={y(0) + 38} text-anchor="middle">
        {t('said')}
      </text>
      <text class="hint" x={x(0.04)} y={y(0.93)}>
        {t('aboveLine')}
      </text>
      <text class="hint" x={x(0.97)} y={y(0.04)} text-anchor="end">
        {t('belowLine')}
      </text>
      <line class="ideal" x1={x(0)} y1={y(0)} x2={x(1)} y2={y(1)} />
      <polyline class="curve" points={sure.map((part) => `${x(part.said)},${y(part.came_true)}`).join(' ')} />
      {parts.map((part) => (
        <Mark
          key={part.said}
          part={part}
          x={x(part.said)}
          y={y}
          r={LEAST_R + (MOST_R - LEAST_R) * Math.sqrt(part.count / most)}
        />
      ))}
    </svg>
  );
}

const WIDE = 460;
const HIGH = 200;

/** The same by age or hour: a mark for what came true, a short bar for what was said. */
export function ByPart({
  parts,
  places,
  name,
  label,
}: {
  parts: ForecastPart[];
  places: number[];
  name: (place: number) => string;
  label: string;
}) {
  const step = WIDE / places.length;
  const x = (since: number) => PAD.left + step * (places.indexOf(since) + 0.5);
  const y = (share: number) => PAD.top + (1 - share) * HIGH;
  const every = places.length > 8 ? 3 : 1;
  return (
    <svg
      class="honesty"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${PAD.left + WIDE + PAD.right} ${PAD.top + HIGH + PAD.bottom - 14}`}
    >
      <Side y={y} width={WIDE} />
      {places.map((place, n) =>
        n % every ? null : (
          <text key={place} x={x(place)} y={y(0) + 18} text-anchor="middle">
            {name(place)}
          </text>
        ),
      )}
      {parts.map((part) => {
        const at = x(part.since ?? 0);
        const half = Math.min(16, step * 0.42);
        return (
          <g key={part.since}>
            <line class="ideal solid" x1={at - half} x2={at + half} y1={y(part.said)} y2={y(part.said)} />
            <Mark part={part} x={at} y={y} r={every > 1 ? 4 : 5.5} />
          </g>
        );
      })}
    </svg>
  );
}
