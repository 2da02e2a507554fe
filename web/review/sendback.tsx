/** Sending a photo back: a reason by digit, words, and a box on the picture. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { either } from '@shared/i18n';
import type { Photo } from '@shared/types';
import { Button, Dialog, TextArea } from '@shared/ui';
import { common, sendBackReason } from '@shared/words';
import { type Region, sendBack } from './store';
import { Viewer } from './viewer';
import { t } from './words';

export const REASONS = ['blurred', 'dark', 'wrong_shot', 'plate_unreadable', 'vin_unreadable', 'too_far', 'too_close', 'not_this_claim', 'missing_shot', 'other'] as const;

export function SendBackDialog({ of, onClose }: { of: Photo; onClose: () => void }) {
  const [reason, setReason] = useState<string>(REASONS[0]);
  const [note, setNote] = useState('');
  const [region, setRegion] = useState<Region | null>(null);
  const [busy, setBusy] = useState(false);
  const reasons = useRef<HTMLFieldSetElement>(null);
  // Not on the cross in the corner, where Enter would close instead of send.
  useLayoutEffect(() => reasons.current?.querySelector<HTMLElement>('input:checked')?.focus(), []);
  const send = async () => {
    if (busy) return;
    setBusy(true);
    if (await sendBack(of, { reason, note, region })) onClose();
    else setBusy(false);
  };
  // Before the next key: who knows the reasons types R and the digit in one go.
  useLayoutEffect(() => {
    const key = (event: KeyboardEvent) => {
      if ((event.target as Element).matches('textarea, input[type=text]')) {
        if (event.key === 'Enter' && event.ctrlKey) void send();
        return;
      }
      const n = event.key === '0' ? 9 : Number(event.key) - 1;
      if (event.metaKey || event.altKey || (event.ctrlKey && event.key !== 'Enter')) return;
      if (REASONS[n]) setReason(REASONS[n]);
      if (event.key === 'Enter' && (event.ctrlKey || !(event.target as Element).closest('footer, header'))) { event.preventDefault(); void send(); }
    };
    document.addEventListener('keydown', key);
    return () => document.removeEventListener('keydown', key);
  });
  return (
    <Dialog
      wide title={t('sendBackTitle', { shot: either(of.shot_zh, of.shot_en) })} onClose={onClose}
      actions={<><Button onClick={onClose}>{common('cancel')}</Button><Button kind="danger" icon="undo" busy={busy} hotkey="Enter" onClick={() => void send()}>{t('sendBack')}</Button></>}
    >
      <div class="r-sendback">
        <div class="stack">
          <fieldset class="r-reasons" ref={reasons}>
            <legend class="unseen">{common('reason')}</legend>
            {REASONS.map((one, n) => (
              <label key={one} class={one === reason ? 'on' : ''}>
                <input type="radio" name="reason" value={one} checked={one === reason} onChange={() => setReason(one)} />
                <kbd>{(n + 1) % 10}</kbd><span>{sendBackReason(one)}</span>
              </label>
            ))}
          </fieldset>
          <TextArea label={t('sendBackNote')} value={note} maxLength={200} onInput={(event) => setNote(event.currentTarget.value)} />
        </div>
        <div class="r-sendback-photo">
          <Viewer of={of} region={region} onRegion={setRegion} />
          <p class="small muted">{region ? <>{t('region')} <Button kind="quiet" size="small" onClick={() => setRegion(null)}>{t('clearRegion')}</Button></> : t('regionNote')}</p>
        </div>
      </div>
    </Dialog>
  );
}
