/** One picture of everything that is not a surveyor: jobs' pins, piles of jobs, circles of people, and the figures on them. */
import { COLOURS, type Colours, type Draw, type JobLook, outline } from './shapes';

/** Where a picture lies in the sheet (its centre) and how it is put on the map; all in CSS pixels. */
export interface Cell {
  x: number;
  y: number;
  width: number;
  height: number;
  /** From the place to the picture's centre and to the middle of its label, downwards. */
  up: number;
  label: number;
  /** How far from its centre it can be pressed. */
  reach: [number, number];
}
export interface Sign {
  x: number;
  y: number;
  width: number;
  height: number;
  /** How far the next sign stands from this one. */
  step: number;
}
export interface Picture {
  canvas: HTMLCanvasElement;
  width: number;
  height: number;
  cells: Record<string, Cell>;
  signs: Record<string, Sign>;
}

const SCALE = 2;
const SIDE = 60;
const ACROSS = 8;
const PIN_PX = 46;
const SIGN = { width: 14, height: 14, px: 13 };
const SIGNS = '0123456789−h!·.k';
const FONT = '"Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif';
const LOOKS: readonly JobLook[] = ['ok', 'risk', 'late', 'paused', 'none'];
/** A circle's radius by how many are in it. */
const CIRCLES = [14, 18, 22, 26];
export const circleOf = (count: number): string => `circle-${count < 10 ? 0 : count < 50 ? 1 : count < 200 ? 2 : 3}`;

function pinPath(pen: CanvasRenderingContext2D, c: number, look: JobLook): void {
  const top = 17;
  pen.beginPath();
  if (look === 'late') {
    // An octagon, like a stop sign.
    const r = 14.5;
    for (let n = 0; n < 8; n += 1)
      pen.lineTo(c + r * Math.cos((Math.PI / 8) * (2 * n + 1)), top + r * Math.sin((Math.PI / 8) * (2 * n + 1)));
  } else if (look === 'risk') {
    pen.roundRect(c - 13, top - 13, 26, 26, 5);
  } else {
    pen.arc(c, top, 13, 0, 7);
  }
  pen.closePath();
}

/** A job that is handed in: a small ring with a tick, at the place itself. */
const quiet =
  (colours: Colours): Draw =>
  (pen, size) => {
    const [x, y] = [size / 2, 40];
    pen.beginPath();
    pen.arc(x, y - 6, 5.5, 0, 7);
    pen.lineWidth = 2;
    pen.fillStyle = colours.ring;
    pen.fill();
    pen.strokeStyle = colours.urgency.done;
    pen.stroke();
    pen.beginPath();
    pen.moveTo(x - 2.4, y - 6);
    pen.lineTo(x - 0.6, y - 4.2);
    pen.lineTo(x + 2.6, y - 8);
    pen.lineWidth = 1.5;
    pen.stroke();
  };

/** Several jobs in time: two sheets, one behind the other, so that it is no surveyors' circle. */
const many =
  (colours: Colours): Draw =>
  (pen) => {
    pen.fillStyle = colours.urgency.ok;
    pen.strokeStyle = colours.ring;
    pen.lineWidth = 2;
    for (const [x, y] of [
      [9, 5],
      [5, 9],
    ] as const) {
      pen.beginPath();
      pen.roundRect(x, y, 26, 26, 6);
      pen.fill();
      pen.stroke();
    }
  };

const pin =
  (look: JobLook, colours: Colours): Draw =>
  (pen, size) => {
    const c = size / 2;
    pen.fillStyle = colours.urgency[look];
    pen.strokeStyle = colours.ring;
    pen.lineWidth = 2.5;
    pen.lineJoin = 'round';
    outline(pen, [
      [c - 6, 28],
      [c + 6, 28],
      [c, 41],
    ]);
    pen.stroke();
    pinPath(pen, c, look);
    pen.stroke();
    pen.fill();
    outline(pen, [
      [c - 6, 28],
      [c + 6, 28],
      [c, 41],
    ]);
    pen.fill();
  };

const circle =
  (radius: number, dark: boolean, colours: Colours): Draw =>
  (pen, size) => {
    pen.beginPath();
    pen.arc(size / 2, size / 2, radius, 0, 7);
    pen.globalAlpha = 0.85;
    pen.fillStyle = colours.state.busy;
    pen.fill();
    pen.globalAlpha = 1;
    pen.beginPath();
    pen.arc(size / 2, size / 2, radius + 1, 0, 7);
    pen.lineWidth = 2;
    pen.strokeStyle = dark ? '#10171c' : '#ffffff';
    pen.stroke();
  };

interface Wanted {
  name: string;
  draw: Draw;
  size: number;
  /** What of the square has ink, from its middle: empty pixels cost a software renderer as much as full ones. */
  ink: [number, number];
  up: number;
  label: number;
  reach: [number, number];
}

/** A pin stands on its place with the point; its head, where the minutes are, is 24 pixels above it. */
function wanted(dark: boolean, colours: Colours): Wanted[] {
  const standing = {
    size: PIN_PX,
    ink: [34, 44] as [number, number],
    up: 5 - PIN_PX / 2,
    label: -24,
    reach: [15, 20] as [number, number],
  };
  return [
    ...LOOKS.map((look) => ({ ...standing, name: `job-${look}`, draw: pin(look, colours) })),
    { ...standing, name: 'job-done', draw: quiet(colours) },
    { name: 'job-many', draw: many(colours), size: 40, ink: [40, 40], up: 0, label: 0, reach: [18, 18] },
    ...CIRCLES.map((radius, n) => ({
      name: `circle-${n}`,
      draw: circle(radius, dark, colours),
      size: 2 * radius + 6,
      ink: [2 * radius + 5, 2 * radius + 5] as [number, number],
      up: 0,
      label: 0,
      reach: [radius, radius] as [number, number],
    })),
  ];
}

function drawSigns(pen: CanvasRenderingContext2D, dark: boolean, top: number): Record<string, Sign> {
  pen.setTransform(SCALE, 0, 0, SCALE, 0, 0);
  pen.font = `500 ${SIGN.px}px ${FONT}`;
  pen.textAlign = 'center';
  pen.textBaseline = 'alphabetic';
  pen.fillStyle = dark ? '#08131a' : '#ffffff';
  const { actualBoundingBoxAscent: tall } = pen.measureText('0');
  return Object.fromEntries(
    [...SIGNS].map((sign, n) => {
      const [x, y] = [SIGN.width * (n + 0.5), top + SIGN.height / 2];
      pen.fillText(sign, x, y + tall / 2);
      return [sign, { x, y, width: SIGN.width, height: SIGN.height, step: pen.measureText(sign).width }];
    }),
  );
}

/** Draws the sheet for a theme. */
export function pictures(dark: boolean): Picture {
  const colours = COLOURS[dark ? 'dark' : 'light'];
  const all = wanted(dark, colours);
  const top = SIDE * Math.ceil(all.length / ACROSS);
  const [width, height] = [SIDE * ACROSS, top + SIGN.height];
  const canvas = document.createElement('canvas');
  canvas.width = width * SCALE;
  canvas.height = height * SCALE;
  const pen = canvas.getContext('2d');
  if (!pen) return { canvas, width, height, cells: {}, signs: {} };
  const cells = Object.fromEntries(
    all.map(({ name, draw, size, ink, up, label, reach }, n) => {
      const [x, y] = [SIDE * ((n % ACROSS) + 0.5), SIDE * (Math.floor(n / ACROSS) + 0.5)];
      pen.setTransform(SCALE, 0, 0, SCALE, (x - size / 2) * SCALE, (y - size / 2) * SCALE);
      draw(pen, size);
      return [name, { x, y, width: ink[0], height: ink[1], up, label, reach }];
    }),
  );
  return { canvas, width, height, cells, signs: drawSigns(pen, dark, top) };
}
