/** A surveyor's phones: pairing by code and QR, and ending a lost one at once. */
import { useState } from 'preact/hooks';
import { api } from '@shared/api';
import { secondsUntil } from '@shared/clock';
import { dayTime, number } from '@shared/format';
import { labels } from '@shared/i18n';
import { useLoad } from '@shared/resource';
import type { DeviceRow, Page, Pairing, PersonRow } from '@shared/types';
import { Badge, Banner, Button, Countdown, Dialog, Icon, Loaded, tell, tellError } from '@shared/ui';
import { t } from './words';

const refusal = labels(
  {
    zero: '零坐标',
    out_of_range: '坐标越界',
    from_the_future: '时间超前',
    too_old: '过旧',
    imprecise: '精度差',
    impossible_speed: '速度异常',
    duplicate: '重复',
    off_duty: '不在岗',
    malformed: '格式错误',
  },
  {
    zero: 'zero',
    out_of_range: 'out of range',
    from_the_future: 'from the future',
    too_old: 'too old',
    imprecise: 'imprecise',
    impossible_speed: 'impossible speed',
    duplicate: 'repeated',
    off_duty: 'off duty',
    malformed: 'malformed',
  },
);

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
        <p>{t('pairNote')}</p>
        <p class="muted small">{t('code')}</p>
        <p class="pairing-code mono">{pairing.code}</p>
        {gone ? (
          <Banner kind="warning">{t('expired')}</Banner>
        ) : (
          <p>
            {t('validFor')} <Countdown until={pairing.expires_at} warnS={60} />
          </p>
        )}
        <p>
          <a class="mono small" href={pairing.url}>
            {pairing.url.split('#')[0]}
          </a>
        </p>
        <Button icon="refresh" busy={busy} onClick={onAgain}>
          {t('again')}
        </Button>
      </div>
    </div>
  );
}

function Device({ of, onRevoked }: { of: DeviceRow; onRevoked: () => void }) {
  const [sure, setSure] = useState(false);
  const [busy, setBusy] = useState(false);
  const revoke = () => {
    if (!sure) return setSure(true);
    setBusy(true);
    api
      .del(`/devices/${of.id}`)
      .then(() => {
        tell('ok', t('revoked'));
        onRevoked();
      }, tellError)
      .finally(() => setBusy(false));
  };
  const refused = Object.entries(of.refused_today)
    .map(([reason, count]) => `${refusal(reason)} ${number(count)}`)
    .join('、');
  return (
    <li class="row wrap">
      <Icon name="smartphone" />
      <strong>{of.label || of.id}</strong>
      <span class="muted small">
        {t('paired', { t: dayTime(of.paired_at) })} · {of.seen_at ? t('seen', { t: dayTime(of.seen_at) }) : t('neverSeen')}
      </span>
      {refused && (
        <Badge tone="amber" icon="filter">
          {t('refused', { list: refused })}
        </Badge>
      )}
      <span class="grow" />
      {of.revoked_at ? (
        <Badge icon="ban">{t('revoked')}</Badge>
      ) : (
        <Button
          size="small"
          kind={sure ? 'danger' : 'plain'}
          icon="ban"
          busy={busy}
          onBlur={() => setSure(false)}
          onClick={revoke}
        >
          {sure ? t('revokeAsk') : t('revoke')}
        </Button>
      )}
    </li>
  );
}

export function DevicesDialog({ person, onDone }: { person: PersonRow; onDone: () => void }) {
  const [pairing, setPairing] = useState<Pairing | null>(null);
  const [busy, setBusy] = useState(false);
  const list = useLoad<Page<DeviceRow>>((signal) => api.get(`/surveyors/${person.id}/devices`, {}, { signal }), [person.id]);
  const make = () => {
    setBusy(true);
    api
      .post<Pairing>(`/surveyors/${person.id}/pairing`)
      .then(setPairing, tellError)
      .finally(() => setBusy(false));
  };
  return (
    <Dialog wide title={t('devicesOf', { name: person.name })} onClose={onDone}>
      {pairing ? (
        <Code pairing={pairing} busy={busy} onAgain={make} />
      ) : (
        <p>
          <Button kind="primary" icon="qr" busy={busy} onClick={make}>
            {t('pair')}
          </Button>
        </p>
      )}
      <Loaded of={list} rows={2}>
        {({ items }) =>
          items.length ? (
            <ul class="lines">
              {items.map((one) => (
                <Device key={one.id} of={one} onRevoked={list.reload} />
              ))}
            </ul>
          ) : (
            <p class="muted">{t('noDevices')}</p>
          )
        }
      </Loaded>
    </Dialog>
  );
}
