/** One photograph: drag to move, wheel to zoom, and a box to show the surveyor where. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Photo } from '@shared/types';
import { Button, EmptyState, Spinner } from '@shared/ui';
import { either } from '@shared/i18n';
import { common } from '@shared/words';
import type { Region } from './store';
import { t } from './words';

interface Props {
  of: Photo;
  original?: boolean;
  /** When given, dragging draws a box instead of moving the photo. */
  onRegion?: (region: Region | null) => void;
  region?: Region | null;
  zoomTurn?: number;
}
interface Pose { scale: number; x: number; y: number }
const FIT: Pose = { scale: 1, x: 0, y: 0 };
const MOST = 8;

export function Viewer({ of, original, onRegion, region, zoomTurn }: Props) {
  const [pose, setPose] = useState<Pose>(FIT);
  // By address: a picture from the cache may be there before the effects of this component run.
  const [failed, setFailed] = useState('');
  const [loaded, setLoaded] = useState('');
  const [shape, setShape] = useState(of.width / of.height || 4 / 3);
  const frame = useRef<HTMLDivElement>(null);
  const image = useRef<HTMLImageElement>(null);
  const drag = useRef<{ x: number; y: number; pose: Pose; from: { x: number; y: number } | null } | null>(null);
  useEffect(() => setPose(FIT), [of.id]);
  useEffect(() => {
    const again = () => setFailed('');
    addEventListener('online', again);
    return () => removeEventListener('online', again);
  }, []);
  useEffect(() => setShape(of.width / of.height || 4 / 3), [of.id]);
  useEffect(() => { if (zoomTurn) setPose((old) => (old.scale > 1 ? FIT : { scale: 2.5, x: 0, y: 0 })); }, [zoomTurn]);

  const zoom = (factor: number, cx = 0, cy = 0) => setPose((old) => {
    const scale = Math.max(1, Math.min(MOST, old.scale * factor));
    const real = scale / old.scale;
    return within({ scale, x: cx - (cx - old.x) * real, y: cy - (cy - old.y) * real });
  });
  /** Some of the photo always stays in the frame. */
  const within = (to: Pose): Pose => {
    const box = frame.current;
    if (to.scale === 1 || !box) return FIT;
    const [x, y] = [(box.clientWidth * (to.scale - 1)) / 2, (box.clientHeight * (to.scale - 1)) / 2];
    return { scale: to.scale, x: Math.max(-x, Math.min(x, to.x)), y: Math.max(-y, Math.min(y, to.y)) };
  };
  const share = (event: PointerEvent) => {
    const box = image.current?.getBoundingClientRect();
    if (!box?.width) return null;
    return { x: Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)), y: Math.max(0, Math.min(1, (event.clientY - box.top) / box.height)) };
  };
  const down = (event: PointerEvent) => {
    if (event.button !== 0 || (event.target as Element).closest('button')) return;
    frame.current?.setPointerCapture(event.pointerId);
    drag.current = { x: event.clientX, y: event.clientY, pose, from: onRegion ? share(event) : null };
  };
  const move = (event: PointerEvent) => {
    const held = drag.current;
    if (!held) return;
    if (onRegion && held.from) {
      const to = share(event);
      if (to) onRegion({ x: Math.min(held.from.x, to.x), y: Math.min(held.from.y, to.y), w: Math.abs(to.x - held.from.x), h: Math.abs(to.y - held.from.y) });
    } else if (held.pose.scale > 1) setPose(within({ ...held.pose, x: held.pose.x + event.clientX - held.x, y: held.pose.y + event.clientY - held.y }));
  };
  const up = () => {
    if (onRegion && region && (region.w < 0.02 || region.h < 0.02)) onRegion(null); // a click, not a box
    drag.current = null;
  };
  const wheel = (event: WheelEvent) => {
    event.preventDefault();
    const box = frame.current?.getBoundingClientRect();
    if (box) zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2);
  };
  const src = original ? of.urls.original : of.urls.preview;
  const ready = original || of.state === 'processed';
  return (
    <div ref={frame} class={`r-viewer ${onRegion ? 'drawing' : ''}`} onPointerDown={down} onPointerMove={move} onPointerUp={up} onPointerCancel={up} onWheel={wheel} onDblClick={() => zoom(pose.scale > 1 ? 0.01 : 2.5)}>
      {!ready ? <EmptyState icon={of.state === 'damaged' ? 'warning' : 'loader'} title={of.state === 'damaged' ? t('damaged') : t('processing')} />
        : failed === src ? <EmptyState icon="error" title={t('notLoaded')}><Button icon="refresh" onClick={() => setFailed('')}>{common('retry')}</Button></EmptyState>
        : (
          <div class="r-picture" style={{ transform: `translate(${pose.x}px, ${pose.y}px) scale(${pose.scale})` }}>
            <div class="r-fit" style={{ '--shape': shape }}>
              <img ref={image} src={src} alt={either(of.shot_zh, of.shot_en)} draggable={false} onLoad={(event) => { setLoaded(src); setShape(event.currentTarget.naturalWidth / event.currentTarget.naturalHeight || shape); }} onError={() => setFailed(src)} />
              {region && <i class="r-region" style={{ left: `${region.x * 100}%`, top: `${region.y * 100}%`, width: `${region.w * 100}%`, height: `${region.h * 100}%` }} />}
            </div>
          </div>
        )}
      {ready && failed !== src && loaded !== src && <div class="r-loading"><Spinner /></div>}
      <div class="r-zoom">
        <Button size="small" icon="zoom-in" aria-label={t('zoomIn')} onClick={() => zoom(1.5)} />
        <Button size="small" icon="zoom-out" aria-label={t('zoomOut')} onClick={() => zoom(1 / 1.5)} />
        <Button size="small" icon="maximize" aria-label={t('fit')} onClick={() => setPose(FIT)} />
      </div>
    </div>
  );
}
