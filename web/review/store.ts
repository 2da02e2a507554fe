/** What the review desk knows: the queue, the chosen job, its album. Polled, because photos come while one looks. */
import { batch, computed, effect, signal } from '@preact/signals';
import { api, type ApiError } from '@shared/api';
import { either } from '@shared/i18n';
import { asApiError } from '@shared/resource';
import { me } from '@shared/session';
import type { ClaimDetail, Page, Photo, Photos, ReviewRow } from '@shared/types';
import { tell, tellError } from '@shared/ui';
import { t } from './words';

export type Filter = 'all' | 'mine' | 'returned';
const POLL_MS = 4000;

export const queue = signal<ReviewRow[] | null>(null);
export const queueError = signal<ApiError | null>(null);
export const filter = signal<Filter>('all');
export const claimId = signal<string | null>(new URLSearchParams(location.search).get('claim'));
export const claim = signal<ClaimDetail | null>(null);
export const album = signal<Photos | null>(null);
export const albumError = signal<ApiError | null>(null);
export const at = signal(0);
export const comparing = signal(false);

export const within = (kind: Filter): ReviewRow[] => (queue.value ?? []).filter((row) =>
  kind === 'mine' ? row.reviewer?.id === me.value?.person.id : kind === 'returned' ? row.task.state === 'returned' || row.photos.sent_back > 0 : true);
export const shown = computed(() => within(filter.value));
export const row = computed(() => queue.value?.find((one) => one.claim_id === claimId.value) ?? null);
export const photos = computed<Photo[]>(() => album.value?.items ?? []);
export const photo = computed<Photo | null>(() => photos.value[Math.min(at.value, photos.value.length - 1)] ?? null);
export const mine = computed(() => row.value !== null && row.value.reviewer?.id === me.value?.person.id);
export const waiting = computed(() => photos.value.filter((one) => one.verdict === 'waiting'));
/** Sent back, and no retake has come yet. */
export const isOwed = (one: Photo): boolean => one.verdict === 'sent_back' && one.reviews.some((review) => review.verdict === 'sent_back' && !review.answered_by);
export const owed = computed(() => photos.value.filter(isOwed));
/** A photo taken in answer to a send-back. */
export const isRetake = (one: Photo): boolean => photos.value.some((other) => other.reviews.some((review) => review.answered_by === one.id));
/** Grows with every verdict given here: an answer asked for before it would show the old verdict again. */
let edition = 0;

export async function loadQueue(): Promise<void> {
  try {
    const page = await api.get<Page<ReviewRow>>('/review/queue', { limit: 200 });
    batch(() => { queue.value = page.items; queueError.value = null; });
  } catch (error) {
    queueError.value = asApiError(error);
  }
}

export async function loadAlbum(): Promise<void> {
  const id = claimId.peek();
  if (!id) return;
  const began = edition;
  try {
    const [detail, found] = await Promise.all([api.get<ClaimDetail>(`/claims/${id}`), api.get<Photos>(`/claims/${id}/photos`, { limit: 200 })]);
    if (claimId.peek() !== id || began !== edition) return; // gone on to another job or verdict meanwhile
    const looking = photo.peek()?.id;
    const known = new Set(photos.peek().map((one) => one.id));
    const first = album.peek() === null;
    batch(() => {
      claim.value = detail;
      album.value = found;
      albumError.value = null;
      const kept = found.items.findIndex((one) => one.id === looking);
      if (kept >= 0) at.value = kept;
    });
    const fresh = first ? [] : found.items.filter((one) => !known.has(one.id) && isRetake(one));
    if (fresh.length) tell('ok', t('retakeCame', { shots: fresh.map((one) => either(one.shot_zh, one.shot_en)).join('、') }));
  } catch (error) {
    if (claimId.peek() === id) albumError.value = asApiError(error);
  }
}

export function open(id: string | null): void {
  if (id === claimId.peek()) return;
  batch(() => { claimId.value = id; claim.value = null; album.value = null; albumError.value = null; at.value = 0; comparing.value = false; });
  history.pushState(null, '', id ? `?claim=${id}` : location.pathname);
}

export function step(by: number): void {
  at.value = Math.max(0, Math.min(photos.value.length - 1, at.value + by));
}

export function stepClaim(by: number): void {
  const list = shown.value;
  const here = list.findIndex((one) => one.claim_id === claimId.value);
  const next = list[Math.max(0, Math.min(list.length - 1, here + by))];
  if (next) open(next.claim_id);
}

const refresh = () => Promise.all([loadQueue(), loadAlbum()]);

export async function take(taskId: string): Promise<boolean> {
  try {
    await api.post(`/review/${taskId}/take`);
    return true;
  } catch (error) {
    tellError(error);
    return false;
  } finally {
    await refresh();
  }
}

export async function takeNext(): Promise<void> {
  if (queue.value === null) await loadQueue(); // who presses Enter before the queue is there means its first row
  const free = (queue.value ?? []).find((one) => one.reviewer === null && one.task.state === 'submitted') ?? (queue.value ?? []).find((one) => one.reviewer === null);
  if (free && (await take(free.task.id))) open(free.claim_id);
}

export async function release(taskId: string): Promise<void> {
  await api.post(`/review/${taskId}/release`).catch(tellError);
  await refresh();
}

/** Approves a photo and goes on to the next that waits; the screen does not wait for the server. */
export async function approve(one: Photo): Promise<void> {
  mark(one.id, 'approved');
  const next = photos.value.findIndex((other, n) => n > at.value && other.verdict === 'waiting');
  const any = photos.value.findIndex((other) => other.verdict === 'waiting');
  if (next >= 0 || any >= 0) at.value = next >= 0 ? next : any;
  try {
    await api.post(`/photos/${one.id}/approve`);
  } catch (error) {
    mark(one.id, one.verdict);
    tellError(error);
  }
  edition += 1;
  await refresh();
}

export async function approveRest(): Promise<void> {
  for (const one of waiting.value) {
    try {
      await api.post(`/photos/${one.id}/approve`);
      mark(one.id, 'approved');
    } catch (error) {
      tellError(error);
      break; // the next would fail alike
    }
  }
  await refresh();
}

export interface SendBack { reason: string; note: string; region: Region | null }
/** A box in shares of the photo's width and height, 0 to 1. */
export interface Region { x: number; y: number; w: number; h: number }
/** The box of a send-back as it was stored; null when there is none or it is of another kind. */
export function regionOf(selector: unknown): Region | null {
  const value = (selector as { value?: unknown } | null)?.value;
  const found = typeof value === 'string' ? /^xywh=percent:([\d.]+),([\d.]+),([\d.]+),([\d.]+)$/.exec(value) : null;
  if (!found) return null;
  const [x = 0, y = 0, w = 0, h = 0] = found.slice(1).map((n) => Number(n) / 100);
  return { x, y, w, h };
}

export async function sendBack(one: Photo, given: SendBack): Promise<boolean> {
  const region = given.region && {
    type: 'FragmentSelector', conformsTo: 'http://www.w3.org/TR/media-frags/',
    value: `xywh=percent:${[given.region.x, given.region.y, given.region.w, given.region.h].map((n) => (n * 100).toFixed(2)).join(',')}`,
  };
  try {
    await api.post(`/photos/${one.id}/send_back`, { reason: given.reason, note: given.note, region });
    mark(one.id, 'sent_back');
    tell('ok', t('sendBackDone', { name: row.value?.surveyor?.name ?? '' }));
    await refresh();
    return true;
  } catch (error) {
    tellError(error);
    return false;
  }
}

export async function waive(shots: string[], reason: string): Promise<boolean> {
  const task = row.value?.task.id;
  if (!task) return false;
  try {
    await api.post(`/review/${task}/waive`, { shots, reason });
    tell('ok', t('waived'));
    await refresh();
    return true;
  } catch (error) {
    tellError(error);
    return false;
  }
}

export async function ask(shots: string[], note: string): Promise<boolean> {
  const task = row.value?.task.id;
  if (!task) return false;
  try {
    await api.post(`/review/${task}/ask`, { shots, note });
    tell('ok', t('asked'));
    await refresh();
    return true;
  } catch (error) {
    tellError(error);
    return false;
  }
}

function mark(id: string, verdict: Photo['verdict']): void {
  edition += 1;
  if (album.value) album.value = { ...album.value, items: album.value.items.map((one) => (one.id === id ? { ...one, verdict } : one)) };
}

/** Starts the polling; pauses while nobody looks. */
export function begin(): void {
  void loadQueue();
  effect(() => { if (claimId.value) void loadAlbum(); });
  setInterval(() => { if (document.visibilityState === 'visible') void refresh(); }, POLL_MS);
  window.addEventListener('popstate', () => {
    const id = new URLSearchParams(location.search).get('claim');
    batch(() => { claimId.value = id; claim.value = null; album.value = null; at.value = 0; });
  });
}
