/** Background tracking: the three apps, their settings, and why a web page is not enough. */
import { useState } from 'preact/hooks';
import { Banner, Button, EmptyState, Icon, tell } from '@shared/ui';
import { account } from '../account';
import type { Account } from '../db';
import { isIos } from '../device';
import { TopBar } from '../ui/bar';
import { Qr } from '../ui/qr';
import { t } from '../words';

type Secrets = NonNullable<Account['trackers']>;
const INTERVAL_S = 15;

/** The apps live on the phone, so they must reach the server by the address the phone itself uses. */
const base64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

/** A link that OwnTracks reads its whole configuration from. */
export function owntracksLink({ url, username, password }: Secrets['owntracks']): string {
  const configuration = { _type: 'configuration', mode: 3, url, auth: true, username, password, deviceId: 'chakan', tid: 'CK', monitoring: 2, locatorInterval: INTERVAL_S, locatorDisplacement: 10, cmd: false, remoteConfiguration: false };
  return `owntracks:///config?inline=${encodeURIComponent(base64(JSON.stringify(configuration)))}`;
}

/** What Traccar Client reads from a QR code; with its own scheme the same opens the app. */
export function traccarLinks({ url, id }: Secrets['traccar']): { qr: string; app: string } {
  const query = new URLSearchParams({ id, accuracy: 'highest', distance: '10', interval: String(INTERVAL_S), heartbeat: '60', buffer: 'true', stopDetection: 'false' });
  return { qr: `${url}?${query.toString()}`, app: `org.traccar.client://config?${new URLSearchParams({ url, ...Object.fromEntries(query), service: 'true' }).toString()}` };
}

export function overlandLink({ url, token }: Secrets['overland'], deviceId: string): string {
  return `overland://setup?${new URLSearchParams({ url, token, device_id: deviceId }).toString()}`;
}

async function copy(text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  tell('ok', t('copied'));
}

function Line({ name, value, secret }: { name: string; value: string; secret?: boolean }) {
  const [seen, setSeen] = useState(!secret);
  return (
    <div class="setting">
      <span class="grow"><small class="muted">{name}</small><code>{seen ? value : '••••••••••••'}</code></span>
      {secret && <Button kind="quiet" icon={seen ? 'eye-off' : 'eye'} aria-label={name} aria-pressed={seen} onClick={() => setSeen(!seen)} />}
      <Button icon="copy" aria-label={`${t('copy')} ${name}`} onClick={() => void copy(value)} />
    </div>
  );
}

interface AppProps { name: string; steps: string; lines: { name: string; value: string; secret?: boolean }[]; link: string; qr: string }

function TrackerApp({ name, steps, lines, link, qr }: AppProps) {
  const [shown, setShown] = useState(false);
  return (
    <section class="tracker panel" data-testid={`tracker-${name.split(' ')[0]?.toLowerCase() ?? ''}`}>
      <h2><Icon name="satellite" size={20} />{name}</h2>
      <p class="muted">{steps}</p>
      {lines.map((line) => <Line key={line.name} {...line} />)}
      <div class="row wrap">
        <a class="button" href={link}><Icon name="external" size={18} /><span>{t('openInApp')}</span></a>
        <Button icon="qr" aria-expanded={shown} onClick={() => setShown(!shown)}>{shown ? t('hideQr') : t('showQr')}</Button>
      </div>
      {shown && <Qr text={qr} label={name} />}
    </section>
  );
}

export function TrackersPage() {
  const who = account.value;
  const secrets = who?.trackers;
  if (!who || !secrets) return <><TopBar title={t('trackersTitle')} /><main class="page"><p>{t('trackersWhy')}</p><EmptyState icon="lock" title={t('trackersNone')} /></main></>;
  const traccar = traccarLinks(secrets.traccar);
  const overland = overlandLink(secrets.overland, who.device_id ?? '');
  const owntracks = owntracksLink(secrets.owntracks);
  const apps = [
    <TrackerApp key="o" name="OwnTracks" steps={t('owntracksSteps')} link={owntracks} qr={owntracks} lines={[{ name: t('fieldUrl'), value: secrets.owntracks.url }, { name: t('fieldUser'), value: secrets.owntracks.username }, { name: t('fieldPassword'), value: secrets.owntracks.password, secret: true }]} />,
    <TrackerApp key="t" name="Traccar Client" steps={t('traccarSteps')} link={traccar.app} qr={traccar.qr} lines={[{ name: t('fieldUrl'), value: secrets.traccar.url }, { name: t('fieldId'), value: secrets.traccar.id, secret: true }]} />,
    <TrackerApp key="v" name="Overland" steps={t('overlandSteps')} link={overland} qr={overland} lines={[{ name: t('fieldUrl'), value: secrets.overland.url }, { name: t('fieldToken'), value: secrets.overland.token, secret: true }]} />,
  ];
  return (
    <>
      <TopBar title={t('trackersTitle')} />
      <main class="page">
        <p>{t('trackersWhy')}</p>
        <Banner kind="info">{t('trackersSecret')}</Banner>
        {isIos ? [apps[2], apps[0], apps[1]] : apps}
      </main>
    </>
  );
}
