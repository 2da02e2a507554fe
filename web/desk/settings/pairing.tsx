/** Pairing a phone from the desk: the phone page by code, or one tracker app at once by its own QR code. */
import { useState } from 'preact/hooks';
import { api } from '@shared/api';
import { secondsUntil } from '@shared/clock';
import { words } from '@shared/i18n';
import { HowTo } from '@shared/track/howto';
import { Qr } from '@shared/track/qr';
import { type AppKey, onlyHere, setups } from '@shared/trackers';
import type { Paired, Pairing } from '@shared/types';
import { Banner, Button, Countdown, Tabs, tellError } from '@shared/ui';
import { t as s } from './words';

const t = words(
  {
    page: '查勘端（手机网页）',
    only: '只配对这个应用',
    note: '不用查勘端网页、只装定位应用的手机，在这里直接配对；一台手机一次。',
    onlyHere: '二维码里的地址只有服务器自己能打开，手机连不上。请设置 CHAKAN_PUBLIC_URL 后重新生成。',
    secret: '二维码等同于密码：只给本人扫，扫完关闭窗口。关闭后不再显示。',
    make: '生成 {name} 的二维码',
  },
  {
    page: 'Phone page',
    only: 'Pair this app alone',
    note: 'For a phone that runs the tracker without the phone page; once for each phone.',
    onlyHere: 'The address in the code leads to the server itself; no phone reaches it. Set CHAKAN_PUBLIC_URL and make it anew.',
    secret: 'The code is as good as a password: let only him scan it, then close this window. It is not shown again.',
    make: 'Make the QR code for {name}',
  },
);
const NAMES: Record<AppKey, string> = { owntracks: 'OwnTracks', traccar: 'Traccar Client', overland: 'Overland' };

function Code({ pairing, onAgain, busy }: { pairing: Pairing; onAgain: () => void; busy: boolean }) {
  const gone = secondsUntil(pairing.expires_at) <= 0;
  return (
    <div class="pairing">
      {/* An image, not markup: what the server draws cannot become part of this page. */}
      <img
        class={gone ? 'gone' : ''}
        src={`data:image/svg+xml;charset=utf-8,${encodeURIComponent(pairing.qr_svg)}`}
        alt={pairing.url}
        width="200"
        height="200"
      />
      <div class="stack">
        <p>{s('pairNote')}</p>
        <p class="muted small">{s('code')}</p>
        <p class="pairing-code mono">{pairing.code}</p>
        {gone ? (
          <Banner kind="warning">{s('expired')}</Banner>
        ) : (
          <p>
            {s('validFor')} <Countdown until={pairing.expires_at} warnS={60} />
          </p>
        )}
        <p>
          <a class="mono small" href={pairing.url}>
            {pairing.url.split('#')[0]}
          </a>
        </p>
        <Button icon="refresh" busy={busy} onClick={onAgain}>
          {s('again')}
        </Button>
      </div>
    </div>
  );
}

/** A device of one app alone: the desk redeems its own code, so that every rule and audit entry is the same. */
async function pairApp(surveyor: string, app: AppKey): Promise<Paired> {
  const { code } = await api.post<Pairing>(`/surveyors/${surveyor}/pairing`);
  return api.post<Paired>('/devices/pair', { code, label: NAMES[app] });
}

function AppPairing({ surveyor, app, onPaired }: { surveyor: string; app: AppKey; onPaired: () => void }) {
  const [paired, setPaired] = useState<Paired | null>(null);
  const [busy, setBusy] = useState(false);
  const setup = paired && setups(paired, paired.device.id).find((one) => one.key === app);
  const make = () => {
    setBusy(true);
    pairApp(surveyor, app)
      .then((answer) => {
        setPaired(answer);
        onPaired();
      }, tellError)
      .finally(() => setBusy(false));
  };
  return (
    <div class="stack" data-testid={`pair-${app}`}>
      {setup ? (
        <>
          {onlyHere(setup.fields[0]?.value ?? '') && <Banner kind="error">{t('onlyHere')}</Banner>}
          <Banner kind="warning">{t('secret')}</Banner>
          <div class="app-qr">
            <Qr text={setup.qr} label={setup.name} />
          </div>
        </>
      ) : (
        <>
          <p class="muted">{t('note')}</p>
          <p>
            <Button kind="primary" icon="qr" busy={busy} onClick={make}>
              {t('make', { name: NAMES[app] })}
            </Button>
          </p>
        </>
      )}
      <HowTo app={app} />
    </div>
  );
}

export function PairPhone({ surveyor, onPaired }: { surveyor: string; onPaired: () => void }) {
  const [tab, setTab] = useState<'page' | AppKey>('page');
  const [pairing, setPairing] = useState<Pairing | null>(null);
  const [busy, setBusy] = useState(false);
  const make = () => {
    setBusy(true);
    api
      .post<Pairing>(`/surveyors/${surveyor}/pairing`)
      .then(setPairing, tellError)
      .finally(() => setBusy(false));
  };
  return (
    <section class="stack">
      <Tabs
        label={s('pair')}
        active={tab}
        onPick={setTab}
        tabs={[
          { key: 'page' as const, label: t('page') },
          ...(Object.keys(NAMES) as AppKey[]).map((key) => ({ key, label: NAMES[key] })),
        ]}
      />
      {tab !== 'page' ? (
        <AppPairing key={tab} surveyor={surveyor} app={tab} onPaired={onPaired} />
      ) : pairing ? (
        <Code pairing={pairing} busy={busy} onAgain={make} />
      ) : (
        <p>
          <Button kind="primary" icon="qr" busy={busy} onClick={make}>
            {s('pair')}
          </Button>
        </p>
      )}
    </section>
  );
}
