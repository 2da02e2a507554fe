/** This phone's own position while the page is open and its owner on duty. A web page hears nothing in the background. */
import { computed, signal } from '@preact/signals';
import { api, ApiError } from '@shared/api';
import { now } from '@shared/clock';
import type { Id } from '@shared/types';
import { account } from './account';
import { db, next, type StoredFix } from './db';
import { batteryPercent } from './device';

export interface Here { lon: number; lat: number; accuracy_m: number | null; at: number }

export const here = signal<Here | null>(null);
/** What stands between us and a position. */
export const trouble = signal<'denied' | 'unavailable' | 'insecure' | null>(null);
export const unsentFixes = signal(0);
/** When the server last kept a fix of ours, by this phone's clock. */
export const keptAt = signal<number | null>(null);
export const refusedWhy = signal<string | null>(null);

/** Fixes are kept apart by this much; the server keeps no closer ones either. */
const PERIOD_MS = 5_000;
/** A parked car sends nothing by itself: ask again, or the desk would call us lost after two minutes. */
const HEARTBEAT_MS = 25_000;
export const STALE_MS = 120_000;
const MOST_KEPT = 2000;
const BATCH = 500;

let watchId: number | null = null;
let heartbeat = 0;
let lastKeptMs = 0;

export const watching = signal(false);
/** How honest the dot on the dispatcher's map is, as far as this page can tell. */
export const freshness = computed<'off' | 'denied' | 'unavailable' | 'insecure' | 'searching' | 'stale' | 'fresh'>(() => {
  if (trouble.value === 'insecure') return 'insecure';
  if (!watching.value) return 'off';
  if (trouble.value === 'denied') return 'denied';
  const at = here.value?.at;
  if (at === undefined) return trouble.value ?? 'searching';
  return now.value > 0 && Date.now() - at > STALE_MS ? 'stale' : 'fresh';
});

export function startWatching(): void {
  if (watchId !== null) return;
  if (!window.isSecureContext || !navigator.geolocation) {
    trouble.value = window.isSecureContext ? 'unavailable' : 'insecure';
    return;
  }
  const options: PositionOptions = { enableHighAccuracy: true, maximumAge: 0, timeout: 20_000 };
  watchId = navigator.geolocation.watchPosition((fix) => void take(fix), failed, options);
  watching.value = true;
  heartbeat = window.setInterval(() => {
    if (Date.now() - (here.peek()?.at ?? 0) > HEARTBEAT_MS - 2_000) navigator.geolocation.getCurrentPosition((fix) => void take(fix), failed, { ...options, maximumAge: 10_000 });
  }, HEARTBEAT_MS);
}

export function stopWatching(): void {
  if (watchId !== null) navigator.geolocation.clearWatch(watchId);
  clearInterval(heartbeat);
  watchId = null;
  watching.value = false;
}

/** Asks for one position now, with the browser's own question when it was never asked. */
export function locate(timeoutMs = 12_000): Promise<Here | null> {
  return new Promise((resolve) => {
    if (!navigator.geolocation) return resolve(null);
    navigator.geolocation.getCurrentPosition(
      (fix) => { void take(fix); resolve(read(fix)); },
      (error) => { failed(error); resolve(null); },
      { enableHighAccuracy: true, maximumAge: 5_000, timeout: timeoutMs },
    );
  });
}

function failed(error: GeolocationPositionError): void {
  if (error.code === error.PERMISSION_DENIED) trouble.value = 'denied';
  else if (error.code === error.POSITION_UNAVAILABLE) trouble.value = 'unavailable';
  // TIMEOUT is a garage or a tunnel: the age of the last fix says it better.
}

const read = (fix: GeolocationPosition): Here => ({ lon: fix.coords.longitude, lat: fix.coords.latitude, accuracy_m: finite(fix.coords.accuracy), at: Date.now() });
const finite = (value: number | null): number | null => (value !== null && Number.isFinite(value) ? value : null);

async function take(fix: GeolocationPosition): Promise<void> {
  trouble.value = null;
  here.value = read(fix);
  const who = account.peek();
  // The server takes positions from paired devices only: without one there is nothing to keep for later.
  if (who?.by !== 'device' || watchId === null || fix.timestamp - lastKeptMs < PERIOD_MS) return;
  const { owner } = who;
  lastKeptMs = fix.timestamp;
  const { coords } = fix;
  const stored: StoredFix = {
    owner, at: new Date(fix.timestamp).toISOString(), lon: coords.longitude, lat: coords.latitude, accuracy_m: finite(coords.accuracy), speed_mps: finite(coords.speed),
    heading_deg: finite(coords.heading), altitude_m: finite(coords.altitude), battery: await batteryPercent(), seq: await next('fix_seq'),
  };
  await (await db()).add('fixes', stored);
  unsentFixes.value += 1;
}

/** Drops the oldest beyond what the phone keeps: photographs need the room more. */
async function trim(owner: Id): Promise<void> {
  const database = await db();
  const keys = await database.getAllKeysFromIndex('fixes', 'owner', owner);
  const extra = keys.slice(0, Math.max(0, keys.length - MOST_KEPT));
  const transaction = database.transaction('fixes', 'readwrite');
  await Promise.all(extra.map((key) => transaction.store.delete(key)));
  await transaction.done;
  unsentFixes.value = keys.length - extra.length;
}

interface Taken { kept: number; refused: Record<string, number>; offers?: Id[] }

/** Sends waiting fixes; the answer brings the ids of open offers. */
export async function flushFixes(): Promise<Id[]> {
  const who = account.peek();
  if (who?.by !== 'device') return [];
  const { owner } = who;
  await trim(owner);
  const batch = (await (await db()).getAllFromIndex('fixes', 'owner', owner)).slice(0, BATCH);
  if (!batch.length) return [];
  const fixes = batch.map(({ n: _n, owner: _owner, ...fix }) => fix);
  const answer = await sendFixes(fixes);
  const transaction = (await db()).transaction('fixes', 'readwrite');
  await Promise.all(batch.map((fix) => transaction.store.delete(fix.n ?? -1)));
  await transaction.done;
  unsentFixes.value = Math.max(0, unsentFixes.peek() - batch.length);
  if (answer.kept > 0) { keptAt.value = Date.now(); refusedWhy.value = null; }
  else refusedWhy.value = Object.keys(answer.refused).find((why) => why !== 'duplicate') ?? null;
  return answer.offers ?? [];
}

async function sendFixes(fixes: unknown[]): Promise<Taken> {
  try {
    // No key: the server knows a fix by its phone and its time, and need not keep an answer every ten seconds.
    return await api.post<Taken>('/positions', { fixes }, { key: '', tries: 0, timeoutS: 20 });
  } catch (error) {
    // The server read the batch and wants none of it: keeping it would block every later fix.
    if (error instanceof ApiError && error.status === 422) return { kept: 0, refused: { malformed: fixes.length } };
    throw error;
  }
}

let lock: WakeLockSentinel | null = null;

/** Keeps the screen on while driving: a dark screen is a hidden page, and a hidden page has no position. */
export async function stayAwake(wanted: boolean): Promise<void> {
  if (!wanted) {
    await lock?.release();
    lock = null;
    return;
  }
  if (!('wakeLock' in navigator) || document.visibilityState !== 'visible' || (lock && !lock.released)) return;
  try {
    lock = await navigator.wakeLock.request('screen');
  } catch {
    lock = null; // battery saver refuses it; the banner about background tracking covers this
  }
}
