/** Surveyors' marks drawn by the graphics card in two calls: ten thousand dots cost no more than a few layout passes of text. */
import type { CustomLayerInterface, CustomRenderMethodInput, Map as GlMap } from 'maplibre-gl';
import type { Id } from '@shared/types';
import { type Dot, onSquare } from './gather';
import { HEADING_PX, sheet, SURVEYOR_STATES } from './shapes';

const FLOATS = 7;
const SCALE = 2;
const CELLS = SURVEYOR_STATES.length + 1;
/** Arrows are for a street, not for a country. */
const HEADING_ZOOM = 11;

// Places are given relative to an origin near the view: a 32-bit float alone is metres wide in China.
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
in float v_mark;
in float v_opacity;
in vec2 v_turn;
out vec4 colour;
void main() {
  vec2 p = gl_PointCoord - 0.5;
  p = vec2(p.x * v_turn.x + p.y * v_turn.y, p.y * v_turn.x - p.x * v_turn.y) + 0.5;
  if (p.x < 0.0 || p.x > 1.0 || p.y < 0.0 || p.y > 1.0) discard;
  colour = texture(u_sheet, vec2((v_mark + p.x) / ${CELLS}.0, p.y)) * v_opacity;
  if (colour.a < 0.01) discard;
}`;

function compile(gl: WebGL2RenderingContext, kind: number, text: string): WebGLShader {
  const shader = gl.createShader(kind);
  if (!shader) throw new Error('no shader');
  gl.shaderSource(shader, text);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader) ?? 'no shader');
  return shader;
}

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
    const program = gl.createProgram();
    if (!program) return;
    gl.attachShader(program, compile(gl, gl.VERTEX_SHADER, VERTEX));
    gl.attachShader(program, compile(gl, gl.FRAGMENT_SHADER, FRAGMENT));
    gl.linkProgram(program);
    this.program = program;
    this.buffer = gl.createBuffer();
    this.array = gl.createVertexArray();
    gl.bindVertexArray(this.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    let at = 0;
    for (const [name, size] of [
      ['a_place', 2],
      ['a_aside', 2],
      ['a_mark', 1],
      ['a_opacity', 1],
      ['a_heading', 1],
    ] as const) {
      const slot = gl.getAttribLocation(program, name);
      if (slot >= 0) {
        gl.enableVertexAttribArray(slot);
        gl.vertexAttribPointer(slot, size, gl.FLOAT, false, FLOATS * 4, at);
      }
      at += size * 4;
    }
    gl.bindVertexArray(null);
    this.texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, true);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, sheet(this.dark, SCALE));
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
    for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, filter, gl.LINEAR);
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
    const set = (name: string) => gl.getUniformLocation(program, name);
    gl.uniformMatrix4fv(set('u_matrix'), false, this.shifted(defaultProjectionData.mainMatrix as unknown as number[]));
    gl.uniform2f(set('u_pixel'), (2 * ratio) / canvas.width, (2 * ratio) / canvas.height);
    gl.uniform1f(set('u_size'), HEADING_PX * ratio);
    gl.uniform1i(set('u_sheet'), 0);
    gl.disable(gl.DEPTH_TEST);
    gl.disable(gl.STENCIL_TEST);
    gl.disable(gl.CULL_FACE);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    if (this.moving && map.getZoom() >= HEADING_ZOOM) {
      gl.uniform1i(set('u_arrows'), 1);
      gl.drawArrays(gl.POINTS, 0, this.dots.length);
    }
    gl.uniform1i(set('u_arrows'), 0);
    gl.drawArrays(gl.POINTS, 0, this.dots.length);
    gl.bindVertexArray(null);
    window.chakanProbe?.((id) => this.pixelOf(id, ratio, canvas.height), gl);
  }

  /** The matrix for places relative to the origin, summed in 64 bits. */
  private shifted(matrix: ArrayLike<number>): Float32Array {
    const shifted = Float64Array.from(matrix);
    const [x, y] = this.origin;
    for (let row = 0; row < 4; row += 1)
      shifted[12 + row] = (matrix[row] ?? 0) * x + (matrix[4 + row] ?? 0) * y + (matrix[12 + row] ?? 0);
    return Float32Array.from(shifted);
  }

  private pixelOf(id: Id, ratio: number, height: number): { x: number; y: number } | null {
    const dot = this.dots.find((one) => one.id === id);
    const at = dot && this.screen()(dot);
    return at ? { x: at[0] * ratio, y: height - at[1] * ratio } : null;
  }

  /** Tells where dots stand on the screen now, in CSS pixels. */
  private screen(): (dot: Dot) => [number, number] {
    const map = this.map;
    if (!map) return () => [-1e6, -1e6];
    const { lng, lat } = map.getCenter();
    const world = 512 * 2 ** map.getZoom();
    const { clientWidth, clientHeight } = map.getCanvas();
    const middle = onSquare(lng, lat);
    return ({ x, y, aside }) => [
      clientWidth / 2 + (x - middle.x) * world + aside[0],
      clientHeight / 2 + (y - middle.y) * world + aside[1],
    ];
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
