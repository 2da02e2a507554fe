/** Marks for the map, drawn once per theme. Each state has its own shape, so that colour is never the only sign. */
import type { Map as GlMap } from 'maplibre-gl';
import type { SurveyorState } from '@shared/types';
import type { Urgency } from '@shared/ui';

const SCALE = 2;
export interface Colours {
  ring: string;
  ink: string;
  state: Record<SurveyorState, string>;
  urgency: Record<JobLook, string>;
}
export type JobLook = Urgency | 'none';

export const COLOURS: Record<'light' | 'dark', Colours> = {
  light: {
    ring: '#ffffff',
    ink: '#ffffff',
    state: { idle: '#0a7a52', offered: '#8a3fa0', busy: '#00599c', stale: '#8a4b00', off: '#6b7780' },
    urgency: { ok: '#0a7a52', risk: '#c46a00', late: '#b3261e', done: '#5d6b77', paused: '#5d6b77', none: '#5d6b77' },
  },
  dark: {
    ring: '#0d1418',
    ink: '#08131a',
    state: { idle: '#4fd09b', offered: '#d7a3e6', busy: '#79b9f2', stale: '#f0ad4e', off: '#95a3ad' },
    urgency: { ok: '#4fd09b', risk: '#f5b25a', late: '#ff8b81', done: '#95a3ad', paused: '#95a3ad', none: '#95a3ad' },
  },
};

type Draw = (pen: CanvasRenderingContext2D, size: number) => void;

export function picture(map: GlMap, name: string, size: number, draw: Draw): void {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size * SCALE;
  const pen = canvas.getContext('2d');
  if (!pen) return;
  pen.scale(SCALE, SCALE);
  draw(pen, size);
  if (map.hasImage(name)) map.removeImage(name);
  map.addImage(name, pen.getImageData(0, 0, canvas.width, canvas.height), { pixelRatio: SCALE });
}

function outline(pen: CanvasRenderingContext2D, points: [number, number][]): void {
  pen.beginPath();
  points.forEach(([x, y], n) => (n ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.closePath();
}

const PATHS: Record<SurveyorState, (pen: CanvasRenderingContext2D, c: number) => void> = {
  idle: (pen, c) => {
    pen.beginPath();
    pen.arc(c, c, 8, 0, 7);
  },
  offered: (pen, c) =>
    outline(pen, [
      [c, c - 10],
      [c + 10, c],
      [c, c + 10],
      [c - 10, c],
    ]),
  busy: (pen, c) => {
    pen.beginPath();
    pen.roundRect(c - 8, c - 8, 16, 16, 3);
  },
  stale: (pen, c) =>
    outline(pen, [
      [c, c - 10],
      [c + 10, c + 8],
      [c - 10, c + 8],
    ]),
  off: (pen, c) => {
    pen.beginPath();
    pen.arc(c, c, 5, 0, 7);
  },
};

const SIGNS: Record<SurveyorState, (pen: CanvasRenderingContext2D, c: number) => void> = {
  idle: (pen, c) => {
    pen.beginPath();
    pen.moveTo(c - 3.5, c);
    pen.lineTo(c - 1, c + 3);
    pen.lineTo(c + 4, c - 3);
    pen.stroke();
  },
  offered: (pen, c) => {
    pen.beginPath();
    pen.arc(c, c, 3.2, 0, 7);
    pen.stroke();
  },
  busy: (pen, c) => {
    pen.beginPath();
    pen.moveTo(c - 4, c - 2.5);
    pen.lineTo(c + 4, c - 2.5);
    pen.moveTo(c - 4, c + 2.5);
    pen.lineTo(c + 4, c + 2.5);
    pen.stroke();
  },
  stale: (pen, c) => {
    pen.beginPath();
    pen.moveTo(c, c - 3);
    pen.lineTo(c, c + 2);
    pen.moveTo(c, c + 4.6);
    pen.lineTo(c, c + 5);
    pen.stroke();
  },
  off: () => undefined,
};

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
function quiet(map: GlMap, colours: Colours): void {
  picture(map, 'job-done', 46, (pen, size) => {
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
  });
}

function pin(map: GlMap, look: JobLook, colours: Colours): void {
  picture(map, `job-${look}`, 46, (pen, size) => {
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
  });
}

export const SURVEYOR_STATES: readonly SurveyorState[] = ['idle', 'offered', 'busy', 'stale', 'off'];
export const JOB_LOOKS: readonly JobLook[] = ['ok', 'risk', 'late', 'paused', 'none'];

/** Puts all marks into the map's style; needed again after each change of style. */
export function addShapes(map: GlMap, dark: boolean): void {
  const colours = COLOURS[dark ? 'dark' : 'light'];
  for (const state of SURVEYOR_STATES) {
    picture(map, `surveyor-${state}`, 28, (pen, size) => {
      const c = size / 2;
      PATHS[state](pen, c);
      pen.lineJoin = pen.lineCap = 'round';
      pen.strokeStyle = colours.ring;
      pen.lineWidth = 4;
      pen.stroke();
      pen.fillStyle = colours.state[state];
      pen.fill();
      pen.strokeStyle = colours.ink;
      pen.lineWidth = 2;
      SIGNS[state](pen, c);
    });
  }
  picture(map, 'heading', 44, (pen, size) => {
    const c = size / 2;
    outline(pen, [
      [c, c - 17],
      [c + 4.5, c - 10.5],
      [c - 4.5, c - 10.5],
    ]);
    pen.fillStyle = dark ? '#e8eef2' : '#16222b';
    pen.strokeStyle = colours.ring;
    pen.lineWidth = 1.5;
    pen.stroke();
    pen.fill();
  });
  for (const look of JOB_LOOKS) pin(map, look, colours);
  quiet(map, colours);
}
