/** The album in capture order: one photo large, the strip below, the facts beside it. */
import { useState } from 'preact/hooks';
import { copyText } from '@shared/copy';
import { either } from '@shared/i18n';
import { bytes, dayTime, dayTimeS, distance } from '@shared/format';
import { Sketch } from '@shared/sketch';
import { streets } from '@shared/streets';
import type { Photo } from '@shared/types';
import { Badge, Button, EmptyState, Failed, Icon, Skeleton, VerdictBadge } from '@shared/ui';
import { photoFlag, sendBackReason } from '@shared/words';
import { album, albumError, approve, approveRest, at, claim, comparing, isOwed, isRetake, loadAlbum, mine, photo, photos, regionOf, row, step, waiting } from './store';
import { Viewer } from './viewer';
import { t } from './words';

export function Strip() {
  return (
    <ol class="r-strip" aria-label={t('photosOf', { n: photos.value.length })}>
      {photos.value.map((one, n) => (
        <li key={one.id}>
          <button type="button" class={`r-thumb ${one.verdict} ${n === at.value ? 'on' : ''}`} data-verdict={one.verdict} data-shot={one.shot} aria-current={n === at.value} title={either(one.shot_zh, one.shot_en)} onClick={() => void (at.value = n)} ref={(node) => { if (n === at.value) node?.scrollIntoView({ block: 'nearest', inline: 'nearest' }); }}>
            {one.state === 'processed' ? <img src={one.urls.thumb} alt="" loading="lazy" /> : <Icon name={one.state === 'damaged' ? 'warning' : 'loader'} />}
            <span class="r-thumb-mark"><Icon name={one.verdict === 'approved' ? 'ok' : one.verdict === 'sent_back' ? 'undo' : 'clock'} size={14} label={one.verdict} /></span>
            <span class="r-thumb-label clip">{n + 1} {either(one.shot_zh, one.shot_en)}{isRetake(one) && ` · ${t('retake')}`}</span>
            {one.flags.length > 0 && <span class="r-thumb-flag"><Icon name="flag" size={12} label={t('flags')} /></span>}
          </button>
        </li>
      ))}
    </ol>
  );
}

function Facts({ of }: { of: Photo }) {
  const [copied, setCopied] = useState(false);
  const loss = claim.value?.loss.position ?? null;
  const answered = of.verdict === 'sent_back' && !isOwed(of);
  return (
    <aside class="r-facts">
      <header class="row wrap"><h2>{either(of.shot_zh, of.shot_en)}</h2><VerdictBadge of={of.verdict} />{isRetake(of) && <Badge tone="teal" icon="camera">{t('retake')}</Badge>}{answered && <Badge tone="green" icon="check">{t('answered')}</Badge>}</header>
      {of.flags.length > 0 && <div class="r-flags">{of.flags.map((flag) => <Badge key={flag} tone="amber" icon="flag">{photoFlag(flag)}</Badge>)}</div>}
      <dl class="r-dl">
        <dt>{t('taken')}</dt><dd class="tabular">{of.taken_at ? dayTimeS(of.taken_at) : '—'}</dd>
        <dt>{t('received')}</dt><dd class="tabular">{dayTimeS(of.received_at)}</dd>
        <dt>{t('distance')}</dt><dd>{of.distance_m === null ? '—' : distance(of.distance_m)}</dd>
        <dt>{t('place')}</dt><dd class="tabular">{of.position ? <>{of.position.lon.toFixed(5)}, {of.position.lat.toFixed(5)}{of.position.accuracy_m !== null && <> · {t('accuracy', { m: Math.round(of.position.accuracy_m) })}</>}</> : t('noPosition')}</dd>
        <dt>{t('size')}</dt><dd class="tabular">{of.width}×{of.height} · {bytes(of.size_bytes)}</dd>
        <dt>{t('hash')}</dt><dd><button type="button" class="r-hash mono" title={of.sha256} onClick={() => void copyText(of.sha256).then(() => setCopied(true))}>{of.sha256.slice(0, 16)}…<Icon name={copied ? 'check' : 'copy'} size={13} /></button></dd>
      </dl>
      {loss && of.position && <Sketch loss={loss} other={of.position} label={t('sketch')} height={150} streets={streets} />}
      {of.reviews.length > 0 && (
        <section class="stack">
          <h3>{t('reviews')}</h3>
          <ul class="r-verdicts">
            {of.reviews.map((one, n) => <li key={n}><VerdictBadge of={one.verdict} /> <span>{one.reason && sendBackReason(one.reason)} {one.note}</span><span class="muted small">{one.by.name} · {dayTime(one.at)}</span></li>)}
          </ul>
        </section>
      )}
    </aside>
  );
}

export function Album({ onSendBack, zoomTurn, onZoom }: { onSendBack: (of: Photo) => void; zoomTurn: number; onZoom: () => void }) {
  const [original, setOriginal] = useState(false);
  if (albumError.value && !album.value) return <Failed error={albumError.value} onRetry={() => void loadAlbum()} />;
  if (!album.value) return <Skeleton rows={8} />;
  const one = photo.value;
  if (!one) return <EmptyState icon="images" title={t('noPhotos')}>{t('noPhotosNote')}</EmptyState>;
  const before = photos.value[at.value - 1];
  const may = mine.value && row.value?.task.state !== 'approved';
  return (
    <div class="r-album">
      <div class="r-stage">
        <div class={`r-views ${comparing.value && before ? 'two' : ''}`}>
          {comparing.value && before && <Viewer key={`before-${before.id}`} of={before} />}
          <Viewer key={`now-${one.id}`} of={one} original={original} region={one.verdict === 'sent_back' ? regionOf(one.reviews.at(-1)?.region) : null} zoomTurn={zoomTurn} />
        </div>
        <div class="r-bar row wrap">
          <Button size="small" icon="chevron-left" aria-label={t('prev')} disabled={at.value === 0} onClick={() => step(-1)} />
          <span class="tabular small nowrap">{t('photoOf', { n: at.value + 1, all: photos.value.length })}</span>
          <Button size="small" icon="chevron-right" aria-label={t('next')} disabled={at.value >= photos.value.length - 1} onClick={() => step(1)} />
          <Button size="small" kind="quiet" icon="zoom-in" hotkey="Z" class="r-wide" aria-label={t('zoomIn')} onClick={onZoom} />
          <Button size="small" kind="quiet" icon="columns" hotkey="C" class="r-wide" aria-pressed={comparing.value} disabled={!before} title={t('compareWith')} onClick={() => void (comparing.value = !comparing.value)}>{t('compare')}</Button>
          <Button size="small" kind="quiet" icon="eye" class="r-wide" aria-pressed={original} title={t('originalNote')} onClick={() => setOriginal(!original)}>{original ? t('preview') : t('original')}</Button>
          <span class="grow" />
          {may && waiting.value.length > 1 && <Button size="small" icon="check-all" onClick={() => void approveRest()}>{t('approveRest')}</Button>}
          <Button size="small" kind="danger" icon="undo" hotkey="R" disabled={!may || one.verdict === 'sent_back'} onClick={() => onSendBack(one)}>{t('sendBack')}</Button>
          <Button size="small" kind="primary" icon="check" hotkey="A" disabled={!may || one.verdict === 'approved'} onClick={() => void approve(one)}>{t('approve')}</Button>
        </div>
        <Strip />
      </div>
      <Facts of={one} />
    </div>
  );
}
