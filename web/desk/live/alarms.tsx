/** Escalations with acknowledgement, and the sound and notification that call for a look. */
import { effect, signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { api } from '@shared/api';
import { clockTime, dayTime } from '@shared/format';
import { useLoad } from '@shared/resource';
import { may } from '@shared/session';
import type { Escalation, Page, TaskCard } from '@shared/types';
import { Badge, Button, Check, EmptyState, Loaded, TaskBadge, tellError } from '@shared/ui';
import { clockKind } from '@shared/words';
import { go } from '../route';
import { clockTurns, overdue, ready, unassigned } from '../store';
import { t } from '../words';
import { change, view } from './view';

/** How many escalations wait for somebody; the badge on the tab. */
export const open = signal(0);

const STAGE_TONE = { warn_1: 'amber', warn_2: 'amber', breach: 'red', branch_head: 'red' } as const;

export function Alarms() {
  const [withOld, setWithOld] = useState(false);
  const [busy, setBusy] = useState('');
  const list = useLoad<Page<Escalation>>(
    (signal) => api.get('/escalations', { limit: 200, all: withOld }, { signal }),
    [withOld, clockTurns.value],
  );
  const waiting = list.data?.items.filter((one) => !one.acknowledged_at).length ?? 0;
  useEffect(() => void (open.value = waiting), [waiting]);
  const acknowledge = (one: Escalation) => {
    setBusy(one.id);
    api
      .post(`/escalations/${one.id}/acknowledge`)
      .then(list.reload, tellError)
      .finally(() => setBusy(''));
  };
  return (
    <div class="alarms">
      <div class="row wrap alarm-tools">
        <Button
          size="small"
          kind="quiet"
          icon={view.value.sound ? 'bell' : 'bell-off'}
          aria-pressed={view.value.sound}
          onClick={() => {
            change({ sound: !view.value.sound });
            if (view.value.sound) void beep();
          }}
        >
          {view.value.sound ? t('soundOn') : t('soundOff')}
        </Button>
        {view.value.sound && (
          <Button size="small" kind="quiet" icon="play" onClick={() => void beep()}>
            {t('tryIt')}
          </Button>
        )}
        {view.value.sound && heldBack.value && <span class="warn small">{t('heldBack')}</span>}
        <Button size="small" kind="quiet" icon="monitor" aria-pressed={view.value.notify} onClick={() => void toggleNotify()}>
          {view.value.notify ? t('notifyOn') : t('notifyOff')}
        </Button>
        <Check label={t('showAcknowledged')} checked={withOld} onChange={(event) => setWithOld(event.currentTarget.checked)} />
      </div>
      <Loaded of={list}>
        {(page) =>
          page.items.length === 0 ? (
            <EmptyState icon="ok" title={t('noAlarms')}>
              {t('noAlarmsNote')}
            </EmptyState>
          ) : (
            page.items.map((one) => (
              <article key={one.id} class={`alarm ${one.acknowledged_at ? 'old' : ''}`}>
                <div class="row wrap">
                  <Badge tone={STAGE_TONE[one.stage] ?? 'grey'} icon="warning">
                    {clockKind(one.clock.kind)} · {t(`stage_${one.stage}`)}
                  </Badge>
                  <a class="mono" href={`#/live/claim/${one.claim_id}`} onClick={() => go('live', 'claim', one.claim_id)}>
                    {one.report_no}
                  </a>
                  <span class="grow" />
                  <span class="muted small nowrap">{dayTime(one.fired_at)}</span>
                </div>
                <div class="row">
                  {one.task && <TaskBadge state={one.task.state} />}
                  <span class="muted small grow">
                    {one.clock.stopped_at
                      ? t('stopped', { t: clockTime(one.clock.stopped_at) })
                      : t('dueAt', { t: clockTime(one.clock.due_at) })}
                  </span>
                  {one.acknowledged_at ? (
                    <span class="muted small">{t('acknowledgedBy', { name: one.acknowledged_by ?? '' })}</span>
                  ) : (
                    may('dispatcher', 'supervisor') && (
                      <Button size="small" icon="check" busy={busy === one.id} onClick={() => acknowledge(one)}>
                        {t('acknowledge')}
                      </Button>
                    )
                  )}
                </div>
              </article>
            ))
          )
        }
      </Loaded>
    </div>
  );
}

const WAKERS = ['pointerdown', 'keydown'] as const;
type Told = 'notifyUnassigned' | 'notifyBreach';
/** A storm breaks many promises at once; the tab of alarms has them all. */
const MOST_TOLD = 3;
let sounds: AudioContext | null = null;

/** A storm breaks a promise a second, and a desk may be open twice: so long after a ring nothing rings again, in any tab. */
const REST_MS = 4000;
const RANG = 'chakan.rang';

/** Whether the browser still holds the sound back: it lets no page sound before somebody has touched it. */
export const heldBack = signal(false);

/** What was born silent is woken by the first key or click. */
async function wakeSound(): Promise<boolean> {
  if (!view.peek().sound) return false;
  if (!sounds) {
    sounds = new AudioContext();
    sounds.onstatechange = () => void (heldBack.value = sounds?.state !== 'running');
    heldBack.value = sounds.state !== 'running';
  }
  if (navigator.userActivation?.hasBeenActive !== false) await sounds.resume();
  return sounds.state === 'running';
}

/** Two short tones, made here: no sound file to fetch. What cannot be heard now is not kept for later. */
async function beep(): Promise<void> {
  if (!(await wakeSound()) || !sounds) return;
  for (const [at, pitch] of [
    [0, 880],
    [0.18, 660],
  ] as const) {
    const tone = sounds.createOscillator();
    const volume = sounds.createGain();
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.12, sounds.currentTime + at);
    volume.gain.exponentialRampToValueAtTime(0.001, sounds.currentTime + at + 0.16);
    tone.connect(volume).connect(sounds.destination);
    tone.start(sounds.currentTime + at);
    tone.stop(sounds.currentTime + at + 0.17);
  }
}

/** Rings once for everything that happened in some seconds; a tab that is held back leaves it to one that may. */
async function ring(): Promise<void> {
  if (!(await wakeSound())) return;
  const rested = Date.now() - Number(localStorage.getItem(RANG) ?? 0);
  if (rested >= 0 && rested < REST_MS) return;
  localStorage.setItem(RANG, String(Date.now()));
  await beep();
}

async function toggleNotify(): Promise<void> {
  if (!view.value.notify && 'Notification' in window && (await Notification.requestPermission()) !== 'granted') return;
  change({ notify: !view.value.notify });
}

/** Beside the clock of the machine, while the desk is behind another window; pressing it opens the job. */
function tellOutside(tag: string, card: TaskCard, said: Told): void {
  const told = new Notification(t('desk'), { body: t(said, { no: card.report_no }), tag });
  told.onclick = () => {
    window.focus();
    go('live', 'claim', card.claim_id);
    told.close();
  };
}

/** Calls for a look whenever a job newly needs a dispatcher or newly breaks its clock. */
export function watchAlarms(): () => void {
  let known: Set<string> | null = null;
  const wake = () => void wakeSound();
  for (const kind of WAKERS) window.addEventListener(kind, wake);
  // Told before it is needed: a desk that came back by itself at night is silent until somebody touches it.
  const shown = effect(() => void (view.value.sound ? wake() : (heldBack.value = false)));
  const stop = effect(() => {
    const needy = new Map<string, { card: TaskCard; said: Told }>([
      ...unassigned.value.map((card) => [`u${card.id}`, { card, said: 'notifyUnassigned' }] as const),
      ...overdue.value.map((card) => [`o${card.id}`, { card, said: 'notifyBreach' }] as const),
    ]);
    if (!ready.value) return;
    const fresh = known === null ? [] : [...needy].filter(([key]) => !known?.has(key));
    known = new Set(needy.keys());
    if (!fresh.length) return;
    if (view.peek().sound) void ring();
    if (view.peek().notify && document.hidden && 'Notification' in window && Notification.permission === 'granted')
      for (const [tag, { card, said }] of fresh.slice(0, MOST_TOLD)) tellOutside(tag, card, said);
  });
  return () => {
    stop();
    shown();
    for (const kind of WAKERS) window.removeEventListener(kind, wake);
  };
}
