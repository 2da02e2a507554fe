/** The map of every page. Import it late: `lazy(() => import('@shared/map'))`. */
import { effect } from '@preact/signals';
import { AttributionControl, Map as GlMap, NavigationControl, ScaleControl, setWorkerUrl } from 'maplibre-gl';
import 'maplibre-gl/dist/maplibre-gl.css';
// Without this the production build asks for a worker file that was never emitted.
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url';
import { useEffect, useRef, useState } from 'preact/hooks';
import { headers } from '../api';
import { lang, words } from '../i18n';
import { dark } from '../theme';
import type { MapInfo } from '../types';
import { EmptyState } from '../ui/state';
import { baseStyle, groundColour } from './basemap';
import { keepFluent } from './drawing';
import { marks } from './marks';
import { keepNames } from './names';
import './map.css';

setWorkerUrl(workerUrl);

declare global {
  interface Window {
    /** A program that measures the screen may ask for each map as it is made (bench/frames.py does). */
    chakanMap?: (map: GlMap) => void;
  }
}

const t = words(
  { none: '这台电脑不能显示地图（没有 WebGL），列表照常可用。', zoomIn: '放大', zoomOut: '缩小', toggle: '版权信息' },
  {
    none: 'This computer cannot draw the map (no WebGL); the lists work as usual.',
    zoomIn: 'Zoom in',
    zoomOut: 'Zoom out',
    toggle: 'Attribution',
  },
);

export interface MapViewProps {
  info: MapInfo;
  label: string;
  /** Called once; what it returns is called when the map goes. */
  onMap?: (map: GlMap) => (() => void) | void;
  /** Called after each change of style (theme, language, size of marks): add your sources and layers here, every time. */
  onStyle?: (map: GlMap) => void;
  class?: string;
  /** Arrow keys move something of yours, not the map. */
  ownKeys?: boolean;
}

function build(box: HTMLElement, { info, ownKeys }: MapViewProps): GlMap {
  const { bbox, centre } = info;
  const map = new GlMap({
    container: box,
    style: baseStyle(info, dark.peek()),
    ...(bbox
      ? { bounds: bbox, fitBoundsOptions: { padding: 24 } }
      : { center: centre ?? { lon: 104, lat: 35 }, zoom: centre ? 11 : 3.4 }),
    maxZoom: 19,
    minZoom: 2,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    keyboard: !ownKeys,
    attributionControl: false,
    fadeDuration: 0,
    renderWorldCopies: false,
    locale: {
      'NavigationControl.ZoomIn': t('zoomIn'),
      'NavigationControl.ZoomOut': t('zoomOut'),
      'AttributionControl.ToggleAttribution': t('toggle'),
    },
    transformRequest: (url) => (url.startsWith(`${location.origin}/api/`) ? { url, headers: headers('GET') } : { url }),
  });
  map.touchZoomRotate.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), 'bottom-right');
  map.addControl(new ScaleControl({ maxWidth: 110 }), 'bottom-left');
  map.addControl(new AttributionControl({ compact: true }), 'bottom-left');
  return map;
}

export function MapView(props: MapViewProps) {
  const box = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const [impossible, setImpossible] = useState(false);
  useEffect(() => {
    if (!box.current) return;
    let map: GlMap;
    try {
      map = build(box.current, latest.current);
    } catch (error) {
      console.warn('no map', error);
      setImpossible(true);
      return;
    }
    keepFluent(map);
    keepNames(map);
    window.chakanMap?.(map);
    map.on('style.load', () => {
      latest.current.onStyle?.(map);
      const ground = (landDrawn: boolean) => {
        const colour = groundColour(dark.peek(), landDrawn);
        map.setPaintProperty('sea', 'background-color', colour);
        map.getContainer().style.backgroundColor = colour;
      };
      ground(false);
      void map.once('idle', () => ground(true));
    });
    const done = latest.current.onMap?.(map);
    let drawn = `${dark.peek()} ${lang.peek()} ${marks.peek()}`;
    const stop = effect(() => {
      const wanted = `${dark.value} ${lang.value} ${marks.value}`;
      if (wanted !== drawn) map.setStyle(baseStyle(latest.current.info, dark.value), { diff: false });
      drawn = wanted;
    });
    return () => {
      stop();
      done?.();
      map.remove();
    };
  }, []);
  if (impossible)
    return (
      <div class={`map ${props.class ?? ''}`}>
        <EmptyState icon="map" title={t('none')} />
      </div>
    );
  return <div ref={box} class={`map ${props.class ?? ''}`} role="application" aria-label={props.label} />;
}
export default MapView;
