/** The two other things a dispatcher does to a claim, each with a reason. */
import { useState } from 'preact/hooks';
import { api, newKey } from '@shared/api';
import type { ClaimDetail } from '@shared/types';
import { Button, Dialog, tell, tellError, TextArea } from '@shared/ui';
import { common } from '@shared/words';
import { t } from './words';

export function ReasonDialog({
  claim,
  kind,
  onClose,
  onDone,
}: {
  claim: ClaimDetail;
  kind: 'redispatch' | 'withdraw';
  onClose: () => void;
  onDone: (after: ClaimDetail) => void;
}) {
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const [key] = useState(newKey);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const after = await api.post<ClaimDetail>(`/claims/${claim.id}/${kind}`, { reason: reason.trim() }, { key });
      tell('ok', t(kind === 'redispatch' ? 'redispatched' : 'withdrawn'));
      onDone(after);
    } catch (error) {
      tellError(error);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={t(`${kind}Title`, { no: claim.report_no })}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{common('cancel')}</Button>
          <Button kind={kind === 'withdraw' ? 'danger' : 'primary'} type="submit" form="reason" busy={busy}>
            {t(`${kind}Go`)}
          </Button>
        </>
      }
    >
      <form id="reason" class="stack" onSubmit={submit}>
        <p>{t(`${kind}Note`)}</p>
        <TextArea
          label={common('reason')}
          value={reason}
          required
          maxLength={200}
          autofocus
          onInput={(event) => setReason(event.currentTarget.value)}
        />
      </form>
    </Dialog>
  );
}
