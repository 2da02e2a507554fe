/** A small chart: lines over days or hours, bars over names. uPlot draws; we say what. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { dark } from '@shared/theme';

export interface Series {
  name: string;
  values: (number | null)[];
  dash?: number[];
}

// Okabe–Ito: told apart by the colour-blind; dashes help where lines cross.
const INK = { light: ['#0072b2', '#b35900', '#7a3c8f'], dark: ['#6cc0ff', '#f3b45c', '#d7a3e6'] };
const HEIGHT = 220;

function axes(groups: string[], ink: string, grid: string): uPlot.Axis[] {
  const base = {
    stroke: ink,
    grid: { stroke: grid, width: 1 },
    ticks: { stroke: grid, width: 1 },
    font: '12px system-ui, sans-serif',
  };
  return [
    {
      ...base,
      grid: { show: false },
      splits: () => groups.map((_, n) => n),
      values: (_: uPlot, at: number[]) => at.map((n) => groups[n] ?? ''),
      space: 44,
      rotate: groups.length > 9 ? -35 : 0,
      size: groups.length > 9 ? 62 : 34,
    },
    { ...base, size: 46 },
  ];
}

export default function Plot({
  groups,
  series,
  bars,
  top,
  label,
}: {
  groups: string[];
  series: Series[];
  bars: boolean;
  top?: number;
  label: string;
}) {
  const box = useRef<HTMLDivElement>(null);
  const night = dark.value;
  useEffect(() => {
    const host = box.current;
    if (!host) return;
    const inks = INK[night ? 'dark' : 'light'];
    const paths = (n: number): uPlot.Series.PathBuilder | undefined =>
      bars
        ? uPlot.paths.bars?.({ size: [0.78 / series.length, 34], align: series.length === 1 ? 0 : ((n - 1) as -1 | 0 | 1) })
        : undefined;
    const plot = new uPlot(
      {
        width: host.clientWidth,
        height: HEIGHT,
        cursor: { y: false, drag: { x: false, y: false } },
        legend: { live: true },
        scales: {
          x: { time: false, range: [-0.6, groups.length - 0.4] },
          y: { range: (_, __, max) => [0, top ?? Math.max(1, max * 1.12)] },
        },
        axes: axes(groups, night ? '#b6c3cc' : '#46545f', night ? '#2c3a44' : '#dfe5ea'),
        series: [
          { label: ' ', value: (_, n) => (n === null ? '' : (groups[n] ?? '')) },
          ...series.map((one, n) => ({
            label: one.name,
            stroke: inks[n % inks.length] ?? '#000',
            width: 2,
            ...(one.dash ? { dash: one.dash } : {}),
            points: { show: !bars, size: 6 },
            ...(bars ? { fill: `${inks[n % inks.length]}cc`, paths: paths(n) as uPlot.Series.PathBuilder } : {}),
            value: (_: uPlot, value: number | null) => (value === null ? '—' : value.toFixed(1)),
          })),
        ],
      },
      [groups.map((_, n) => n), ...series.map((one) => one.values)],
      host,
    );
    const resize = new ResizeObserver(() => plot.setSize({ width: host.clientWidth, height: HEIGHT }));
    resize.observe(host);
    return () => {
      resize.disconnect();
      plot.destroy();
    };
  }, [JSON.stringify(groups), JSON.stringify(series), bars, top, night]);
  return <div ref={box} class="plot" role="img" aria-label={label} />;
}
