/** Taking a report: one screen, by keyboard alone, in less time than the caller needs to calm down. */
import { lazy, Suspense } from 'preact/compat';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { api, type ApiError } from '@shared/api';
import { now, serverNow } from '@shared/clock';
import { parseLonLat } from '@shared/datum';
import { countdown, clockTimeS, fromLocalInput } from '@shared/format';
import { asApiError, useLoad } from '@shared/resource';
import type { Id, Opened } from '@shared/types';
import { Banner, Button, Icon, Loaded, Spinner } from '@shared/ui';
import { explain } from '@shared/words';
import { mapInfo } from '../mapinfo';
import { go } from '../route';
import { After, seen } from './after';
import { begun, clear, draft, forgetSent, hangUp, parcel, type } from './draft';
import { Fields, pinOf } from './form';
import { Hints } from './hints';
import { t } from './words';

const PinMap = lazy(() => import('@shared/map/pin'));
const MAP_ID = 'report-map';

function problems(): Record<string, string> {
  const of = draft.peek();
  const lossAt = fromLocalInput(of.lossAt);
  return {
    ...(of.phone.trim() ? {} : { phone: t('needPhone') }),
    ...(of.place.trim() || of.lon !== null ? {} : { place: t('needPlace') }),
    ...(of.typed && !parseLonLat(of.typed) ? { typed: t('badCoordinates') } : {}),
    ...(/^\d{0,3}$/.test(of.injured.trim()) ? {} : { injured: t('badInjured') }),
    ...(lossAt && lossAt.getTime() > serverNow() + 60_000 ? { lossAt: t('futureLoss') } : {}),
  };
}

/** Enter walks to the next field; in a text area Ctrl+Enter submits like everywhere. */
function walk(event: KeyboardEvent, form: HTMLFormElement): void {
  const from = event.target as HTMLElement;
  if (event.key !== 'Enter' || event.ctrlKey || event.shiftKey || event.isComposing || from.tagName === 'BUTTON') return;
  event.preventDefault();
  const stops = [
    ...form.querySelectorAll<HTMLElement>(
      'input:not([type=radio]), select, textarea, input[type=radio]:checked, button[type=submit]',
    ),
  ].filter((one) => !(one as HTMLInputElement).disabled && one.offsetParent !== null);
  const next = stops[stops.indexOf(from) + 1];
  next?.focus();
  if (next instanceof HTMLInputElement && next.type !== 'radio') next.select();
}

/** Alt+letter: browsers keep some of these letters for themselves, so the page sees to it. */
function reach(code: string): boolean {
  const letter = /^Key([A-Z])$/.exec(code)?.[1]?.toLowerCase();
  const field = letter ? document.querySelector<HTMLInputElement>(`.report-form [accesskey="${letter}"]`) : null;
  field?.focus();
  if (field?.tagName === 'INPUT') field.select();
  return field !== null;
}

function Call() {
  const of = draft.value;
  if (!of.startedAt) return null;
  const end = of.endedAt ? Date.parse(of.endedAt) : now.value;
  return (
    <div class="row call" title={t('callHint')}>
      <Icon name={of.endedAt ? 'phone-off' : 'phone-call'} size={16} />
      <span class="tabular">
        {of.endedAt
          ? t('hungUp', { t: clockTimeS(of.endedAt) })
          : t('callTook', { t: countdown((end - Date.parse(of.startedAt)) / 1000) })}
      </span>
      {!of.endedAt && (
        <Button size="small" hotkey="F4" onClick={hangUp}>
          {t('hangUp')}
        </Button>
      )}
    </div>
  );
}

/** The pin of the report being typed; after submitting, the loss and whoever is asked or on his way. */
function Where({ done }: { done: boolean }) {
  const info = useLoad(mapInfo, []);
  const at = done ? (seen.value?.at ?? null) : pinOf(draft.value);
  const back = () => document.querySelector<HTMLElement>('.report-form button[type=submit]')?.focus();
  return (
    <div class="report-map">
      <Loaded of={info}>
        {(facts) => (
          <Suspense fallback={<Spinner />}>
            <PinMap
              id={MAP_ID}
              info={facts}
              label={t('pinLabel')}
              at={at}
              fixed={done}
              others={done ? (seen.value?.others ?? []) : []}
              onMove={(to) => type({ lon: to.lon, lat: to.lat, datum: 'wgs84', typed: '' })}
              onDone={back}
            />
          </Suspense>
        )}
      </Loaded>
      <div class="row report-pin">
        <Icon name="pin" size={15} />
        <span class="grow small">
          {at ? t('pinAt', { lon: at.lon.toFixed(5), lat: at.lat.toFixed(5) }) : done ? '' : t('pinNone')}
        </span>
        {at && !done && (
          <Button size="small" kind="quiet" icon="x" onClick={() => type({ lon: null, lat: null, typed: '' })}>
            {t('removePin')}
          </Button>
        )}
        {!done && <kbd>F2</kbd>}
      </div>
    </div>
  );
}

interface Done {
  id: Id;
  took: number;
}

function useSubmit(onDone: (done: Done) => void) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const submit = async () => {
    if (busy) return;
    setBusy(true);
    setError(null);
    const started = draft.peek().startedAt;
    const { key, body } = parcel();
    try {
      const opened = await api.post<Opened>('/claims', body, { key });
      onDone({ id: opened.id, took: started ? (serverNow() - Date.parse(started)) / 1000 : 0 });
      clear();
    } catch (failure) {
      const known = asApiError(failure);
      if (known.status >= 400 && known.status < 500 && !known.passing && known.code !== 'idempotency_mismatch') forgetSent();
      setError(known);
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, submit, forgive: () => setError(null) };
}

function Trouble({ error, onNew }: { error: ApiError; onNew: () => void }) {
  if (error.code === 'idempotency_mismatch') {
    return (
      <Banner kind="warning">
        {t('alreadySent')}{' '}
        <div class="row wrap">
          <Button size="small" onClick={() => go('claims', { q: draft.peek().phone })}>
            {t('findIt')}
          </Button>
          <Button size="small" onClick={onNew}>
            {t('asNew')}
          </Button>
        </div>
      </Banner>
    );
  }
  return (
    <Banner kind="error">
      {explain(error)} {error.passing && t('maybeSent')}
    </Banner>
  );
}

export function Report() {
  const [done, setDone] = useState<Done | null>(null);
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const [sure, setSure] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const { busy, error, submit, forgive } = useSubmit(setDone);
  const tryIt = () => {
    const found = problems();
    setWrong(found);
    if (Object.keys(found).length)
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus());
    else void submit();
  };
  const fresh = () => {
    clear();
    setDone(null);
    setWrong({});
    forgive();
    requestAnimationFrame(() => document.getElementById('report-phone')?.focus());
  };
  const latest = useRef({ tryIt, fresh, done });
  latest.current = { tryIt, fresh, done };
  // Before the form is seen: until the next frame, which a busy map can hold back, what is typed went nowhere.
  useLayoutEffect(() => {
    document.getElementById('report-phone')?.focus();
    const keys = (event: KeyboardEvent) => {
      if (event.altKey && reach(event.code)) event.preventDefault();
      if (event.altKey) return;
      if (event.key === 'F2') document.getElementById(MAP_ID)?.focus();
      else if (event.key === 'F4') hangUp();
      else if (event.key === 'Enter' && event.ctrlKey && !latest.current.done) latest.current.tryIt();
      else return;
      event.preventDefault();
    };
    const again = () => latest.current.done && latest.current.fresh();
    window.addEventListener('keydown', keys);
    window.addEventListener('chakan-new-report', again);
    return () => {
      window.removeEventListener('keydown', keys);
      window.removeEventListener('chakan-new-report', again);
    };
  }, []);
  const of = draft.value;
  const at = pinOf(of);
  return (
    <div class="report">
      {done ? (
        <div class="report-form after-wrap">
          <After id={done.id} took={done.took} onNew={fresh} />
        </div>
      ) : (
        <form
          ref={form}
          class="report-form"
          onSubmit={(event) => {
            event.preventDefault();
            tryIt();
          }}
          onKeyDown={(event) => form.current && walk(event, form.current)}
          noValidate
        >
          <div class="report-body">
            <header class="row wrap">
              <h1>{t('title')}</h1>
              <Call />
              <span class="grow" />
              {begun() && (
                <Button
                  size="small"
                  kind={sure ? 'danger' : 'quiet'}
                  onBlur={() => setSure(false)}
                  onClick={() => (sure ? (setSure(false), fresh()) : setSure(true))}
                >
                  {sure ? t('clearAsk') : t('clear')}
                </Button>
              )}
            </header>
            <Fields errors={wrong} />
          </div>
          {/* Always in sight: a warning below the fold is none. */}
          <div class="report-end">
            <Hints
              phone={of.phone.trim()}
              plate={of.plate.trim()}
              at={at}
              lossAt={fromLocalInput(of.lossAt)?.toISOString() ?? null}
            />
            {error && (
              <Trouble
                error={error}
                onNew={() => {
                  forgetSent();
                  void submit();
                }}
              />
            )}
            <footer class="row wrap">
              <Button type="submit" kind="primary" icon="send" busy={busy} hotkey="Ctrl+↵">
                {error?.passing ? t('again') : t('submit')}
              </Button>
              {!at && of.place && (
                <span class="small warn">
                  <Icon name="info" size={14} /> {t('noPin')}
                </span>
              )}
              <span class="grow" />
              <span class="muted small">{t('tip')}</span>
            </footer>
          </div>
        </form>
      )}
      <Where done={done !== null} />
    </div>
  );
}
