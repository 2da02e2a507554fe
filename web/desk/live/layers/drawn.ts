/** What layers drawn by a program of our own share: compiling it, and places exact enough for a street. */
import type { Map as GlMap } from 'maplibre-gl';
import { onSquare } from './gather';

function compile(gl: WebGL2RenderingContext, kind: number, text: string): WebGLShader {
  const shader = gl.createShader(kind);
  if (!shader) throw new Error('no shader');
  gl.shaderSource(shader, text);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader) ?? 'no shader');
  return shader;
}

export type Uniforms = Record<string, WebGLUniformLocation | null>;

/** The linked program and where its uniforms lie: asking for them in every frame would cost more than the drawing. */
export function link(
  gl: WebGL2RenderingContext,
  vertex: string,
  fragment: string,
  names: readonly string[],
): { program: WebGLProgram; at: Uniforms } {
  const program = gl.createProgram();
  gl.attachShader(program, compile(gl, gl.VERTEX_SHADER, vertex));
  gl.attachShader(program, compile(gl, gl.FRAGMENT_SHADER, fragment));
  gl.linkProgram(program);
  return { program, at: Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(program, name)])) };
}

/** Tells the bound buffer's columns of floats to the program; returns the floats of a row. */
export function columns(gl: WebGL2RenderingContext, program: WebGLProgram, parts: [string, number][], divisor = 0): number {
  const floats = parts.reduce((sum, [, size]) => sum + size, 0);
  let at = 0;
  for (const [name, size] of parts) {
    const slot = gl.getAttribLocation(program, name);
    if (slot >= 0) {
      gl.enableVertexAttribArray(slot);
      gl.vertexAttribPointer(slot, size, gl.FLOAT, false, floats * 4, at);
      gl.vertexAttribDivisor(slot, divisor);
    }
    at += size * 4;
  }
  return floats;
}

export function texture(gl: WebGL2RenderingContext, picture: HTMLCanvasElement): WebGLTexture {
  const made = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, made);
  gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, true);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, picture);
  gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
  for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
  // Drawn much smaller than it is, a figure must not lose strokes: 9 would be read as 3.
  gl.generateMipmap(gl.TEXTURE_2D);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_NEAREST);
  return made;
}

/** Blended over what is there, in the order of the buffer, whatever the map did before. */
export function overAll(gl: WebGL2RenderingContext): void {
  gl.disable(gl.DEPTH_TEST);
  gl.disable(gl.STENCIL_TEST);
  gl.disable(gl.CULL_FACE);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
}

/** The map's matrix for places relative to an origin, summed in 64 bits: a 32-bit float alone is metres wide in China. */
export function shifted(matrix: ArrayLike<number>, [x, y]: [number, number]): Float32Array {
  const moved = Float64Array.from(matrix);
  for (let row = 0; row < 4; row += 1)
    moved[12 + row] = (matrix[row] ?? 0) * x + (matrix[4 + row] ?? 0) * y + (matrix[12 + row] ?? 0);
  return Float32Array.from(moved);
}

/** Tells where places of the Mercator square stand on the screen now, in CSS pixels. */
export function screenOf(map: GlMap | null): (place: { x: number; y: number }) => [number, number] {
  if (!map) return () => [-1e6, -1e6];
  const { lng, lat } = map.getCenter();
  const world = 512 * 2 ** map.getZoom();
  const { clientWidth, clientHeight } = map.getCanvas();
  const middle = onSquare(lng, lat);
  return ({ x, y }) => [clientWidth / 2 + (x - middle.x) * world, clientHeight / 2 + (y - middle.y) * world];
}
