/** A map on which one outline is drawn: press to set a point, drag it, press it again to take it away. */
import { type GeoJSONSource, Marker, type Map as GlMap } from 'maplibre-gl';
import { useEffect, useRef } from 'preact/hooks';
import type { LonLat } from '../datum';
import type { MapInfo } from '../types';
import MapView from './index';

const SOURCE = 'ring';
const COLOUR = '#b3261e';

export interface RingMapProps {
  info: MapInfo;
  label: string;
  /** The corners in order; the last is joined to the first. */
  ring: LonLat[];
  onRing: (ring: LonLat[]) => void;
  /** Other outlines for comparison, each as its corners. */
  others?: LonLat[][];
  /** What the button of a corner says to who cannot see it. */
  cornerLabel: (n: number) => string;
}

const round = (value: number) => Math.round(value * 1e6) / 1e6;
const closed = (ring: LonLat[]) => [...ring, ...ring.slice(0, 1)].map((at) => [at.lon, at.lat]);

function shapeOf({ ring, others }: RingMapProps): GeoJSON.FeatureCollection {
  const feature = (corners: LonLat[], mine: boolean): GeoJSON.Feature => ({
    type: 'Feature',
    properties: { mine },
    geometry:
      corners.length > 2
        ? { type: 'Polygon', coordinates: [closed(corners)] }
        : { type: 'LineString', coordinates: corners.map((at) => [at.lon, at.lat]) },
  });
  return {
    type: 'FeatureCollection',
    features: [...(others ?? []).map((one) => feature(one, false)), ...(ring.length > 1 ? [feature(ring, true)] : [])],
  };
}

/** Where a new corner belongs: into the side it lies nearest to, as the screen shows it. */
function insert(map: GlMap, ring: LonLat[], at: LonLat): LonLat[] {
  if (ring.length < 3) return [...ring, at];
  const here = map.project([at.lon, at.lat]);
  const points = ring.map((one) => map.project([one.lon, one.lat]));
  const away = points.map((a, n) => {
    const b = points[(n + 1) % points.length] ?? a;
    const [dx, dy] = [b.x - a.x, b.y - a.y];
    const along = Math.min(1, Math.max(0, ((here.x - a.x) * dx + (here.y - a.y) * dy) / (dx * dx + dy * dy || 1)));
    return Math.hypot(a.x + along * dx - here.x, a.y + along * dy - here.y);
  });
  const side = away.indexOf(Math.min(...away));
  return [...ring.slice(0, side + 1), at, ...ring.slice(side + 1)];
}

function layers(map: GlMap, props: RingMapProps): void {
  if (map.getSource(SOURCE)) return;
  map.addSource(SOURCE, { type: 'geojson', data: shapeOf(props) });
  const mine: ['get', string] = ['get', 'mine'];
  map.addLayer({
    id: 'ring-fill',
    type: 'fill',
    source: SOURCE,
    filter: ['==', mine, true],
    paint: { 'fill-color': COLOUR, 'fill-opacity': 0.14 },
  });
  map.addLayer({
    id: 'ring-line',
    type: 'line',
    source: SOURCE,
    paint: { 'line-color': ['case', mine, COLOUR, '#5b6b76'], 'line-width': ['case', mine, 2.5, 1.2] },
  });
}

export default function RingMap(props: RingMapProps) {
  const map = useRef<GlMap | null>(null);
  const corners = useRef<Marker[]>([]);
  const latest = useRef(props);
  latest.current = props;

  const show = () => {
    const made = map.current;
    if (!made) return;
    made.getSource<GeoJSONSource>(SOURCE)?.setData(shapeOf(latest.current));
    corners.current.forEach((one) => one.remove());
    corners.current = latest.current.ring.map((at, n) => {
      const dot = document.createElement('button');
      dot.type = 'button';
      dot.className = 'ring-corner';
      dot.setAttribute('aria-label', latest.current.cornerLabel(n + 1));
      const marker = new Marker({ element: dot, draggable: true }).setLngLat([at.lon, at.lat]).addTo(made);
      const others = () => latest.current.ring;
      marker.on('dragend', () => {
        const to = marker.getLngLat();
        latest.current.onRing(others().map((one, i) => (i === n ? { lon: round(to.lng), lat: round(to.lat) } : one)));
      });
      dot.addEventListener('click', (event) => {
        event.stopPropagation();
        latest.current.onRing(others().filter((_, i) => i !== n));
      });
      return marker;
    });
  };
  useEffect(show, [props.ring]);

  return (
    <MapView
      info={props.info}
      label={props.label}
      class="ring-map"
      onStyle={(made) => {
        layers(made, latest.current);
        show();
      }}
      onMap={(made) => {
        map.current = made;
        const { ring } = latest.current;
        if (ring.length > 1) {
          const [lons, lats] = [ring.map((at) => at.lon), ring.map((at) => at.lat)];
          made.fitBounds([Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)], {
            padding: 48,
            animate: false,
          });
        }
        made.on('click', (event) => {
          const at = { lon: round(event.lngLat.lng), lat: round(event.lngLat.lat) };
          latest.current.onRing(insert(made, latest.current.ring, at));
        });
        return () => {
          map.current = null;
          corners.current = [];
        };
      }}
    />
  );
}
