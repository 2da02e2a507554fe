/** What the person must know before anything else, on whatever page he is. */
import { useState } from 'preact/hooks';
import { ApiError } from '@shared/api';
import { percent } from '@shared/format';
import type { TaskState } from '@shared/types';
import { Banner, Button } from '@shared/ui';
import { explain, offerState, taskState } from '@shared/words';
import { account, locked, sealed, signingIn } from '../account';
import { installed, installPrompt, isIos, nearlyFull, storage } from '../device';
import type { LogLine } from '../db';
import { markSeen, unseen } from '../queue';
import { takeUpdate, updateReady } from '../update';
import { opName, t } from '../words';

/** Why the server did not take a tap, in words, with the state things are in now. */
export function because(line: LogLine): string {
  const said = explain(new ApiError(line.code ?? '', 409, line.detail));
  if (!line.state) return said;
  const state = line.kind === 'accept' || line.kind === 'decline' ? offerState(line.state) : taskState(line.state as TaskState);
  return `${said} · ${t('nowState', { state })}`;
}

function Refused() {
  const lines = unseen.value;
  if (!lines.length) return null;
  return (
    <section class="refused" role="alert" data-testid="refused">
      <strong>{t('refusedTitle', { n: lines.length })}</strong>
      <ul>{lines.slice(0, 4).map((line) => <li key={line.n}><b>{opName(line.kind)}</b>{line.report_no && <span class="mono"> {line.report_no}</span>}<br />{because(line)}</li>)}</ul>
      <Button onClick={() => void markSeen(lines)}>{t('gotIt')}</Button>
    </section>
  );
}

function InstallCard() {
  const [hidden, setHidden] = useState(false);
  if (installed.value || hidden || !(installPrompt.value || isIos)) return null;
  const ask = async () => {
    await installPrompt.value?.prompt();
    setHidden(true);
  };
  return (
    <section class="install panel">
      <img src="/favicon.svg" alt="" width="40" height="40" />
      <div class="grow"><strong>{t('install')}</strong><p class="muted small">{isIos ? t('installIos') : t('installNote')}</p></div>
      {installPrompt.value ? <Button kind="primary" onClick={() => void ask()}>{t('install')}</Button> : <Button kind="quiet" icon="x" aria-label={t('gotIt')} onClick={() => setHidden(true)} />}
    </section>
  );
}

export function Notices() {
  const full = nearlyFull() && storage.value;
  const others = sealed.value.ops + sealed.value.photos > 0;
  return (
    <>
      {locked.value && account.value && <Banner kind="error"><strong>{t('lockedTitle')}</strong><br />{t('lockedNote')}<br /><Button onClick={() => void (signingIn.value = true)}>{t('signInAgain')}</Button></Banner>}
      <Refused />
      {full && <Banner kind="error">{t('storageFull', { percent: percent((full.used / full.quota) * 100) })}</Banner>}
      {updateReady.value && <Banner kind="info"><div class="row"><span class="grow"><strong>{t('version')}</strong> <span class="muted small">{t('versionNote')}</span></span><Button onClick={takeUpdate}>{t('versionGo')}</Button></div></Banner>}
      {others && <Banner kind="info">{t('sealedNote', sealed.value)}</Banner>}
      <InstallCard />
    </>
  );
}
