/** The review desk: queue at the left, the album in the middle, the damage lines below. All of it by keyboard. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from '@shared/api';
import { either } from '@shared/i18n';
import { dayTime } from '@shared/format';
import { asApiError } from '@shared/resource';
import { may, me, requireMe, signOut } from '@shared/session';
import { SignInAgain } from '@shared/again';
import { changePassword, PasswordDialog } from '@shared/password';
import { start } from '@shared/start';
import type { Photo } from '@shared/types';
import { Badge, Button, ClockBadge, Dialog, EmptyState, Failed, Field, Icon, LangSwitch, Spinner, TaskBadge, tellError, ThemeSwitch, Toasts } from '@shared/ui';
import { cause, common, line } from '@shared/words';
import { Album } from './album';
import { Lines } from './lines';
import { Queue } from './queue';
import { SendBackDialog } from './sendback';
import { album, approve, ask, at, begin, claim, claimId, comparing, mine, open, owed, photo, photos, release, row, step, stepClaim, take, takeNext, waive } from './store';
import { t } from './words';
import './style.css';

function Missing() {
  const [waiving, setWaiving] = useState<{ code: string; zh: string; en: string } | null>(null);
  const [reason, setReason] = useState('');
  const missing = album.value?.missing ?? [];
  if (!missing.length) return null;
  const send = async () => { if (waiving && reason.trim() && (await waive([waiving.code], reason.trim()))) { setWaiving(null); setReason(''); } };
  return (
    <details class="r-missing">
      <summary><Icon name="checklist" size={15} />{t('missing', { n: missing.length })}</summary>
      <div class="r-missing-list panel">
        <h3>{t('missingTitle')}</h3>
        <ul>
          {missing.map((shot) => (
            <li key={shot.code} class="row"><span class="grow">{either(shot.zh, shot.en)}</span>
              {mine.value && <><Button size="small" icon="camera" onClick={() => void ask([shot.code], '')}>{t('ask')}</Button><Button size="small" kind="quiet" onClick={() => setWaiving(shot)}>{t('waive')}</Button></>}</li>
          ))}
        </ul>
      </div>
      {waiving && (
        <Dialog title={`${t('waive')}：${either(waiving.zh, waiving.en)}`} onClose={() => setWaiving(null)} actions={<Button kind="primary" disabled={!reason.trim()} onClick={() => void send()}>{common('confirm')}</Button>}>
          <Field label={t('waiveReason')} value={reason} maxLength={200} autofocus onInput={(event) => setReason(event.currentTarget.value)} onKeyDown={(event) => { if (event.key === 'Enter' && !event.isComposing) void send(); }} />
        </Dialog>
      )}
    </details>
  );
}

function Head() {
  const job = row.value;
  const detail = claim.value;
  if (!job && !detail) return null;
  const state = job?.task.state ?? detail?.task?.state;
  const plates = detail?.items.map((item) => item.plate).filter(Boolean).join('、');
  return (
    <header class="r-head row wrap">
      <h1 class="mono">{job?.report_no ?? detail?.report_no}</h1>
      {state && <TaskBadge state={state} />}
      {(job?.clocks ?? []).filter((one) => one.kind === 'assessment').map((one) => <ClockBadge key={one.id} clock={one} />)}
      {owed.value.length > 0 && <Badge tone="red" icon="undo">{t('owed', { n: owed.value.length })}</Badge>}
      {(state === 'returned' || (owed.value.length > 0 && state === 'on_scene')) && <Badge tone="amber" icon="camera">{t('onScene')}</Badge>}
      <span class="r-facts-line clip muted">{[detail && line(detail.line), detail?.loss.cause && cause(detail.loss.cause), plates, detail?.loss.place, job?.surveyor?.name, detail && dayTime(detail.reported_at)].filter(Boolean).join(' · ')}</span>
      <Missing />
      {detail && may('adjuster', 'supervisor', 'admin') && <a class="button quiet small" href={`/api/v1/claims/${detail.id}/evidence.zip`} download title={t('packNote')}><Icon name="lock" size={16} /><span>{t('pack')}</span></a>}
      {job && (mine.value
        ? <Button size="small" kind="quiet" icon="undo" onClick={() => void release(job.task.id)}>{t('release')}</Button>
        : job.reviewer ? <Badge icon="lock">{t('takenBy', { name: job.reviewer.name })}</Badge>
        : may('adjuster') && <Button size="small" kind="primary" icon="hand" hotkey="T" onClick={() => void take(job.task.id)}>{t('take')}</Button>)}
    </header>
  );
}

function Keys({ onClose }: { onClose: () => void }) {
  const keys: [string, string][] = [['← →', t('keyPhotos')], ['↑ ↓', t('keyClaims')], ['A', t('keyApprove')], ['R', t('keySend')], ['Z', t('keyZoom')], ['C', t('keyCompare')], ['T', t('keyTake')], ['1–9', t('keyJump')], ['Enter', t('keyLine')]];
  return <Dialog title={t('keys')} onClose={onClose}><dl class="r-keys">{keys.map(([key, what]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div>)}</dl></Dialog>;
}

/** Folds the list of missing shots when it is open. */
function folded(): boolean {
  const list = document.querySelector('details.r-missing[open]');
  list?.removeAttribute('open');
  return list !== null;
}

function Desk() {
  const [sending, setSending] = useState<Photo | null>(null);
  const [help, setHelp] = useState(false);
  const [password, setPassword] = useState(false);
  const [zoomTurn, setZoomTurn] = useState(0);
  const modal = useRef(false);
  modal.current = sending !== null || help;
  useEffect(begin, []);
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      const target = event.target as Element;
      if (modal.current || event.ctrlKey || event.metaKey || event.altKey || target.matches('input, select, textarea') || document.querySelector('dialog[open]')) return;
      const one = photo.value;
      const act: Record<string, () => void> = {
        ArrowLeft: () => step(-1), ArrowRight: () => step(1), ArrowUp: () => stepClaim(-1), ArrowDown: () => stepClaim(1),
        a: () => { if (one && mine.value && one.verdict !== 'approved') void approve(one); }, r: () => { if (one && mine.value && one.verdict !== 'sent_back') setSending(one); },
        z: () => setZoomTurn((n) => n + 1), c: () => void (comparing.value = !comparing.value), '?': () => setHelp(true), Escape: () => void (folded() || (comparing.value ? (comparing.value = false) : open(null))),
        t: () => { const job = row.value; if (job && !job.reviewer) void take(job.task.id); else if (!job) void takeNext(); },
        Enter: () => { if (!claimId.value) void takeNext(); },
      };
      const digit = Number(event.key);
      if (digit >= 1 && digit <= 9 && photos.value[digit - 1]) { at.value = digit - 1; return; }
      const run = act[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!run || event.repeat && !event.key.startsWith('Arrow') || (event.key === 'Enter' && target.matches('button, a, summary'))) return;
      event.preventDefault();
      run();
    };
    document.addEventListener('keydown', key);
    return () => document.removeEventListener('keydown', key);
  }, []);
  return (
    <div class="r-page">
      <header class="r-top">
        <a class="brand" href="/review"><img src="/favicon.svg" alt="" width="26" height="26" /><span>{common('product')}</span></a>
        <strong>{t('review')}</strong>
        <span class="grow" />
        {may('dispatcher', 'supervisor', 'admin') && <a class="button quiet" href="/desk"><Icon name="map" size={16} /><span>{t('desk')}</span></a>}
        <Button kind="quiet" icon="keyboard" aria-label={t('keys')} onClick={() => setHelp(true)} />
        <LangSwitch /><ThemeSwitch />
        <Button kind="quiet" icon="user" title={changePassword()} onClick={() => setPassword(true)}><span class="small r-who">{me.value?.person.name}</span></Button>
        <Button kind="quiet" icon="sign-out" aria-label={common('signOut')} onClick={() => signOut().catch(tellError)} />
      </header>
      <Queue />
      <main class="r-main" id="main">
        {claimId.value ? <><Head /><Album onSendBack={setSending} zoomTurn={zoomTurn} onZoom={() => setZoomTurn((n) => n + 1)} /><Lines key={claimId.value} id={claimId.value} /></> : <EmptyState icon="images" title={t('pick')} />}
      </main>
      {/* As the album knows it now: its picture may not have been ready when the dialog opened. */}
      {sending && <SendBackDialog of={photos.value.find((one) => one.id === sending.id) ?? sending} onClose={() => setSending(null)} />}
      {help && <Keys onClose={() => setHelp(false)} />}
      {password && <PasswordDialog onClose={() => setPassword(false)} />}
      <SignInAgain />
      <Toasts />
    </div>
  );
}

function Page() {
  const [error, setError] = useState<ApiError | null>(null);
  const load = () => { setError(null); requireMe().catch((failure: unknown) => setError(asApiError(failure))); };
  useEffect(load, []);
  if (error) return <Failed error={error} onRetry={load} />;
  return me.value ? <Desk /> : <Spinner />;
}

start(<Page />);
