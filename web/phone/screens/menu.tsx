/** Settings: sound, notices, look, language, trackers, and the way out. */
import { useState } from 'preact/hooks';
import { isZh, setLang } from '@shared/i18n';
import { dark, theme } from '@shared/theme';
import { Button, Icon, type IconName, tellError } from '@shared/ui';
import { common } from '@shared/words';
import { account, leavePhone, profile } from '../account';
import { askForNotices, notices, setSound, sound, unlockSound } from '../alert';
import { installed, installPrompt, isIos } from '../device';
import { begin, waiting } from '../sync';
import { go, replace } from '../route';
import { TopBar } from '../ui/bar';
import { Sheet } from '../ui/sheet';
import { t } from '../words';

function Toggle({ icon, label, on, onFlip }: { icon: IconName; label: string; on: boolean; onFlip: () => void }) {
  return (
    <li><Icon name={icon} size={22} /><span class="grow">{label}</span><button type="button" class="switch small" role="switch" aria-checked={on} aria-label={label} onClick={onFlip}><i /></button></li>
  );
}

function Leave({ onClose }: { onClose: () => void }) {
  const n = waiting.value;
  const leave = async () => {
    await leavePhone();
    await begin();
    replace({ page: 'home' });
  };
  return (
    <Sheet title={t('leaveSure')} onClose={onClose}>
      {n > 0 && <p class="track amber"><Icon name="warning" size={18} /><span>{t('leaveUnsent', { n })}</span></p>}
      <p class="muted">{t('leaveNote')}</p>
      <Button kind="danger" size="big" icon="sign-out" onClick={() => void leave().catch(tellError)}>{t('leave')}</Button>
      <Button size="big" onClick={onClose}>{common('cancel')}</Button>
    </Sheet>
  );
}

function NoticeLine() {
  const state = notices.value;
  if (state === 'unsupported') return null;
  if (state === 'denied') return <li><Icon name="bell-off" size={22} /><span class="grow muted">{t('noticesDenied')}</span></li>;
  if (state === 'granted') return <li><Icon name="bell" size={22} /><span class="grow">{t('noticesReady')}</span><Icon name="check" size={22} /></li>;
  return <li><Icon name="bell" size={22} /><span class="grow">{t('noticesOn')}</span><Button onClick={() => void askForNotices()}>{common('yes')}</Button></li>;
}

export function MenuPage() {
  const [leaving, setLeaving] = useState(false);
  const who = account.value;
  return (
    <>
      <TopBar title={t('menuTitle')} />
      <main class="page">
        <section class="customer panel">
          <span class="avatar" aria-hidden="true">{who?.name.slice(0, 1)}</span>
          <div class="grow"><strong>{who?.name}</strong><p class="muted">{profile.value?.person.org.name}{who?.device_id && <span class="mono small"> · {t('deviceLine', { id: who.device_id.slice(-6) })}</span>}</p></div>
        </section>
        <ul class="panel menu">
          <Toggle icon="volume" label={t('soundOn')} on={sound.value} onFlip={() => { unlockSound(); void setSound(!sound.value); }} />
          <NoticeLine />
          <Toggle icon={dark.value ? 'moon' : 'sun'} label={t('dayNight')} on={dark.value} onFlip={() => void (theme.value = dark.value ? 'light' : 'dark')} />
          <li><Icon name="languages" size={22} /><span class="grow">{common('language')}</span><Button lang={isZh() ? 'en' : 'zh-CN'} data-testid="language" onClick={() => setLang(isZh() ? 'en' : 'zh-CN')}>{isZh() ? 'English' : '中文'}</Button></li>
          <li class="opens"><button type="button" onClick={() => go({ page: 'trackers' })}><Icon name="satellite" size={22} /><span class="grow">{t('trackersTitle')}</span><Icon name="chevron-right" size={20} /></button></li>
          <li class="opens"><button type="button" data-testid="mytrack" onClick={() => go({ page: 'mytrack' })}><Icon name="history" size={22} /><span class="grow">{t('myTrack')}</span><Icon name="chevron-right" size={20} /></button></li>
          <li class="opens"><button type="button" onClick={() => go({ page: 'sync' })}><Icon name="cloud-up" size={22} /><span class="grow">{t('syncTitle')}</span><Icon name="chevron-right" size={20} /></button></li>
          {!installed.value && installPrompt.value && <li class="opens"><button type="button" onClick={() => void installPrompt.value?.prompt()}><Icon name="download" size={22} /><span class="grow">{t('install')}<small class="muted">{t('installNote')}</small></span></button></li>}
          {!installed.value && isIos && <li><Icon name="share" size={22} /><span class="grow">{t('installMust')}<small class="muted">{t('installIos')}</small></span></li>}
        </ul>
        <Button kind="danger" size="big" icon="sign-out" onClick={() => setLeaving(true)}>{t('leave')}</Button>
      </main>
      {leaving && <Leave onClose={() => setLeaving(false)} />}
    </>
  );
}
