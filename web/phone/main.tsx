/** The surveyor's phone: opens with no network, shows one thing to do, keeps everything until the server has it. */
import { effect, signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { now } from '@shared/clock';
import { asApiError } from '@shared/resource';
import { start } from '@shared/start';
import { Failed, Spinner, tell, Toasts } from '@shared/ui';
import { account, locked, signingIn, wakeAccount } from './account';
import { loadSound, startAlerts } from './alert';
import { watchDevice } from './device';
import { offers, stillOpen, task } from './jobs';
import { onSettled } from './queue';
import { go, takePairingCode, where } from './route';
import { HomePage } from './screens/home';
import { JobPage } from './screens/job';
import { MenuPage } from './screens/menu';
import { MyTrackPage } from './screens/mytrack';
import { OfferPage } from './screens/offer';
import { PairPage } from './screens/pair';
import { SyncPage } from './screens/syncpage';
import { TrackersPage } from './screens/trackers';
import { load, round, startSync } from './sync';
import { followDay } from './planning';
import { registerWorker } from './update';
import { t } from './words';
import { w } from './words.job';
import './style.css';
import './survey.css';

const code = takePairingCode();
const ready = signal(false);
const broken = signal<unknown>(null);

function Page() {
  const at = where.value;
  switch (at.page) {
    case 'job': return <JobPage key={at.task} id={at.task} />;
    case 'report': return <JobPage key={at.task} id={at.task} report />;
    case 'sync': return <SyncPage />;
    case 'trackers': return <TrackersPage />;
    case 'mytrack': return <MyTrackPage />;
    case 'menu': return <MenuPage />;
    default: return <HomePage />;
  }
}

function Phone() {
  useEffect(() => { document.title = `${t('title')} · 查勘 Chakan`; });
  if (broken.value) return <Failed error={asApiError(broken.value)} onRetry={() => location.reload()} />;
  if (!ready.value) return <Spinner />;
  if (!account.value || signingIn.value) return <><PairPage given={code ?? ''} {...(account.value ? { onLater: () => void (signingIn.value = false) } : {})} /><Toasts /></>;
  // Read the clock: an offer leaves the screen when its time is up, answered or not.
  const open = now.value > 0 ? offers.value.filter(stillOpen) : [];
  const first = locked.value ? undefined : open[0];
  return (
    <>
      <div class="phone" {...(first ? { inert: true } : {})}><Page /></div>
      {first && <OfferPage key={first.id} offer={first} more={open.length - 1} />}
      <Toasts />
    </>
  );
}

/** A job just won opens by itself, as soon as the server has sent what is needed to work on it. */
const won = signal<string | null>(null);
onSettled((op, refused) => {
  if (op.kind === 'accept' && !refused) won.value = op.task_id;
});
effect(() => {
  const id = won.value;
  if (!id || !task(id)) return;
  won.value = null;
  tell('ok', w('accepted'));
  go({ page: 'job', task: id });
});

async function wake(): Promise<void> {
  watchDevice();
  await wakeAccount();
  await loadSound();
  // A scanned code wins over whoever is signed in: the phone changes hands.
  signingIn.value = code !== null;
  await load();
  ready.value = true;
  startSync();
  followDay();
  startAlerts();
  await round(true);
}

wake().catch((error: unknown) => {
  console.error(error);
  broken.value = error;
});
registerWorker().catch((error: unknown) => console.error(error));
start(<Phone />);
