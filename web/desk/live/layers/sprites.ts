/** Pins and circles with figures on them, drawn in one call from one picture: no tiles, no text layout, no worker. */
import type { CustomLayerInterface, CustomRenderMethodInput, Map as GlMap } from 'maplibre-gl';
import { scaled } from '@shared/map/marks';
import { columns, link, overAll, screenOf, shifted, texture, type Uniforms } from './drawn';
import { type Picture, pictures } from './pictures';

export interface Sprite {
  /** Its place on the Mercator square (0…1). */
  x: number;
  y: number;
  picture: string;
  label: string;
}

const COLUMNS: [string, number][] = [
  ['a_place', 2],
  ['a_aside', 2],
  ['a_size', 2],
  ['a_cell', 2],
];
const FLOATS = 8;
const NAMES = ['u_matrix', 'u_pixel', 'u_sheet', 'u_sheet_size'] as const;
const VERTEX = `#version 300 es
uniform mat4 u_matrix;
uniform vec2 u_pixel;
uniform vec2 u_sheet_size;
in vec2 a_place;
in vec2 a_aside;
in vec2 a_size;
in vec2 a_cell;
out vec2 v_at;
void main() {
  vec2 corner = vec2(float(gl_VertexID & 1), float(gl_VertexID >> 1)) - 0.5;
  gl_Position = u_matrix * vec4(a_place, 0.0, 1.0);
  vec2 off = a_aside + corner * a_size;
  gl_Position.xy += vec2(off.x, -off.y) * u_pixel * gl_Position.w;
  v_at = (a_cell + corner * a_size) / u_sheet_size;
}`;
const FRAGMENT = `#version 300 es
precision mediump float;
uniform sampler2D u_sheet;
in vec2 v_at;
out vec4 colour;
void main() {
  colour = texture(u_sheet, v_at);
}`;

export class SpriteLayer implements CustomLayerInterface {
  readonly type = 'custom' as const;
  private map: GlMap | null = null;
  private program: WebGLProgram | null = null;
  private at: Uniforms = {};
  private buffer: WebGLBuffer | null = null;
  private texture: WebGLTexture | null = null;
  private array: WebGLVertexArrayObject | null = null;
  private values = new Float32Array(0);
  private count = 0;
  private origin: [number, number] = [0, 0];
  private fresh = false;
  private readonly sheet: Picture;
  private sprites: readonly Sprite[] = [];

  constructor(
    readonly id: string,
    dark: boolean,
  ) {
    this.sheet = pictures(dark);
  }

  onAdd(map: GlMap, gl: WebGL2RenderingContext): void {
    this.map = map;
    const { program, at } = link(gl, VERTEX, FRAGMENT, NAMES);
    [this.program, this.at] = [program, at];
    this.buffer = gl.createBuffer();
    this.array = gl.createVertexArray();
    gl.bindVertexArray(this.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    columns(gl, program, COLUMNS, 1);
    gl.bindVertexArray(null);
    this.texture = texture(gl, this.sheet.canvas);
  }

  onRemove(_map: GlMap, gl: WebGL2RenderingContext): void {
    gl.deleteProgram(this.program);
    gl.deleteBuffer(this.buffer);
    gl.deleteTexture(this.texture);
    gl.deleteVertexArray(this.array);
    this.map = null;
  }

  /** What is to be drawn from now on, the last on top. */
  show(sprites: readonly Sprite[]): void {
    this.sprites = sprites;
    const first = sprites[0];
    this.origin = first ? [first.x, first.y] : [0, 0];
    const rows: number[] = [];
    for (const { x, y, picture, label } of sprites) {
      const place = [x - this.origin[0], y - this.origin[1]] as const;
      const cell = this.sheet.cells[picture];
      if (!cell) continue;
      rows.push(...place, 0, cell.up, cell.width, cell.height, cell.x, cell.y);
      const figures = [...label].map((sign) => this.sheet.signs[sign]).filter((one) => one !== undefined);
      let left = -figures.reduce((sum, one) => sum + one.step, 0) / 2;
      for (const one of figures) {
        rows.push(...place, left + one.step / 2, cell.label, one.width, one.height, one.x, one.y);
        left += one.step;
      }
    }
    this.values = Float32Array.from(rows);
    this.count = rows.length / FLOATS;
    this.fresh = true;
    this.map?.triggerRepaint();
  }

  render(gl: WebGL2RenderingContext, { defaultProjectionData }: CustomRenderMethodInput): void {
    const { map, program, at } = this;
    if (!map || !program || !this.count) return;
    gl.useProgram(program);
    gl.bindVertexArray(this.array);
    if (this.fresh) {
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
      gl.bufferData(gl.ARRAY_BUFFER, this.values, gl.DYNAMIC_DRAW);
      this.fresh = false;
    }
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    const { clientWidth, clientHeight } = map.getCanvas();
    const matrix = defaultProjectionData.mainMatrix as unknown as number[];
    gl.uniformMatrix4fv(at.u_matrix ?? null, false, shifted(matrix, this.origin));
    gl.uniform2f(at.u_pixel ?? null, scaled(2) / clientWidth, scaled(2) / clientHeight);
    gl.uniform2f(at.u_sheet_size ?? null, this.sheet.width, this.sheet.height);
    gl.uniform1i(at.u_sheet ?? null, 0);
    overAll(gl);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, this.count);
    gl.bindVertexArray(null);
  }

  /** The number of the topmost sprite whose picture lies under a point of the screen, or -1. */
  under(x: number, y: number): number {
    const place = screenOf(this.map);
    for (let n = this.sprites.length - 1; n >= 0; n -= 1) {
      const sprite = this.sprites[n];
      const cell = sprite && this.sheet.cells[sprite.picture];
      if (!sprite || !cell) continue;
      const [left, top] = place(sprite);
      if (Math.abs(x - left) <= scaled(cell.reach[0]) && Math.abs(y - top - scaled(cell.up)) <= scaled(cell.reach[1])) return n;
    }
    return -1;
  }
}
