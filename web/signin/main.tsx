/** Sign-in, and the way to one's own screen. */
import { useEffect, useState } from 'preact/hooks';
import type { ApiError } from '@shared/api';
import { asApiError } from '@shared/resource';
import { homeOf, me, signIn, signOut, whoAmI } from '@shared/session';
import { start } from '@shared/start';
import type { Me } from '@shared/types';
import { Banner, Button, Field, Icon, type IconName, LangSwitch, Spinner, ThemeSwitch, tellError, Toasts } from '@shared/ui';
import { common, explain, role } from '@shared/words';
import './style.css';
import { t } from './words';

const PATIENCE_MS = 1500;

/** Where to go after signing in: only a path of this site, never another host. */
function wanted(): string | null {
  const next = new URLSearchParams(location.search).get('next');
  return next && /^\/(?![/\\])/.test(next) ? next : null;
}

function screensOf(who: Me): { href: string; icon: IconName; name: string; note: string }[] {
  const has = (...roles: string[]) => who.person.roles.some((one) => roles.includes(one));
  const desk = { href: '/desk', icon: 'map' as const, name: t('desk'), note: t('deskNote') };
  const review = { href: '/review', icon: 'image' as const, name: t('review'), note: t('reviewNote') };
  const phone = { href: '/phone', icon: 'smartphone' as const, name: t('phone'), note: t('phoneNote') };
  const docs = { href: '/api/docs', icon: 'file' as const, name: t('docs'), note: t('docsNote') };
  return [
    ...(has('seat', 'dispatcher', 'supervisor', 'admin') ? [desk] : []),
    ...(has('adjuster', 'supervisor', 'admin') ? [review] : []),
    ...(has('surveyor') ? [phone] : []),
    ...(has('admin', 'integration') ? [docs] : []),
  ];
}

function Form({ onIn }: { onIn: (who: Me) => void }) {
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [seen, setSeen] = useState(false);
  const [caps, setCaps] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      onIn(await signIn(username.trim(), password));
    } catch (failure) {
      setError(asApiError(failure));
      setBusy(false);
    }
  };
  return (
    <form class="signin-form" onSubmit={submit}>
      <h1>{t('title')}</h1>
      {error && <Banner kind="error">{explain(error)}</Banner>}
      <Field
        label={t('username')}
        name="username"
        autocomplete="username"
        autocapitalize="none"
        spellcheck={false}
        required
        autofocus
        value={username}
        onInput={(event) => setUsername(event.currentTarget.value)}
      />
      <div class="signin-password">
        <Field
          label={t('password')}
          name="password"
          type={seen ? 'text' : 'password'}
          autocomplete="current-password"
          required
          value={password}
          onInput={(event) => setPassword(event.currentTarget.value)}
          onKeyUp={(event: KeyboardEvent) => setCaps(event.getModifierState('CapsLock'))}
          hint={caps ? t('capsLock') : undefined}
        />
        <Button
          kind="quiet"
          icon={seen ? 'eye-off' : 'eye'}
          aria-label={seen ? t('hide') : t('show')}
          aria-pressed={seen}
          onClick={() => setSeen(!seen)}
        />
      </div>
      <Button type="submit" kind="primary" class="signin-go" busy={busy}>
        {t('go')}
      </Button>
      <p class="muted small">
        {t('surveyorHint')} <a href="/phone">{t('toPhone')}</a>
      </p>
    </form>
  );
}

function Screens({ who }: { who: Me }) {
  return (
    <div class="signin-form">
      <h1>{t('hello', { name: who.person.name })}</h1>
      <p class="muted">{t('signedInAs', { org: who.person.org.name, roles: who.person.roles.map(role).join('、') })}</p>
      <nav class="signin-screens" aria-label={t('choose')}>
        {screensOf(who).map((screen) => (
          <a key={screen.href} href={screen.href}>
            <Icon name={screen.icon} size={24} />
            <span>
              <strong>{screen.name}</strong>
              <small class="muted">{screen.note}</small>
            </span>
            <Icon name="chevron-right" />
          </a>
        ))}
      </nav>
      <Button icon="sign-out" onClick={() => signOut().catch(tellError)}>
        {common('signOut')}
      </Button>
    </div>
  );
}

function SignIn() {
  const [ready, setReady] = useState(false);
  const [down, setDown] = useState(false);
  useEffect(() => {
    // A server that does not answer must not keep anybody from typing his name.
    const patience = setTimeout(() => setReady(true), PATIENCE_MS);
    whoAmI()
      .then(
        (who) => {
          const next = wanted();
          if (who && next) location.replace(next);
          else setReady(true);
        },
        () => {
          setDown(true);
          setReady(true);
        },
      )
      .finally(() => clearTimeout(patience));
  }, []);
  const go = (who: Me) => location.assign(wanted() ?? homeOf(who));
  return (
    <main class="signin">
      <section class="signin-brand">
        <img src="/favicon.svg" alt="" width="72" height="72" />
        <p class="signin-name">
          查勘 <span>Chakan</span>
        </p>
        <p>{t('tagline')}</p>
      </section>
      <section class="signin-card panel">
        <div class="signin-switches">
          <LangSwitch />
          <ThemeSwitch />
        </div>
        {!['/', '/index.html'].includes(location.pathname) && <Banner kind="warning">{t('noPage')}</Banner>}
        {down && <Banner kind="warning">{t('down')}</Banner>}
        {!ready ? <Spinner /> : me.value ? <Screens who={me.value} /> : <Form onIn={go} />}
      </section>
      <Toasts />
    </main>
  );
}

start(<SignIn />);
