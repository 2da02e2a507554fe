/** The first screen of a phone that belongs to nobody yet. */
import { useState } from 'preact/hooks';
import { ApiError } from '@shared/api';
import { asApiError } from '@shared/resource';
import { Banner, Button, Field, LangSwitch, tell, ThemeSwitch } from '@shared/ui';
import { common, explain } from '@shared/words';
import { account, locked, NotASurveyor, pair, sealed, signIn } from '../account';
import { askToKeep, online } from '../device';
import { begin } from '../sync';
import { t } from '../words';

interface Entered { run: () => Promise<{ name: string }>; onFail: (text: string) => void; badCode?: boolean }

async function enter({ run, onFail }: Entered): Promise<void> {
  try {
    const who = await run();
    tell('ok', t('paired', { name: who.name }));
    await askToKeep();
    await begin();
  } catch (error) {
    if (error instanceof NotASurveyor) return onFail(t('notSurveyor', { name: error.message }));
    const known = asApiError(error);
    if (known.code === 'bad_pairing_code') onFail(t('badCode'));
    else onFail(explain(known.status === 401 ? new ApiError('bad_credentials', 401, '') : known));
  }
}

function CodeForm({ given, onFail }: { given: string; onFail: (text: string) => void }) {
  const [code, setCode] = useState(given);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    await enter({ run: () => pair(code), onFail });
    setBusy(false);
  };
  return (
    <form class="stack" onSubmit={submit}>
      <Field
        label={t('code')} hint={t('codeHint')} name="code" class="pair-code" required minLength={4} maxLength={20} autocapitalize="characters" spellcheck={false} inputMode="text" autocomplete="one-time-code"
        value={code} onInput={(event) => setCode(event.currentTarget.value)}
      />
      <Button type="submit" kind="primary" size="big" icon="smartphone" busy={busy}>{busy ? t('pairing') : t('pairGo')}</Button>
    </form>
  );
}

function PasswordForm({ onFail }: { onFail: (text: string) => void }) {
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    await enter({ run: () => signIn(username.trim(), password), onFail });
    setBusy(false);
  };
  return (
    <form class="stack" onSubmit={submit}>
      <Field label={t('username')} name="username" autocomplete="username" autocapitalize="none" spellcheck={false} required value={username} onInput={(event) => setUsername(event.currentTarget.value)} />
      <Field label={t('password')} name="password" type="password" autocomplete="current-password" required value={password} onInput={(event) => setPassword(event.currentTarget.value)} />
      <Button type="submit" kind="primary" size="big" busy={busy}>{t('signInGo')}</Button>
    </form>
  );
}

/** `given` is the code of a scanned QR link; `onLater` is there when somebody only needs to sign in again. */
export function PairPage({ given, onLater }: { given: string; onLater?: () => void }) {
  const [byPassword, setByPassword] = useState(false);
  const [wrong, setWrong] = useState('');
  const others = sealed.value.ops + sealed.value.photos > 0;
  return (
    <main class="pair">
      <div class="pair-switches"><LangSwitch /><ThemeSwitch /></div>
      <div class="pair-brand"><img src="/favicon.svg" alt="" width="64" height="64" /><p>查勘 <span>Chakan</span></p></div>
      <h1>{account.value && locked.value ? t('signInAgain') : t('pairTitle')}</h1>
      {account.value && locked.value && <Banner kind="info">{t('lockedNote')}</Banner>}
      {!byPassword && <p class="muted">{t('pairNote')}</p>}
      {!window.isSecureContext && <Banner kind="error">{t('insecure')}</Banner>}
      {!online.value && <Banner kind="warning">{t('needNetwork')}</Banner>}
      {others && !account.value && <Banner kind="info">{t('sealedNote', sealed.value)}</Banner>}
      {wrong && <Banner kind="error">{wrong}</Banner>}
      {byPassword ? <PasswordForm onFail={setWrong} /> : <CodeForm given={given} onFail={setWrong} />}
      <Button kind="quiet" onClick={() => { setByPassword(!byPassword); setWrong(''); }}>{byPassword ? t('orCode') : t('orPassword')}</Button>
      {onLater && <Button kind="quiet" icon="arrow-left" onClick={onLater}>{common('back')}</Button>}
    </main>
  );
}
