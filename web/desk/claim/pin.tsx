/** Placing a claim that came without a position, or moving one that stands wrong. */
import { lazy, Suspense } from 'preact/compat';
import { useState } from 'preact/hooks';
import { api } from '@shared/api';
import { type LonLat, parseLonLat, toWgs84 } from '@shared/datum';
import { useLoad } from '@shared/resource';
import type { ClaimDetail, Datum } from '@shared/types';
import { Button, Dialog, Field, Loaded, Select, Spinner, tell, tellError } from '@shared/ui';
import { common } from '@shared/words';
import { mapInfo } from '../mapinfo';
import { t } from './words';

const PinMap = lazy(() => import('@shared/map/pin'));
export const DATUMS: readonly Datum[] = ['wgs84', 'gcj02', 'bd09'];

export function PinDialog({
  claim,
  onClose,
  onDone,
}: {
  claim: ClaimDetail;
  onClose: () => void;
  onDone: (after: ClaimDetail) => void;
}) {
  const [at, setAt] = useState<LonLat | null>(claim.loss.position);
  const [place, setPlace] = useState(claim.loss.place ?? '');
  const [typed, setTyped] = useState('');
  const [datum, setDatum] = useState<Datum>('wgs84');
  const [busy, setBusy] = useState(false);
  const info = useLoad(mapInfo, []);
  const read = (text: string, by: Datum) => {
    setTyped(text);
    setDatum(by);
    const found = parseLonLat(text);
    if (found) setAt(toWgs84({ ...found, datum: by }));
  };
  const save = async () => {
    if (!at) return;
    setBusy(true);
    try {
      const after = await api.patch<ClaimDetail>(`/claims/${claim.id}`, {
        loss: { position: { lon: at.lon, lat: at.lat, datum: 'wgs84' }, place: place.trim() || null },
      });
      tell('ok', t('pinSaved'));
      onDone(after);
    } catch (error) {
      tellError(error);
      setBusy(false);
    }
  };
  return (
    <Dialog
      wide
      title={t('pinTitle', { no: claim.report_no })}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{common('cancel')}</Button>
          <Button kind="primary" icon="pin" busy={busy} disabled={!at} onClick={() => void save()}>
            {t('pinSave')}
          </Button>
        </>
      }
    >
      <p class="muted">{t('pinNote')}</p>
      <div class="pin-fields">
        <Field label={t('place')} value={place} maxLength={200} onInput={(event) => setPlace(event.currentTarget.value)} />
        <Field
          label={t('coordinates')}
          value={typed}
          placeholder="116.40,39.91"
          error={typed && !parseLonLat(typed) ? t('badCoordinates') : null}
          onInput={(event) => read(event.currentTarget.value, datum)}
        />
        <Select
          label={t('datum')}
          value={datum}
          choices={DATUMS.map((value) => ({ value, label: t(`datum_${value}`) }))}
          onChange={(event) => read(typed, event.currentTarget.value as Datum)}
        />
      </div>
      <div class="pin-box">
        <Loaded of={info}>
          {(facts) => (
            <Suspense fallback={<Spinner />}>
              <PinMap info={facts} label={t('place')} at={at} onMove={setAt} />
            </Suspense>
          )}
        </Loaded>
      </div>
    </Dialog>
  );
}
