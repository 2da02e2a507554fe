/** A time agreed with the customer, set by the desk for whoever holds the job: made, moved, called off. */
import { useState } from 'preact/hooks';
import { api, newKey } from '@shared/api';
import { serverNow } from '@shared/clock';
import { dayTime, fromLocalInput, toLocalInput } from '@shared/format';
import { asApiError } from '@shared/resource';
import type { AssignmentRow, ClaimDetail } from '@shared/types';
import { Button, Dialog, Field, tell, tellError } from '@shared/ui';
import { common } from '@shared/words';
import { t } from './words';

const DAYS_30_MS = 30 * 86_400_000;
const HOURS = [1, 2, 4, 24];
const inHours = (n: number) => toLocalInput(new Date(serverNow() + n * 3_600_000));

/** Who holds the job before he is on scene; only then is there anything to agree. */
export const appointable = (claim: ClaimDetail): AssignmentRow | null => {
  const held = claim.task?.assignments.find((one) => !one.ended_at) ?? null;
  return held && ['accepted', 'contacted', 'en_route'].includes(claim.task?.state ?? '') ? held : null;
};

export function AppointDialog({
  claim,
  held,
  onClose,
  onDone,
}: {
  claim: ClaimDetail;
  held: AssignmentRow;
  onClose: () => void;
  onDone: (after?: ClaimDetail) => void;
}) {
  const [when, setWhen] = useState(held.appointment_at ? toLocalInput(new Date(held.appointment_at)) : inHours(1));
  // What stood here when the dialog opened: the page behind it is kept live and may know a newer time by now.
  const [seen] = useState(held.appointment_at ?? null);
  const [wrong, setWrong] = useState(false);
  const [busy, setBusy] = useState(false);
  // One key for each choice: a second press, or a retry after a dropped answer, agrees once.
  const [keys] = useState(() => new Map<string, string>());
  const send = async (at: string | null) => {
    const mark = at ?? '';
    if (!keys.has(mark)) keys.set(mark, newKey());
    setBusy(true);
    try {
      const path = `/claims/${claim.id}/appointment`;
      const after = await api.post<ClaimDetail>(path, { at, seen }, { key: keys.get(mark) ?? newKey() });
      tell('ok', at ? t('appointDone', { t: dayTime(at) }) : t('appointOffDone'));
      onDone(after);
    } catch (error) {
      tellError(error);
      // What was typed stays while there is no network; the key says it is the same wish when it is sent again.
      if (asApiError(error).code === 'offline') return setBusy(false);
      // Refused: another time agreed meanwhile must be seen before one tries again.
      onDone();
    }
  };
  const submit = (event: Event) => {
    event.preventDefault();
    const at = fromLocalInput(when);
    if (!at || at.getTime() <= serverNow() || at.getTime() > serverNow() + DAYS_30_MS) return setWrong(true);
    void send(at.toISOString());
  };
  return (
    <Dialog
      title={t('appointTitle', { no: claim.report_no })}
      onClose={onClose}
      actions={
        <>
          {held.appointment_at && (
            <Button kind="danger" icon="ban" data-action="appoint-off" busy={busy} onClick={() => void send(null)}>
              {t('appointOff')}
            </Button>
          )}
          <Button onClick={onClose}>{common('cancel')}</Button>
          <Button kind="primary" icon="calendar" type="submit" form="appoint" busy={busy}>
            {t('appointGo')}
          </Button>
        </>
      }
    >
      <form id="appoint" class="stack" onSubmit={submit}>
        <p>{t('appointNote', { name: held.surveyor.name })}</p>
        <Field
          label={t('appointAt')}
          type="datetime-local"
          required
          value={when}
          error={wrong ? t('appointPast') : null}
          onInput={(event) => {
            setWhen(event.currentTarget.value);
            setWrong(false);
          }}
        />
        <div class="row wrap">
          {HOURS.map((n) => (
            <Button key={n} type="button" onClick={() => setWhen(inHours(n))}>
              {t('hours', { n })}
            </Button>
          ))}
        </div>
      </form>
    </Dialog>
  );
}
