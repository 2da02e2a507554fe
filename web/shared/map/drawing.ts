/** What keeps the map moving on a machine that draws in software: a desk without a graphics card, a remote desktop. */
import type { Map as GlMap } from 'maplibre-gl';

const IN_SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;
/** So many pixels a software renderer draws thirty times a second on two cores; seen with `chakan bench frames`. */
const MOVING_PIXELS = 250_000;
/** A pause between two wheel clicks or two pulls is no end of the movement. */
const REST_MS = 180;

let known: boolean | null = null;

/** Whether this machine has no graphics card to draw with; found out once. */
export function inSoftware(): boolean {
  if (known !== null) return known;
  const gl = document.createElement('canvas').getContext('webgl2');
  const told = gl?.getExtension('WEBGL_debug_renderer_info');
  known = Boolean(gl && told && IN_SOFTWARE.test(String(gl.getParameter(told.UNMASKED_RENDERER_WEBGL))));
  gl?.getExtension('WEBGL_lose_context')?.loseContext();
  return known;
}

/** The ratio of drawn pixels to CSS pixels while the map moves; never finer than at rest. */
export function movingRatio(width: number, height: number, atRest: number): number {
  return Math.min(atRest, Math.sqrt(MOVING_PIXELS / Math.max(1, width * height)));
}

/** A map that is never tilted shows no sky, yet every frame would fill the whole screen with it. */
function withoutSky(map: GlMap): void {
  map.painter.drawFunctions = { ...map.painter.drawFunctions, sky: () => undefined };
}

/** Draws with another number of pixels. Not by `setPixelRatio`: that says the map was moved, and a pull in hand would end. */
function resolve(map: GlMap, ratio: number): void {
  map._overridePixelRatio = ratio;
  map._resizeInternal();
  // A canvas of a new size is empty: it must not be seen so.
  map.redraw();
}

/** Call once for each map, before its first frame. */
export function keepFluent(map: GlMap): void {
  withoutSky(map);
  map.on('webglcontextrestored', () => withoutSky(map));
  if (!inSoftware()) return;
  let coarse = false;
  let timer = 0;
  const sharpen = () => {
    if (map.isMoving()) return;
    coarse = false;
    resolve(map, window.devicePixelRatio);
  };
  map.on('move', () => {
    // Jumps and changes of size say `move` too, but nothing is moving then.
    if (!map.isMoving()) return;
    clearTimeout(timer);
    if (coarse) return;
    coarse = true;
    const { clientWidth, clientHeight } = map.getCanvas();
    // Not within the frame that says `move`.
    queueMicrotask(() => resolve(map, movingRatio(clientWidth, clientHeight, window.devicePixelRatio)));
  });
  map.on('moveend', () => {
    clearTimeout(timer);
    if (coarse) timer = window.setTimeout(sharpen, REST_MS);
  });
  map.on('remove', () => clearTimeout(timer));
}
