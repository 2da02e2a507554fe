/** Surveyors' marks drawn by the graphics card in two calls: ten thousand dots cost no more than a few layout passes of text. */
import type { CustomLayerInterface, CustomRenderMethodInput, Map as GlMap } from 'maplibre-gl';
import { scaled } from '@shared/map/marks';
import type { Id } from '@shared/types';
import { columns, link, overAll, screenOf, shifted, texture, type Uniforms } from './drawn';
import type { Dot } from './gather';
import { HEADING_PX, MARK_PX, sheet, SURVEYOR_STATES } from './shapes';

const COLUMNS: [string, number][] = [
  ['a_place', 2],
  ['a_aside', 2],
  ['a_mark', 1],
  ['a_opacity', 1],
  ['a_heading', 1],
];
const FLOATS = 7;
const SCALE = 2;
const CELLS = SURVEYOR_STATES.length + 1;
/** Arrows are for a street, not for a country. */
const HEADING_ZOOM = 11;

const VERTEX = `#version 300 es
uniform mat4 u_matrix;
uniform vec2 u_pixel;
uniform float u_size;
uniform bool u_arrows;
in vec2 a_place;
in vec2 a_aside;
in float a_mark;
in float a_opacity;
in float a_heading;
out float v_mark;
out float v_opacity;
out vec2 v_turn;
void main() {
  gl_Position = u_matrix * vec4(a_place, 0.0, 1.0);
  gl_Position.xy += a_aside * u_pixel * gl_Position.w;
  gl_PointSize = u_size;
  v_mark = a_mark;
  v_opacity = a_opacity;
  v_turn = vec2(1.0, 0.0);
  if (u_arrows) {
    v_mark = ${CELLS - 1}.0;
    if (a_heading < 0.0) gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
    float turn = radians(a_heading);
    v_turn = vec2(cos(turn), sin(turn));
  }
}`;
const FRAGMENT = `#version 300 es
precision mediump float;
uniform sampler2D u_sheet;
uniform float u_share;
in float v_mark;
in float v_opacity;
in vec2 v_turn;
out vec4 colour;
void main() {
  vec2 p = (gl_PointCoord - 0.5) * u_share;
  p = vec2(p.x * v_turn.x + p.y * v_turn.y, p.y * v_turn.x - p.x * v_turn.y);
  // Nothing of the neighbour in the corners of a turned square. No discard: it is slow where no card draws.
  float inside = step(abs(p.x), 0.5) * step(abs(p.y), 0.5);
  colour = texture(u_sheet, vec2((v_mark + p.x + 0.5) / ${CELLS}.0, p.y + 0.5)) * v_opacity * inside;
}`;

/** A program that measures the screen may ask, after every drawing, where a surveyor was drawn (bench/live.py does). */
type Probe = (find: (id: Id) => { x: number; y: number } | null, gl: WebGL2RenderingContext) => void;
declare global {
  interface Window {
    chakanProbe?: Probe;
  }
}

export class DotLayer implements CustomLayerInterface {
  readonly id = 'surveyor';
  readonly type = 'custom' as const;
  private map: GlMap | null = null;
  private program: WebGLProgram | null = null;
  private at: Uniforms = {};
  private buffer: WebGLBuffer | null = null;
  private texture: WebGLTexture | null = null;
  private array: WebGLVertexArrayObject | null = null;
  private values = new Float32Array(0);
  private origin: [number, number] = [0, 0];
  private fresh = false;
  private moving = 0;
  dots: Dot[] = [];

  constructor(private readonly dark: boolean) {}

  onAdd(map: GlMap, gl: WebGL2RenderingContext): void {
    this.map = map;
    const { program, at } = link(gl, VERTEX, FRAGMENT, ['u_matrix', 'u_pixel', 'u_size', 'u_share', 'u_sheet', 'u_arrows']);
    [this.program, this.at] = [program, at];
    this.buffer = gl.createBuffer();
    this.array = gl.createVertexArray();
    gl.bindVertexArray(this.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    columns(gl, program, COLUMNS);
    gl.bindVertexArray(null);
    this.texture = texture(gl, sheet(this.dark, SCALE));
  }

  onRemove(_map: GlMap, gl: WebGL2RenderingContext): void {
    gl.deleteProgram(this.program);
    gl.deleteBuffer(this.buffer);
    gl.deleteTexture(this.texture);
    gl.deleteVertexArray(this.array);
    this.map = null;
  }

  /** What is to be drawn from now on. */
  show(dots: Dot[]): void {
    // Drawn in this order: those who can be asked lie on top.
    const order = { off: 0, stale: 1, busy: 2, idle: 3, offered: 4 };
    this.dots = [...dots].sort((a, b) => order[a.state] - order[b.state]);
    const first = this.dots[0];
    this.origin = first ? [first.x, first.y] : [0, 0];
    if (this.values.length < this.dots.length * FLOATS) this.values = new Float32Array(this.dots.length * FLOATS * 2);
    this.moving = 0;
    this.dots.forEach((dot, n) => {
      const at = n * FLOATS;
      this.values[at] = dot.x - this.origin[0];
      this.values[at + 1] = dot.y - this.origin[1];
      this.values[at + 2] = dot.aside[0];
      this.values[at + 3] = -dot.aside[1];
      this.values[at + 4] = SURVEYOR_STATES.indexOf(dot.state);
      this.values[at + 5] = dot.opacity;
      this.values[at + 6] = dot.heading;
      if (dot.heading >= 0) this.moving += 1;
    });
    this.fresh = true;
    this.map?.triggerRepaint();
  }

  render(gl: WebGL2RenderingContext, { defaultProjectionData }: CustomRenderMethodInput): void {
    const { map, program } = this;
    if (!map || !program) return;
    gl.useProgram(program);
    gl.bindVertexArray(this.array);
    if (this.fresh) {
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
      gl.bufferData(gl.ARRAY_BUFFER, this.values.subarray(0, this.dots.length * FLOATS), gl.DYNAMIC_DRAW);
      this.fresh = false;
    }
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    const ratio = map.getPixelRatio();
    const canvas = map.getCanvas();
    const { at } = this;
    const matrix = defaultProjectionData.mainMatrix as unknown as number[];
    gl.uniformMatrix4fv(at.u_matrix ?? null, false, shifted(matrix, this.origin));
    gl.uniform2f(at.u_pixel ?? null, scaled(2 * ratio) / canvas.width, scaled(2 * ratio) / canvas.height);
    gl.uniform1i(at.u_sheet ?? null, 0);
    overAll(gl);
    const draw = (size: number, arrows: boolean) => {
      gl.uniform1f(at.u_size ?? null, scaled(size * ratio));
      gl.uniform1f(at.u_share ?? null, size / HEADING_PX);
      gl.uniform1i(at.u_arrows ?? null, arrows ? 1 : 0);
      gl.drawArrays(gl.POINTS, 0, this.dots.length);
    };
    if (this.moving && map.getZoom() >= HEADING_ZOOM) draw(HEADING_PX, true);
    draw(MARK_PX, false);
    gl.bindVertexArray(null);
    window.chakanProbe?.((id) => this.pixelOf(id, ratio, canvas.height), gl);
  }

  private pixelOf(id: Id, ratio: number, height: number): { x: number; y: number } | null {
    const dot = this.dots.find((one) => one.id === id);
    const at = dot && this.screen()(dot);
    return at ? { x: at[0] * ratio, y: height - at[1] * ratio } : null;
  }

  private screen(): (dot: Dot) => [number, number] {
    const place = screenOf(this.map);
    return (dot) => {
      const [left, top] = place(dot);
      return [left + scaled(dot.aside[0]), top + scaled(dot.aside[1])];
    };
  }

  /** The topmost dot within reach of a point of the screen. */
  under(x: number, y: number, reach: number): Dot | null {
    const place = this.screen();
    let best: Dot | null = null;
    let near = reach;
    for (const dot of this.dots) {
      const [left, top] = place(dot);
      const distance = Math.hypot(left - x, top - y);
      if (distance <= near) [best, near] = [dot, distance];
    }
    return best;
  }
}
