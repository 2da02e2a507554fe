/** How honest the dot on the dispatcher's map is: fine, old, off, and how to put it right. */
import { useState } from 'preact/hooks';
import { now, serverNow } from '@shared/clock';
import { duration } from '@shared/format';
import { Button, Icon, type IconName } from '@shared/ui';
import { account, profile } from '../account';
import { isAndroid, isIos } from '../device';
import { freshness, here, locate, refusedWhy } from '../position';
import { go } from '../route';
import { onDuty } from '../sync';
import { ageS } from '../ui/bar';
import { Sheet } from '../ui/sheet';
import { fixRefusal, source, t } from '../words';

/** A phone whose clock is this far off has its positions refused by the server. */
const CLOCK_OFF_S = 45;
const PAGE_SOURCES = new Set(['api', 'phone', 'web', 'pings', 'page']);

/** What a tracker app in the background delivers, when it does. */
function byApp(): { name: string; age_s: number } | null {
  const tracking = profile.value?.surveyor?.tracking;
  if (!tracking?.source || PAGE_SOURCES.has(tracking.source) || tracking.state !== 'fresh') return null;
  return { name: source(tracking.source), age_s: tracking.age_s ?? 0 };
}

interface Look { tone: string; icon: IconName; title: string; note: string; fix?: boolean }

function lookNow(): Look {
  const state = freshness.value;
  const app = byApp();
  if (app && state !== 'fresh') return { tone: 'green', icon: 'locate', title: t('trackByApp', { source: app.name, t: duration(app.age_s) }), note: '' };
  if (account.value?.by === 'session') return { tone: 'amber', icon: 'smartphone', title: t('trackUnpaired'), note: t('trackUnpairedNote') };
  switch (state) {
    case 'fresh': return { tone: 'green', icon: 'locate', title: t('trackOk'), note: t('trackAge', { t: duration(ageS(here.value?.at ?? 0)), m: Math.round(here.value?.accuracy_m ?? 0) }) };
    case 'stale': return { tone: 'red', icon: 'signal-off', title: t('trackStale'), note: t('trackStaleNote', { t: duration(ageS(here.value?.at ?? 0)) }), fix: true };
    case 'denied': return { tone: 'red', icon: 'ban', title: t('trackDenied'), note: t('trackDeniedNote'), fix: true };
    case 'unavailable': return { tone: 'red', icon: 'signal-off', title: t('trackUnavailable'), note: t('trackUnavailableNote'), fix: true };
    case 'insecure': return { tone: 'red', icon: 'lock', title: t('trackInsecure'), note: t('trackInsecureNote') };
    default: return { tone: 'grey', icon: 'locate', title: t('trackSearching'), note: '' };
  }
}

function FixSheet({ onClose }: { onClose: () => void }) {
  return (
    <Sheet title={t('trackFix')} onClose={onClose}>
      <p>{isIos ? t('fixIos') : isAndroid ? t('fixAndroid') : t('fixOther')}</p>
      <Button size="big" kind="primary" icon="locate" onClick={() => { void locate(); onClose(); }}>{t('retryLocate')}</Button>
    </Sheet>
  );
}

export function TrackingLine() {
  const [fixing, setFixing] = useState(false);
  if (!onDuty.value) return <p class="track grey"><Icon name="shield" size={18} /><span>{t('trackOff')}</span></p>;
  const look = lookNow();
  const off = Math.abs(Math.round((serverNow() - Date.now()) / 1000));
  const clockOff = now.value > 0 && off > CLOCK_OFF_S;
  return (
    <>
      <p class={`track ${look.tone}`} data-testid="tracking"><Icon name={look.icon} size={18} /><span><strong>{look.title}</strong>{look.note && <span> {look.note}</span>}</span></p>
      {look.fix && <div class="row wrap"><Button icon="question" onClick={() => setFixing(true)}>{t('trackFix')}</Button><Button icon="satellite" onClick={() => go({ page: 'trackers' })}>{t('trackBackground')}</Button></div>}
      {refusedWhy.value && <p class="track amber"><Icon name="warning" size={18} /><span>{t('trackRefused', { why: fixRefusal(refusedWhy.value) })}</span></p>}
      {clockOff && <p class="track amber"><Icon name="clock" size={18} /><span><strong>{t('clockOff', { t: duration(off) })}</strong> {t('clockOffNote')}</span></p>}
      {fixing && <FixSheet onClose={() => setFixing(false)} />}
    </>
  );
}
