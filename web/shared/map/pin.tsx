/** A map with one pin: press to put it, drag or use arrow keys to move it. */
import { Marker, type Map as GlMap } from 'maplibre-gl';
import { useEffect, useRef } from 'preact/hooks';
import type { LonLat } from '../datum';
import type { MapInfo } from '../types';
import MapView from './index';

/** One step of an arrow key, in pixels; with Shift ten times that. */
const STEP_PX = 6;

// MapLibre's own mark for a pin; other points are small dots.
export interface PinMapProps {
  info: MapInfo;
  label: string;
  at: LonLat | null;
  onMove: (to: LonLat) => void;
  /** Enter: done here, on to the next field. */
  onDone?: () => void;
  /** Other points worth seeing, such as possible duplicates. */
  others?: LonLat[];
  /** Only to be looked at. */
  fixed?: boolean;
  /** Id of the box that takes the focus. */
  id?: string;
}

const round = (value: number) => Math.round(value * 1e6) / 1e6;
const put = (at: { lng: number; lat: number }): LonLat => ({ lon: round(at.lng), lat: round(at.lat) });

function dot(): HTMLElement {
  const mark = document.createElement('div');
  mark.className = 'pin-other';
  return mark;
}

export default function PinMap(props: PinMapProps) {
  const map = useRef<GlMap | null>(null);
  const marker = useRef<Marker | null>(null);
  const dots = useRef<Marker[]>([]);
  const latest = useRef(props);
  latest.current = props;

  const show = (at: LonLat | null, far: boolean) => {
    if (!map.current) return;
    if (!at) {
      marker.current?.remove();
      marker.current = null;
      return;
    }
    if (!marker.current) {
      marker.current = new Marker({ color: '#b3261e', draggable: !latest.current.fixed })
        .setLngLat([at.lon, at.lat])
        .addTo(map.current);
      marker.current.on('dragend', () => marker.current && latest.current.onMove(put(marker.current.getLngLat())));
    }
    marker.current.setLngLat([at.lon, at.lat]).setDraggable(!latest.current.fixed);
    if (far || !map.current.getBounds().contains([at.lon, at.lat]))
      map.current.easeTo({ center: [at.lon, at.lat], zoom: Math.max(map.current.getZoom(), 14), duration: 300 });
  };

  useEffect(() => show(props.at, false), [props.at?.lon, props.at?.lat]);
  useEffect(() => {
    dots.current.forEach((one) => one.remove());
    dots.current = map.current
      ? (props.others ?? []).map((one) =>
          new Marker({ element: dot() }).setLngLat([one.lon, one.lat]).addTo(map.current as GlMap),
        )
      : [];
  }, [JSON.stringify(props.others)]);

  const keys = (event: KeyboardEvent) => {
    const made = map.current;
    if (!made || latest.current.fixed || event.ctrlKey || event.altKey || event.metaKey) return;
    const step = STEP_PX * (event.shiftKey ? 10 : 1);
    const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (by) {
      const from = made.project(latest.current.at ? [latest.current.at.lon, latest.current.at.lat] : made.getCenter());
      latest.current.onMove(put(made.unproject([from.x + (by[0] ?? 0), from.y + (by[1] ?? 0)])));
    } else if (event.key === '+' || event.key === '=') made.zoomIn();
    else if (event.key === '-') made.zoomOut();
    else if (event.key === ' ' && !latest.current.at) latest.current.onMove(put(made.getCenter()));
    else if (event.key === 'Enter') latest.current.onDone?.();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div class="pin-map" id={props.id} tabIndex={0} role="group" aria-label={props.label} onKeyDownCapture={keys}>
      <MapView
        info={props.info}
        label={props.label}
        ownKeys
        onMap={(made) => {
          map.current = made;
          made.getCanvas().tabIndex = -1;
          made.on('click', (event) => {
            if (!latest.current.fixed) latest.current.onMove(put(event.lngLat));
          });
          show(latest.current.at, true);
          return () => {
            map.current = null;
            marker.current = null;
          };
        }}
      />
    </div>
  );
}
