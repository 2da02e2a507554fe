/** Live hints of possible duplicates while the seat types: same plate, same phone, same place and time. */
import { useEffect, useState } from 'preact/hooks';
import { api } from '@shared/api';
import type { LonLat } from '@shared/datum';
import { dayTime } from '@shared/format';
import type { DuplicateHint, Page } from '@shared/types';
import { Badge, Icon } from '@shared/ui';
import { claimState, duplicateReason } from '@shared/words';
import { link } from '../route';
import { t } from './words';

const WAIT_MS = 350;

export function Hints({ phone, plate, at, lossAt }: { phone: string; plate: string; at: LonLat | null; lossAt: string | null }) {
  const [found, setFound] = useState<DuplicateHint[] | null>(null);
  const asks = phone.length >= 7 || plate.length >= 5 || at !== null;
  useEffect(() => {
    if (!asks) return setFound(null);
    const stop = new AbortController();
    const timer = setTimeout(() => {
      api
        .get<Page<DuplicateHint>>(
          '/duplicates',
          {
            phone: phone.length >= 7 ? phone : null,
            plate: plate.length >= 5 ? plate : null,
            lon: at?.lon,
            lat: at?.lat,
            at: lossAt,
          },
          { signal: stop.signal, tries: 0 },
        )
        .then(
          (answer) => setFound(answer.items),
          (error: unknown) => {
            if (!stop.signal.aborted) {
              console.warn('no hints', error);
              setFound(null);
            }
          },
        );
    }, WAIT_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [phone, plate, at?.lon, at?.lat, lossAt, asks]);
  return (
    <section class={`hints ${found?.length ? 'some' : ''}`} aria-live="polite" aria-label={t('duplicates')}>
      {found === null ? null : found.length === 0 ? (
        <p class="muted small">
          <Icon name="ok" size={14} /> {t('noDuplicates')}
        </p>
      ) : (
        <>
          <h3 class="warn">
            <Icon name="copy" size={15} /> {t('duplicates')} <span class="muted small">{t('duplicatesNote')}</span>
          </h3>
          <ul class="lines">
            {found.slice(0, 5).map((one) => (
              <li key={one.claim_id} class="row wrap">
                <a class="mono" href={link('claims', one.claim_id)} target="_blank" rel="noreferrer">
                  {one.report_no}
                </a>
                {one.reasons.map((reason) => (
                  <Badge key={reason} tone="amber">
                    {duplicateReason(reason)}
                  </Badge>
                ))}
                <span class="muted small clip grow">
                  {dayTime(one.reported_at)} · {claimState(one.state)} · {one.place ?? ''}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
