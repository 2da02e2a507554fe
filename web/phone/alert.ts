/** A new offer must be noticed: sound, vibration, and a notification when the page is not in front. */
import { effect, signal } from '@preact/signals';
import { countdown, distance } from '@shared/format';
import type { OfferJob } from '@shared/types';
import { keep, kept } from './db';
import { visible } from './device';
import { offers, stillOpen } from './jobs';
import { ops } from './queue';
import { t } from './words';

export const sound = signal(true);
/** Asked, refused or not there: «unsupported» on iOS pages that are not installed. */
export const notices = signal<NotificationPermission | 'unsupported'>('Notification' in window ? Notification.permission : 'unsupported');

const EVERY_MS = 2_600;
const BUZZ = [400, 150, 400, 150, 700];

let audio: AudioContext | null = null;

/** Browsers let a page make a sound only after a touch: call it from one. */
export function unlockSound(): void {
  try {
    audio ??= new AudioContext();
    void audio.resume();
  } catch {
    audio = null; // no audio device: vibration and the screen remain
  }
}

function beep(): void {
  if (!sound.peek() || !audio || audio.state !== 'running') return;
  const start = audio.currentTime;
  [880, 1175, 880, 1175].forEach((pitch, n) => {
    if (!audio) return;
    const [tone, volume] = [audio.createOscillator(), audio.createGain()];
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.0001, start + n * 0.2);
    volume.gain.exponentialRampToValueAtTime(0.5, start + n * 0.2 + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + n * 0.2 + 0.18);
    tone.connect(volume).connect(audio.destination);
    tone.start(start + n * 0.2);
    tone.stop(start + n * 0.2 + 0.2);
  });
}

export async function askForNotices(): Promise<void> {
  if (!('Notification' in window)) return;
  notices.value = await Notification.requestPermission();
}

async function notify(offer: OfferJob): Promise<void> {
  if (visible.peek() || notices.peek() !== 'granted') return;
  const worker = await navigator.serviceWorker?.getRegistration('/phone');
  const left = (Date.parse(offer.expires_at) - Date.now()) / 1000;
  await worker?.showNotification(t('offerTitle'), {
    body: t('offerNotice', { distance: distance(offer.distance_m), left: countdown(left) }), tag: `offer-${offer.id}`, requireInteraction: true, icon: '/icons/icon-192.png', badge: '/icons/badge-96.png',
  });
}

async function clearNotices(): Promise<void> {
  const worker = await navigator.serviceWorker?.getRegistration('/phone');
  for (const one of (await worker?.getNotifications()) ?? []) one.close();
}

const answered = (offer: OfferJob): boolean => ops.peek().some((op) => op.offer_id === offer.id);

/** Rings as long as an offer is open and not answered. */
export function startAlerts(): void {
  const told = new Set<string>();
  let timer = 0;
  const ring = () => {
    const open = offers.peek().filter((offer) => stillOpen(offer) && !answered(offer));
    if (!open.length) {
      clearInterval(timer);
      timer = 0;
      navigator.vibrate?.(0);
      void clearNotices();
      return;
    }
    beep();
    navigator.vibrate?.(BUZZ);
    for (const offer of open) {
      if (told.has(offer.id)) continue;
      told.add(offer.id);
      void notify(offer);
    }
  };
  effect(() => {
    void ops.value;
    const open = offers.value.some((offer) => stillOpen(offer) && !answered(offer));
    if (open && !timer) {
      timer = window.setInterval(ring, EVERY_MS);
      ring();
    } else if (!open && timer) ring();
  });
  document.addEventListener('pointerdown', unlockSound, { passive: true });
}

export async function loadSound(): Promise<void> {
  sound.value = (await kept<boolean>('sound')) ?? true;
}

export async function setSound(on: boolean): Promise<void> {
  sound.value = on;
  await keep('sound', on);
}
