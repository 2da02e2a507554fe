/** Dots on the plane of the map: who is gathered into a circle at a zoom, and who stands apart where many are at one place. */
import { MercatorCoordinate } from 'maplibre-gl';
import type { Id, SurveyorState } from '@shared/types';

/** Anything with a place on the Mercator square (0…1). */
export interface Point {
  id: Id;
  x: number;
  y: number;
}
/** A surveyor's dot, and how it looks. */
export interface Dot extends Point {
  name: string;
  state: SurveyorState;
  opacity: number;
  /** Degrees clockwise from north, or -1 when he stands still. */
  heading: number;
  age: number | null;
  /** Pixels he is set aside at the usual size of marks, where several stand at one place. */
  aside: [number, number];
}
export interface Cluster {
  x: number;
  y: number;
  count: number;
  /** West, south, east, north on the Mercator square (y grows southwards). */
  box: [number, number, number, number];
}
export interface Gathered<P> {
  singles: P[];
  clusters: Cluster[];
}

const WORLD_PX = 512;
const RADIUS_PX = 46;
const LEAST = 4;
/** From this zoom on everybody is shown by himself, so a cluster always comes apart. */
export const APART_ZOOM = 15;
const ASIDE_PX = 17;

export const onSquare = (lon: number, lat: number): { x: number; y: number } => MercatorCoordinate.fromLngLat([lon, lat]);

interface Heap<P> {
  x: number;
  y: number;
  dots: P[];
}

/** Heaps by a grid of the radius, then neighbours that would overlap drawn together, the largest first. */
function heaps<P extends Point>(dots: P[], size: number): Heap<P>[] {
  const grid = new Map<number, Heap<P>>();
  const column = 2 ** 25;
  for (const dot of dots) {
    const key = Math.floor(dot.x / size) * column + Math.floor(dot.y / size);
    const heap = grid.get(key);
    if (!heap) grid.set(key, { x: dot.x, y: dot.y, dots: [dot] });
    else {
      heap.dots.push(dot);
      heap.x += (dot.x - heap.x) / heap.dots.length;
      heap.y += (dot.y - heap.y) / heap.dots.length;
    }
  }
  const found: Heap<P>[] = [];
  const order = [...grid.entries()].sort((a, b) => b[1].dots.length - a[1].dots.length);
  for (const [key, heap] of order) {
    if (!grid.delete(key)) continue;
    for (const dx of [-1, 0, 1])
      for (const dy of [-1, 0, 1]) {
        const beside = key + dx * column + dy;
        const other = grid.get(beside);
        if (!other || Math.hypot(other.x - heap.x, other.y - heap.y) > size) continue;
        grid.delete(beside);
        const whole = heap.dots.length + other.dots.length;
        heap.x += ((other.x - heap.x) * other.dots.length) / whole;
        heap.y += ((other.y - heap.y) * other.dots.length) / whole;
        heap.dots = heap.dots.concat(other.dots);
      }
    found.push(heap);
  }
  return found;
}

function circle({ x, y, dots }: Heap<Point>): Cluster {
  const box: Cluster['box'] = [x, y, x, y];
  for (const dot of dots) {
    box[0] = Math.min(box[0], dot.x);
    box[1] = Math.max(box[1], dot.y);
    box[2] = Math.max(box[2], dot.x);
    box[3] = Math.min(box[3], dot.y);
  }
  return { x, y, count: dots.length, box };
}

/** Sets those who stand at one place aside in a spiral, so that each can be seen and pressed. */
function spread(dots: Dot[]): void {
  const places = new Map<string, Dot[]>();
  for (const dot of dots) {
    dot.aside = [0, 0];
    const key = `${Math.round(dot.x * 2e7)} ${Math.round(dot.y * 2e7)}`; // squares of two metres
    const there = places.get(key);
    if (there) there.push(dot);
    else places.set(key, [dot]);
  }
  for (const there of places.values()) {
    if (there.length < 2) continue;
    there.sort((a, b) => (a.id < b.id ? -1 : 1));
    there.forEach((dot, n) => {
      const turn = n * 2.399963; // the golden angle: a sunflower never puts two in one place
      const reach = ASIDE_PX * Math.sqrt(n);
      dot.aside = [reach * Math.cos(turn), reach * Math.sin(turn)];
    });
  }
}

/** Below APART_ZOOM those who would overlap become circles. */
export function gatherPoints<P extends Point>(points: P[], zoom: number, radius = RADIUS_PX, least = LEAST): Gathered<P> {
  const step = Math.floor(zoom);
  if (step >= APART_ZOOM) return { singles: points, clusters: [] };
  const singles: P[] = [];
  const clusters: Cluster[] = [];
  for (const heap of heaps(points, radius / (WORLD_PX * 2 ** step))) {
    if (heap.dots.length < least) singles.push(...heap.dots);
    else clusters.push(circle(heap));
  }
  return { singles, clusters };
}

/** `marks` is how much larger than usual they are drawn. */
export function gather(dots: Dot[], zoom: number, marks: number): Gathered<Dot> {
  const found = gatherPoints(dots, zoom, RADIUS_PX * marks);
  if (Math.floor(zoom) >= APART_ZOOM) spread(dots);
  else for (const dot of found.singles) dot.aside = [0, 0];
  return found;
}
