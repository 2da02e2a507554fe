/** The desk's frame: who, where, how fresh, and the keys. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { now } from '@shared/clock';
import { clockTimeS } from '@shared/format';
import { homeOf, may, me, signOut } from '@shared/session';
import type { Role } from '@shared/types';
import { SignInAgain } from '@shared/again';
import { changePassword, PasswordDialog } from '@shared/password';
import { Button, Dialog, EmptyState, Icon, type IconName, LangSwitch, tellError, ThemeSwitch, Toasts } from '@shared/ui';
import { common, role } from '@shared/words';
import { AssignDialog } from './claim/assign';
import { CatastropheBar } from './planning/bar';
import { watchCatastrophes } from './planning/store';
import { Claims } from './lists/claims';
import { Messages } from './lists/messages';
import { Reports } from './lists/reports';
import { heldBack, watchAlarms } from './live/alarms';
import { change, recallView, toWall, view, wall } from './live/view';
import { Live, liveKeys } from './live/page';
import { Wall } from './live/wall';
import { playKeys } from './playback/play';
import { Playback } from './playback/page';
import { t as playWord } from './playback/words';
import { Report } from './report/page';
import { go, link, type PageName, route } from './route';
import { Settings } from './settings/page';
import { begin, ready, stale, unassigned } from './store';
import { t } from './words';

const PAGES: { page: PageName; icon: IconName; roles: Role[] }[] = [
  { page: 'live', icon: 'map', roles: ['dispatcher', 'supervisor', 'admin'] },
  { page: 'playback', icon: 'history', roles: ['dispatcher', 'supervisor', 'admin'] },
  { page: 'report', icon: 'phone-call', roles: ['seat', 'dispatcher'] },
  { page: 'claims', icon: 'clipboard', roles: ['seat', 'dispatcher', 'supervisor', 'admin', 'adjuster'] },
  { page: 'messages', icon: 'message', roles: ['dispatcher', 'supervisor', 'admin'] },
  { page: 'reports', icon: 'chart', roles: ['supervisor', 'dispatcher', 'admin'] },
  { page: 'settings', icon: 'settings', roles: ['admin', 'dispatcher', 'supervisor'] },
];
const VIEWS = {
  live: Live,
  playback: Playback,
  report: Report,
  claims: Claims,
  messages: Messages,
  reports: Reports,
  settings: Settings,
};

export const allowed = () => PAGES.filter((one) => may(...one.roles));

function Account() {
  const [open, setOpen] = useState(false);
  const [password, setPassword] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const away = (event: Event) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    const escape = (event: KeyboardEvent) => event.key === 'Escape' && setOpen(false);
    document.addEventListener('pointerdown', away);
    document.addEventListener('keydown', escape);
    return () => {
      document.removeEventListener('pointerdown', away);
      document.removeEventListener('keydown', escape);
    };
  }, [open]);
  const who = me.value?.person;
  return (
    <div class="account" ref={box}>
      <Button kind="quiet" icon="user" aria-expanded={open} aria-haspopup="true" onClick={() => setOpen(!open)}>
        <span class="account-name">{who?.name}</span>
      </Button>
      {open && (
        <div class="account-menu panel">
          <p>
            <strong>{who?.name}</strong>
            <br />
            <span class="muted small">
              {who?.org.name} · {who?.roles.map(role).join('、')}
            </span>
          </p>
          {may('adjuster', 'supervisor') && (
            <a class="button quiet" href="/review">
              <Icon name="image" size={16} />
              {t('review')}
            </a>
          )}
          <Button
            kind="quiet"
            icon="lock"
            onClick={() => {
              setOpen(false);
              setPassword(true);
            }}
          >
            {changePassword()}
          </Button>
          <Button kind="quiet" icon="sign-out" onClick={() => signOut().catch(tellError)}>
            {common('signOut')}
          </Button>
        </div>
      )}
      {password && <PasswordDialog onClose={() => setPassword(false)} />}
    </div>
  );
}

function LiveSign() {
  const lost = stale.value && ready.value;
  return (
    <span class={`live-sign ${stale.value ? 'off' : 'on'}`} role="status">
      <i />
      {lost || stale.value ? t('liveOff') : t('liveOn')}
    </span>
  );
}

/** Always in sight: a desk that is muted must not look like one where nothing happens. */
function Sound() {
  const { sound } = view.value;
  const held = sound && heldBack.value;
  const told = held ? t('heldBack') : sound ? t('notMuted') : t('muted');
  return (
    <Button
      kind="quiet"
      icon={sound && !held ? 'bell' : 'bell-off'}
      class={held ? 'sound warn' : 'sound'}
      aria-pressed={sound}
      aria-label={told}
      title={told}
      onClick={() => !held && change({ sound: !sound })}
    >
      {held && <span class="small">{t('heldBack')}</span>}
    </Button>
  );
}

function Top({ onHelp }: { onHelp: () => void }) {
  const waiting = unassigned.value.length;
  return (
    <header class="top">
      <a class="brand" href={link(allowed()[0]?.page ?? 'claims')}>
        <img src="/favicon.svg" alt="" width="26" height="26" />
        <span>查勘</span>
      </a>
      <nav aria-label={t('mainNav')}>
        {allowed().map(({ page, icon }) => (
          <a key={page} href={link(page)} aria-current={route.value.page === page ? 'page' : undefined}>
            <Icon name={icon} size={16} />
            <span>{t(page)}</span>
            {page === 'live' && waiting > 0 && <b class="count hot">{waiting}</b>}
          </a>
        ))}
      </nav>
      <span class="grow" />
      {may('seat', 'dispatcher') && (
        <Button kind="primary" size="small" icon="plus" hotkey="N" class="new-report" onClick={newReport}>
          {t('newReport')}
        </Button>
      )}
      {may('dispatcher', 'supervisor', 'admin') && <Sound />}
      <LiveSign />
      <time class="server-time tabular" title={t('serverTime')}>
        {clockTimeS(now.value)}
      </time>
      <Button kind="quiet" icon="keyboard" class="help" aria-label={t('shortcuts')} onClick={onHelp} />
      <LangSwitch />
      <ThemeSwitch />
      <Account />
    </header>
  );
}

function newReport(): void {
  if (route.peek().page === 'report') window.dispatchEvent(new Event('chakan-new-report'));
  else go('report');
}

function Help({ onClose }: { onClose: () => void }) {
  const keys = [
    ['N', t('keyNew')],
    ['/', t('keySearch')],
    ['J', t('keyNext')],
    ['K', t('keyPrev')],
    ['Enter', t('keyOpen')],
    ['A', t('keyAssign')],
    ['M', t('keyBoard')],
    ['W', t('keyWall')],
    ['Esc', t('keyClose')],
    ['?', t('keyHelp')],
    ['Ctrl+Enter', t('keyReportSubmit')],
    ['F2', t('keyReportMap')],
    ['F4', t('keyReportEnd')],
    ['Alt+…', t('keyAlt')],
    ['␣', `${playWord('title')}: ${playWord('keySpace')}`],
    ['← →', `${playWord('title')}: ${playWord('keyArrows')}`],
    [', .', `${playWord('title')}: ${playWord('keySpeed')}`],
  ];
  return (
    <Dialog title={t('shortcuts')} onClose={onClose}>
      <dl class="keys">
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

/** Whether keys go into a field. Nothing is typed into a slider: after a moment is chosen by hand, space plays on from it. */
const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName)) &&
  (target as HTMLInputElement).type !== 'range';

/** Keys of every page; a key typed into a field, with a modifier, or under a dialog is none of ours. */
function onKey(event: KeyboardEvent, help: () => void): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector('dialog[open]')) return;
  if (event.key === 'Escape') {
    if (typing(event.target)) return (event.target as HTMLElement).blur();
    if (wall.peek()) return toWall(false);
    const here = route.peek();
    if (here.page === 'live' && here.rest.length) go('live');
    else if (here.page === 'claims' && here.rest.length) go('claims', Object.fromEntries(here.query));
    return;
  }
  if (typing(event.target) || wall.peek()) return;
  if (event.key === '?') help();
  else if (event.key === '/') document.getElementById('search')?.focus();
  else if (event.key === 'n' && may('seat', 'dispatcher')) newReport();
  else if (route.peek().page === 'live' ? !liveKeys(event) : route.peek().page !== 'playback' || !playKeys(event)) return;
  event.preventDefault();
}

export function Shell() {
  const [help, setHelp] = useState(false);
  useEffect(() => {
    const stops = [begin(), watchAlarms(), watchCatastrophes()];
    recallView().catch((error: unknown) => console.warn('the view of this machine is used', error));
    const key = (event: KeyboardEvent) => onKey(event, () => setHelp(true));
    window.addEventListener('keydown', key);
    return () => {
      stops.forEach((stop) => stop());
      window.removeEventListener('keydown', key);
    };
  }, []);
  const { page } = route.value;
  const first = allowed()[0]?.page;
  useEffect(() => {
    if (page) return;
    if (first) location.replace(link(first));
    else if (me.value && homeOf(me.value) !== '/desk') location.replace(homeOf(me.value));
  }, [page, first]);
  if (wall.value && page === 'live')
    return (
      <>
        <Wall />
        <SignInAgain />
      </>
    );
  const View = page && allowed().some((one) => one.page === page) ? VIEWS[page] : null;
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('main')?.focus();
        }}
      >
        {common('skip')}
      </a>
      <Top onHelp={() => setHelp(true)} />
      {stale.value && ready.value && (
        <div class="stale-bar" role="alert">
          <Icon name="wifi-off" size={16} />
          {common('staleNow')}
        </div>
      )}
      <CatastropheBar />
      <main id="main" tabIndex={-1}>
        {View ? <View /> : page ? <EmptyState icon="shield" title={t('noRight')}>{t('noRightNote')}</EmptyState> : null}
      </main>
      <AssignDialog />
      {help && <Help onClose={() => setHelp(false)} />}
      <SignInAgain />
      <Toasts />
    </>
  );
}
