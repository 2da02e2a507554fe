/** Everything that waits, everything that went, and what was not accepted. */
import { useEffect, useState } from 'preact/hooks';
import { bytes, clockTimeS, dayTime, percent } from '@shared/format';
import { either } from '@shared/i18n';
import { Badge, Banner, Button, Icon } from '@shared/ui';
import { contactResult, explain } from '@shared/words';
import { connected } from '../bell';
import type { Op } from '../db';
import { askToKeep, measureStorage, storage } from '../device';
import { unsentPhotos } from '../photos';
import { unsentFixes } from '../position';
import { log, markSeen, ops, unseen } from '../queue';
import { lastFailure, offline, round, syncedAt } from '../sync';
import { TopBar } from '../ui/bar';
import { opName, t } from '../words';
import { because } from './notices';
import { Thumb, Viewer } from './picture';
import type { Picture } from './shotlist';

const detail = (op: Op): string => (op.kind === 'contact' ? contactResult(String(op.body.result)) : op.kind === 'shift' ? (op.body.on ? t('onDuty') : t('offDuty')) : '');

function Head() {
  const [busy, setBusy] = useState(false);
  const now = async () => {
    setBusy(true);
    await round(true);
    setBusy(false);
  };
  return (
    <section class="panel sync-head">
      <p class={`track ${offline.value ? 'red' : 'green'}`}><Icon name={offline.value ? 'wifi-off' : 'cloud-ok'} size={20} /><span><strong>{syncedAt.value ? t('lastSync', { t: dayTime(syncedAt.value) }) : t('never')}</strong>{lastFailure.value && <span> {explain(lastFailure.value)}</span>}</span></p>
      <p class="muted small" data-testid="bell"><Icon name={connected.value ? 'bell' : 'bell-off'} size={17} /> {t(connected.value ? 'bellOn' : 'bellOff')}</p>
      <Button icon="refresh" size="big" busy={busy} onClick={() => void now()}>{t('syncNow')}</Button>
    </section>
  );
}

function Queue() {
  return (
    <>
      <h2 class="section">{t('queueTitle')}<span class="count">{ops.value.length}</span></h2>
      <ul class="panel lines" data-testid="queue">
        {ops.value.map((op) => (
          <li key={op.n}><Icon name="cloud-up" size={20} /><div class="grow"><strong>{opName(op.kind)}</strong> {detail(op)} <span class="mono muted">{op.report_no}</span><p class="muted small">{clockTimeS(op.at)}{op.tries > 0 && ` · ${t('tries', { n: op.tries })}`}</p></div></li>
        ))}
        {ops.value.length === 0 && <li class="muted">{t('queueEmpty')}</li>}
      </ul>
    </>
  );
}

function Photos() {
  const [open, setOpen] = useState<Picture | null>(null);
  const waiting = unsentPhotos.value;
  if (!waiting.length) return null;
  return (
    <>
      <h2 class="section">{t('photosTitle')}<span class="count">{waiting.length}</span></h2>
      <ul class="panel lines" data-testid="photo-queue">
        {waiting.map((photo) => {
          const picture = { key: photo.id, local: photo, remote: null };
          return (
            <li key={photo.id}>
              <Thumb picture={picture} onOpen={() => setOpen(picture)} />
              <div class="grow"><strong>{either(photo.shot_zh, photo.shot_en)}</strong> <span class="mono muted">{photo.report_no}</span><p class="muted small">{clockTimeS(photo.taken_at)} · {bytes(photo.size_bytes)}{photo.tries > 0 && ` · ${t('tries', { n: photo.tries })}`}</p></div>
            </li>
          );
        })}
      </ul>
      {open && <Viewer picture={open} onClose={() => setOpen(null)} />}
    </>
  );
}

function Log() {
  return (
    <>
      <h2 class="section">{t('logTitle')}</h2>
      <ul class="panel lines" data-testid="log">
        {log.value.slice(0, 50).map((line) => (
          <li key={line.n}>
            <Icon name={line.ok ? 'check' : 'error'} size={20} {...(line.ok ? {} : { class: 'bad' })} />
            <div class="grow"><strong>{opName(line.kind)}</strong> <span class="mono muted">{line.report_no}</span> <Badge tone={line.ok ? 'green' : 'red'}>{line.ok ? t('acceptedAt') : t('refusedAt')}</Badge>{!line.ok && <p>{because(line)}</p>}<p class="muted small">{clockTimeS(line.at)} → {clockTimeS(line.settled_at)}</p></div>
          </li>
        ))}
        {log.value.length === 0 && <li class="muted">{t('logEmpty')}</li>}
      </ul>
    </>
  );
}

export function SyncPage() {
  useEffect(() => {
    void measureStorage();
    if (unseen.peek().length) void markSeen(unseen.peek());
  }, []);
  const disk = storage.value;
  return (
    <>
      <TopBar title={t('syncTitle')} />
      <main class="page">
        <Head />
        <p class="muted small">{t('sendsFirst')}{unsentFixes.value > 0 && ` · ${t('fixesWaiting', { n: unsentFixes.value })}`}</p>
        <Queue />
        <Photos />
        <Log />
        {disk && (
          <>
            <p class="muted small">{t('storageLine', { used: bytes(disk.used), percent: percent((disk.used / Math.max(1, disk.quota)) * 100) })}</p>
            {disk.persisted ? <p class="track green"><Icon name="shield" size={18} /><span>{t('storagePersisted')}</span></p> : <Banner kind="warning">{t('storageMayGo')} <Button onClick={() => void askToKeep()}>{t('keepAsk')}</Button></Banner>}
          </>
        )}
      </main>
    </>
  );
}
