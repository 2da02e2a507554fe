/** Asking for catastrophe mode, confirming it as the second person, refusing, and the steps back. */
import { useState } from 'preact/hooks';
import { api, newKey } from '@shared/api';
import { clockTime } from '@shared/format';
import { either } from '@shared/i18n';
import { useLoad } from '@shared/resource';
import { me } from '@shared/session';
import type { Catastrophe, Id, Page, Pulse, SettingArea } from '@shared/types';
import { Button, Check, Dialog, Field, Loaded, tell, tellError, TextArea } from '@shared/ui';
import { common } from '@shared/words';
import { limitsText } from './bar';
import { takeCatastrophe } from './store';
import { t } from './words';

/** One press, one request: the key stays the same when it is repeated. */
function useSend(onClose: () => void, done: string) {
  const [busy, setBusy] = useState(false);
  const [key] = useState(newKey);
  const send = async (path: string, body: unknown = {}) => {
    setBusy(true);
    try {
      takeCatastrophe(await api.post<Catastrophe>(path, body, { key }));
      tell('ok', done);
      onClose();
    } catch (error) {
      tellError(error);
      setBusy(false);
    }
  };
  return { busy, send };
}

interface Wish {
  name: string;
  reason: string;
  area: string;
  contact: number;
  arrive: number;
  open: number;
  borrow: Id[];
}
const FIRST: Wish = { name: '', reason: '', area: '', contact: 30, arrive: 0, open: 15, borrow: [] };

function Where({ wish, set, org, orgName }: { wish: Wish; set: (part: Partial<Wish>) => void; org: Id; orgName: string }) {
  const areas = useLoad(() => api.get<Page<SettingArea>>('/areas', { limit: 200 }), []);
  return (
    <div class="field">
      <label for="cat-area">{t('area')}</label>
      <select id="cat-area" class="input" value={wish.area} onChange={(event) => set({ area: event.currentTarget.value })}>
        <option value="">{t('wholeOrg', { name: orgName })}</option>
        {(areas.data?.items ?? [])
          .filter((one) => (one.org?.id ?? one.org_id) === org)
          .map((one) => (
            <option key={one.id} value={one.id}>
              {either(one.name, one.name_en)}
            </option>
          ))}
      </select>
    </div>
  );
}

function Borrow({ wish, set, pulse }: { wish: Wish; set: (part: Partial<Wish>) => void; pulse: Pulse }) {
  return (
    <fieldset class="cat-borrow">
      <legend>{t('borrow')}</legend>
      {pulse.neighbours.length === 0 && <p class="muted small">{t('borrowNone')}</p>}
      {pulse.neighbours.map((one) => (
        <Check
          key={one.id}
          label={`${one.name}（${t('onDuty', { n: one.on_duty })}）`}
          checked={wish.borrow.includes(one.id)}
          onChange={(event) =>
            set({ borrow: event.currentTarget.checked ? [...wish.borrow, one.id] : wish.borrow.filter((id) => id !== one.id) })
          }
        />
      ))}
    </fieldset>
  );
}

function AskForm({ pulse, onClose }: { pulse: Pulse; onClose: () => void }) {
  const [wish, setWish] = useState(FIRST);
  const { busy, send } = useSend(onClose, t('asked'));
  const set = (part: Partial<Wish>) => setWish((old) => ({ ...old, ...part }));
  const submit = (event: Event) => {
    event.preventDefault();
    void send('/catastrophes', {
      org_id: pulse.org.id,
      ...(wish.area ? { area_id: wish.area } : {}),
      name: wish.name.trim(),
      reason: wish.reason.trim(),
      borrow: wish.borrow,
      contact_limit_min: wish.contact,
      arrive_limit_min: wish.arrive,
      max_open: wish.open,
    });
  };
  const figure = (label: string, key: 'contact' | 'arrive' | 'open', min: number) => (
    <Field
      label={label}
      type="number"
      min={min}
      max={2880}
      required
      value={wish[key]}
      onInput={(event) => set({ [key]: Number(event.currentTarget.value) })}
    />
  );
  return (
    <form id="cat-ask" class="stack" onSubmit={submit}>
      <p class={`banner ${pulse.surging ? 'warning' : 'info'}`}>
        {t('pulse', { seen: pulse.seen, normal: pulse.normal, x: (pulse.seen / Math.max(1, pulse.normal)).toFixed(1) })}
      </p>
      <div class="cat-two">
        <Field
          label={t('name')}
          hint={t('nameHint')}
          maxLength={24}
          required
          value={wish.name}
          autofocus
          onInput={(event) => set({ name: event.currentTarget.value })}
        />
        <Where wish={wish} set={set} org={pulse.org.id} orgName={pulse.org.name} />
      </div>
      <Field
        label={t('reason')}
        maxLength={200}
        required
        value={wish.reason}
        onInput={(event) => set({ reason: event.currentTarget.value })}
      />
      <div class="cat-three">
        {figure(t('contactLimit'), 'contact', 1)}
        {figure(t('arriveLimit'), 'arrive', 0)}
        {figure(t('maxOpen'), 'open', 1)}
      </div>
      <Borrow wish={wish} set={set} pulse={pulse} />
      <p class="muted small">{t('askNote')}</p>
      <div class="row end">
        <Button onClick={onClose}>{common('cancel')}</Button>
        <Button kind="danger" type="submit" icon="storm" busy={busy}>
          {t('submit')}
        </Button>
      </div>
    </form>
  );
}

export function AskDialog({ org, onClose }: { org?: Id; onClose: () => void }) {
  const wanted = org ?? me.value?.person.org.id;
  const pulse = useLoad(() => api.get<Pulse>('/catastrophes/pulse', wanted ? { org_id: wanted } : {}), [wanted]);
  return (
    <Dialog title={t('askTitle')} onClose={onClose} wide>
      <Loaded of={pulse}>{(facts) => <AskForm pulse={facts} onClose={onClose} />}</Loaded>
    </Dialog>
  );
}

export function ConfirmDialog({ one, onClose }: { one: Catastrophe; onClose: () => void }) {
  const { busy, send } = useSend(onClose, t('confirmed'));
  const step = one.pending;
  if (!step) return null;
  const what = step.step === 'switch_on' ? t('catastrophe') : t(step.step);
  return (
    <Dialog
      title={t('confirmTitle', { what })}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{common('cancel')}</Button>
          <Button
            kind="danger"
            icon="check"
            busy={busy}
            data-testid="confirm-catastrophe"
            onClick={() => void send(`/catastrophes/${one.id}/confirm`)}
          >
            {t('confirm')}
          </Button>
        </>
      }
    >
      <div class="stack">
        <p>
          <strong>{one.name}</strong> · {one.area ? either(one.area.name, one.area.name_en) : one.org.name}
        </p>
        {step.step === 'switch_on' && <p>{limitsText(one)}</p>}
        {step.step !== 'restore' && one.borrowed.length > 0 && (
          <p>{t('barBorrowed', { names: one.borrowed.map((o) => o.name).join('、') })}</p>
        )}
        <p>
          {t('reason')}：{step.reason}
        </p>
        <p class="muted">{t('confirmNote', { who: step.requested_by.name, t: clockTime(step.requested_at) })}</p>
      </div>
    </Dialog>
  );
}

function Why({
  title,
  note,
  go,
  onClose,
  busy,
  onSend,
}: {
  title: string;
  note?: string;
  go: string;
  onClose: () => void;
  busy: boolean;
  onSend: (reason: string) => void;
}) {
  const [reason, setReason] = useState('');
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{common('cancel')}</Button>
          <Button kind="primary" type="submit" form="cat-why" busy={busy}>
            {go}
          </Button>
        </>
      }
    >
      <form
        id="cat-why"
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          onSend(reason.trim());
        }}
      >
        {note && <p>{note}</p>}
        <TextArea
          label={t('reason')}
          required
          maxLength={200}
          autofocus
          value={reason}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
      </form>
    </Dialog>
  );
}

export function ReasonDialog({ one, onClose }: { one: Catastrophe; onClose: () => void }) {
  const { busy, send } = useSend(onClose, t('refused'));
  const go = one.pending?.mine ? t('takeBack') : one.pending ? t('refuse') : t('dismiss');
  return (
    <Why
      title={go}
      go={go}
      busy={busy}
      onClose={onClose}
      onSend={(reason) => void send(`/catastrophes/${one.id}/refuse`, { reason })}
    />
  );
}

export function StepDialog({
  one,
  step,
  onClose,
}: {
  one: Catastrophe;
  step: 'release' | 'restore';
  onClose: () => void;
}) {
  const { busy, send } = useSend(onClose, t('asked'));
  return (
    <Why
      title={t('stepTitle', { what: t(step) })}
      note={t('stepNote')}
      go={t('submit')}
      busy={busy}
      onClose={onClose}
      onSend={(reason) => void send(`/catastrophes/${one.id}/steps`, { step, reason })}
    />
  );
}
