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

/** So many pixels of the screen in a row share one drawn pixel while the map moves; 1 is as sharp as at rest. */
export function coarseness(screenPixels: number): number {
  return Math.max(1, Math.ceil(Math.sqrt(screenPixels / MOVING_PIXELS)));
}

/** A map that is never tilted shows no sky, yet every frame would fill the whole screen with it. */
function withoutSky(map: GlMap): void {
  map.painter.drawFunctions = { ...map.painter.drawFunctions, sky: () => undefined };
}

/**
 * Draws one pixel for so many of the screen's, across and down. Not by `setPixelRatio`: that says the map was moved, and a
 * pull in hand would end.
 */
function coarsen(map: GlMap, times: number): void {
  map._overridePixelRatio = times === 1 ? null : window.devicePixelRatio / times;
  map._resizeInternal();
  // Doubled pixels stay clear and cost nothing; larger ones would be a mosaic.
  map.getCanvas().style.imageRendering = times === 2 ? 'pixelated' : 'auto';
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
    coarsen(map, 1);
  };
  map.on('move', () => {
    // Jumps and changes of size say `move` too, but nothing is moving then.
    if (!map.isMoving()) return;
    clearTimeout(timer);
    if (coarse) return;
    coarse = true;
    const { width, height } = map.getCanvas();
    // Not within the frame that says `move`.
    queueMicrotask(() => coarsen(map, coarseness(width * height)));
  });
  map.on('moveend', () => {
    clearTimeout(timer);
    if (coarse) timer = window.setTimeout(sharpen, REST_MS);
  });
  map.on('remove', () => clearTimeout(timer));
}
