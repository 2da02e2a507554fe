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

export type Draw = (pen: CanvasRenderingContext2D, size: number) => void;

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

export function outline(pen: CanvasRenderingContext2D, points: [number, number][]): void {
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

export const SURVEYOR_STATES: readonly SurveyorState[] = ['idle', 'offered', 'busy', 'stale', 'off'];

/** The size of a surveyor's mark and of the arrow around it, in CSS pixels. */
export const MARK_PX = 28;
export const HEADING_PX = 44;

function mark(pen: CanvasRenderingContext2D, state: SurveyorState, colours: Colours): void {
  const c = MARK_PX / 2;
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
}

function arrow(pen: CanvasRenderingContext2D, dark: boolean, colours: Colours): void {
  const c = HEADING_PX / 2;
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
}

/** All surveyors' marks side by side, the arrow last, each in a square of HEADING_PX: what the dots are drawn from. */
export function sheet(dark: boolean, scale: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = HEADING_PX * scale * (SURVEYOR_STATES.length + 1);
  canvas.height = HEADING_PX * scale;
  const pen = canvas.getContext('2d');
  if (!pen) return canvas;
  const colours = COLOURS[dark ? 'dark' : 'light'];
  const margin = (HEADING_PX - MARK_PX) / 2;
  SURVEYOR_STATES.forEach((state, n) => {
    pen.setTransform(scale, 0, 0, scale, (n * HEADING_PX + margin) * scale, margin * scale);
    mark(pen, state, colours);
  });
  pen.setTransform(scale, 0, 0, scale, SURVEYOR_STATES.length * HEADING_PX * scale, 0);
  arrow(pen, dark, colours);
  return canvas;
}
