/** Background tracking: the three apps, their settings, and why a web page is not enough. */
import { useState } from 'preact/hooks';
import { copyText } from '@shared/copy';
import { Banner, Button, EmptyState, Icon, tell } from '@shared/ui';
import { HowTo } from '@shared/track/howto';
import { Qr } from '@shared/track/qr';
import { onlyHere, setups, type TrackerSetup } from '@shared/trackers';
import { account } from '../account';
import { isIos } from '../device';
import { TopBar } from '../ui/bar';
import { t } from '../words';

const FIELDS = { url: 'fieldUrl', user: 'fieldUser', password: 'fieldPassword', id: 'fieldId', token: 'fieldToken' } as const;
const STEPS = { owntracks: 'owntracksSteps', traccar: 'traccarSteps', overland: 'overlandSteps' } as const;

async function copy(text: string): Promise<void> {
  await copyText(text);
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

function TrackerApp({ of }: { of: TrackerSetup }) {
  const [shown, setShown] = useState(false);
  const [help, setHelp] = useState(false);
  return (
    <section class="tracker panel" data-testid={`tracker-${of.key}`}>
      <h2><Icon name="satellite" size={20} />{of.name}</h2>
      <p class="muted">{t(STEPS[of.key])}</p>
      {of.fields.map(({ name, ...line }) => <Line key={name} name={t(FIELDS[name])} {...line} />)}
      <div class="row wrap">
        <a class="button" href={of.link}><Icon name="external" size={18} /><span>{t('openInApp')}</span></a>
        <Button icon="qr" aria-expanded={shown} onClick={() => setShown(!shown)}>{shown ? t('hideQr') : t('showQr')}</Button>
        <Button icon="question" aria-expanded={help} onClick={() => setHelp(!help)}>{t('howTo')}</Button>
      </div>
      {shown && <Qr text={of.qr} label={of.name} />}
      {help && <HowTo app={of.key} />}
    </section>
  );
}

export function TrackersPage() {
  const who = account.value;
  const secrets = who?.trackers;
  if (!who || !secrets) return <><TopBar title={t('trackersTitle')} /><main class="page"><p>{t('trackersWhy')}</p><EmptyState icon="lock" title={t('trackersNone')} /></main></>;
  const [owntracks, traccar, overland] = setups(secrets, who.device_id ?? '').map((one) => <TrackerApp key={one.key} of={one} />);
  return (
    <>
      <TopBar title={t('trackersTitle')} />
      <main class="page">
        <p>{t('trackersWhy')}</p>
        {onlyHere(secrets.owntracks.url) && <Banner kind="warning">{t('trackersOnlyHere')}</Banner>}
        <Banner kind="info">{t('trackersSecret')}</Banner>
        {isIos ? [overland, owntracks, traccar] : [owntracks, traccar, overland]}
      </main>
    </>
  );
}
