/** A photograph small and large, with what is known of it and where it stands. */
import { useEffect, useState } from 'preact/hooks';
import { api, BASE } from '@shared/api';
import { bytes, dayTimeS, percent } from '@shared/format';
import { either } from '@shared/i18n';
import { Button, Icon, type IconName } from '@shared/ui';
import { explain, sendBackReason } from '@shared/words';
import { ApiError } from '@shared/api';
import { bytesOf, discard } from '../photos';
import { tryAgain, underWay } from '../uploads';
import { round } from '../sync';
import { Sheet } from '../ui/sheet';
import { t } from '../words';
import { w } from '../words.job';
import { useBlobUrl } from './hint';
import type { Picture } from './shotlist';

/** A device signs by header, which an <img> cannot: the picture is asked for and shown from memory. */
const loaded = new Map<string, Promise<Blob | null>>();
function remote(path: string): Promise<Blob | null> {
  const short = path.startsWith(BASE) ? path.slice(BASE.length) : path;
  let found = loaded.get(short);
  if (!found) {
    found = api.bytes(short).catch(() => { loaded.delete(short); return null; });
    loaded.set(short, found);
  }
  return found;
}

function useBlob(picture: Picture, large: boolean): Blob | null {
  const [blob, setBlob] = useState<Blob | null>(large ? null : (picture.local?.thumb ?? null));
  const { local, remote: theirs } = picture;
  useEffect(() => {
    let here = true;
    const wanted = async (): Promise<Blob | null> => {
      if (large && local && local.state !== 'done') return (await bytesOf(local)) ?? local.thumb;
      if (large && theirs) return (await remote(theirs.thumb.replace(/\/thumb$/, '/preview'))) ?? local?.thumb ?? null;
      if (local?.thumb) return local.thumb;
      return theirs ? remote(theirs.thumb) : null;
    };
    void wanted().then((found) => here && setBlob(found));
    return () => { here = false; };
  }, [picture.key, large, local?.state, theirs?.id]);
  return blob;
}

interface Standing { tone: string; icon: IconName; text: string }

export function standing({ local, remote: theirs }: Picture): Standing {
  if (theirs?.verdict === 'sent_back') return { tone: 'red', icon: 'undo', text: w('sentBack') };
  if (theirs?.verdict === 'approved') return { tone: 'green', icon: 'check-all', text: w('approved') };
  if (theirs || local?.state === 'done') return { tone: 'green', icon: 'check', text: w('uploaded') };
  if (local?.state === 'refused') return { tone: 'red', icon: 'error', text: w('refusedUpload') };
  const now = underWay.value;
  if (local && now?.id === local.id) return { tone: 'blue', icon: 'cloud-up', text: w('uploading', { p: percent(Math.floor((now.sent_bytes / Math.max(1, local.size_bytes)) * 100)) }) };
  return { tone: 'amber', icon: 'cloud-up', text: w('waitingUpload') };
}

export function Thumb({ picture, onOpen }: { picture: Picture; onOpen?: () => void }) {
  const url = useBlobUrl(useBlob(picture, false));
  const stand = standing(picture);
  const now = underWay.value;
  const share = now && now.id === picture.local?.id ? now.sent_bytes / Math.max(1, picture.local.size_bytes) : null;
  return (
    <button type="button" class={`thumb ${stand.tone}`} aria-label={stand.text} data-testid="thumb" data-state={picture.local?.state ?? 'remote'} onClick={onOpen} disabled={!onOpen}>
      {url ? <img src={url} alt="" /> : <Icon name="image" size={24} />}
      {share !== null && <i class="thumb-progress" style={{ width: `${share * 100}%` }} />}
      <span class="thumb-state"><Icon name={stand.icon} size={13} /></span>
      {picture.local?.source === 'gallery' && <span class="thumb-gallery">{w('galleryMark')}</span>}
    </button>
  );
}

export function Viewer({ picture, onClose }: { picture: Picture; onClose: () => void }) {
  const [sure, setSure] = useState(false);
  const { local, remote: theirs } = picture;
  const url = useBlobUrl(useBlob(picture, true));
  const stand = standing(picture);
  const place = local?.lon != null && local.lat != null ? `${local.lat.toFixed(5)}, ${local.lon.toFixed(5)} ±${Math.round(local.accuracy_m ?? 0)} m` : w('noPlace');
  const rows: [string, string][] = [
    [w('photoState'), local?.error && local.state !== 'done' ? `${stand.text} · ${explain(new ApiError(local.error, 0, ''))}` : stand.text],
    ...(theirs?.verdict === 'sent_back' ? [[w('sentBack'), [sendBackReason(theirs.reason), theirs.note].filter(Boolean).join('：')] as [string, string]] : []),
    ...(local ? [[w('photoTime'), `${dayTimeS(local.taken_at)} · ${bytes(local.size_bytes)}`], [w('photoPlace'), place]] as [string, string][] : []),
    [w('photoHash'), (local?.sha256 ?? theirs?.sha256 ?? '').slice(0, 16)],
  ];
  return (
    <Sheet title={local ? either(local.shot_zh, local.shot_en) : w('shotsTitle')} onClose={onClose}>
      {url ? <img class="viewer-photo" src={url} alt={either(local?.shot_zh ?? '', local?.shot_en ?? '')} /> : <p class="muted">{w('photoBroken')}</p>}
      <dl class="viewer-facts">{rows.map(([name, value]) => <div key={name}><dt>{name}</dt><dd class={name === w('photoHash') ? 'mono' : ''}>{value}</dd></div>)}</dl>
      {local?.state === 'refused' && <Button size="big" icon="refresh" onClick={() => { void tryAgain(local).then(() => round(true)); onClose(); }}>{t('photoRetry')}</Button>}
      {local && local.state !== 'done' && (sure
        ? <><p>{t('photoDropSure')}</p><Button kind="danger" size="big" icon="trash" onClick={() => { void discard(local.id); onClose(); }}>{t('photoDrop')}</Button></>
        : <Button kind="danger" icon="trash" onClick={() => setSure(true)}>{w('delete')}</Button>)}
    </Sheet>
  );
}
