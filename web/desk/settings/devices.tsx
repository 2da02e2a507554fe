/** A surveyor's phones: pairing by code and QR, and ending a lost one at once. */
import { useState } from 'preact/hooks';
import { api } from '@shared/api';
import { dayTime, number } from '@shared/format';
import { fixReason } from '@shared/reasons';
import { useLoad } from '@shared/resource';
import { may } from '@shared/session';
import { Why } from '@shared/track/why';
import type { DeviceRow, Page, PersonRow, PhoneTracking } from '@shared/types';
import { Badge, Button, Dialog, Icon, Loaded, tell, tellError } from '@shared/ui';
import { PairPhone } from './pairing';
import { t } from './words';

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
    .map(([reason, count]) => `${fixReason(reason)} ${number(count)}`)
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
  const list = useLoad<Page<DeviceRow>>((signal) => api.get(`/surveyors/${person.id}/devices`, {}, { signal }), [person.id]);
  const why = useLoad<PhoneTracking>((signal) => api.get(`/surveyors/${person.id}/tracking`, {}, { signal }), [person.id]);
  return (
    <Dialog wide title={t('devicesOf', { name: person.name })} onClose={onDone}>
      <div class="stack">
        <Loaded of={why} rows={2}>
          {(facts) => <Why of={facts} />}
        </Loaded>
        {may('dispatcher', 'admin') && <PairPhone surveyor={person.id} onPaired={list.reload} />}
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
      </div>
    </Dialog>
  );
}
