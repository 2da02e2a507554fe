/** Photographs on this phone: hashed at the shutter, stored before anything else, shown until the server has its own. */
import { computed, signal } from '@preact/signals';
import { newKey } from '@shared/api';
import { sha256 } from '@shared/digest';
import type { Id, Shot, TaskJob } from '@shared/types';
import { account } from './account';
import { db, type LocalPhoto, STRICT } from './db';
import { measureStorage, nearlyFull } from './device';
import { here, STALE_MS } from './position';
import { look } from './quality';
import { writes } from './queue';

export const photos = signal<LocalPhoto[]>([]);
export const unsentPhotos = computed(() => photos.value.filter((photo) => photo.state !== 'done'));
export const photosOf = (taskId: Id): LocalPhoto[] => photos.value.filter((photo) => photo.task_id === taskId);

/** The disk is nearly full: a new photograph is refused so that an old one is never lost. */
export class PhoneFull extends Error {}
/** The same bytes were taken for the same shot already. */
export class TakenBefore extends Error {}

export async function loadPhotos(): Promise<void> {
  const owner = account.peek()?.owner;
  photos.value = owner ? (await (await db()).getAllFromIndex('photos', 'owner', owner)).sort((a, b) => a.seq - b.seq) : [];
}

export interface Shooting { job: Pick<TaskJob, 'id' | 'report_no'>; shot: Pick<Shot, 'code' | 'zh' | 'en'>; source: 'camera' | 'gallery' }

/** Keeps a photograph on the phone. Throws PhoneFull or TakenBefore. */
export const shoot = (file: File, of: Shooting): Promise<LocalPhoto> => writes(() => take(file, of));

async function take(file: File, { job, shot, source }: Shooting): Promise<LocalPhoto> {
  const owner = account.peek()?.owner;
  if (!owner) throw new Error('nobody is signed in');
  await measureStorage();
  if (nearlyFull()) throw new PhoneFull('storage');
  // A copy in memory first: the camera's own file may vanish while the page is put aside.
  const bytes = await file.arrayBuffer();
  const digest = await sha256(bytes);
  if (photosOf(job.id).some((photo) => photo.sha256 === digest && photo.shot === shot.code && photo.state !== 'refused')) throw new TakenBefore(shot.code);
  const kept = new Blob([bytes], { type: file.type || 'image/jpeg' });
  const seen = await look(kept);
  const at = here.peek();
  const fresh = source === 'camera' && at !== null && Date.now() - at.at < STALE_MS ? at : null;
  const photo: LocalPhoto = {
    id: newKey(), owner, task_id: job.id, report_no: job.report_no, shot: shot.code, shot_zh: shot.zh, shot_en: shot.en, seq: 0,
    taken_at: new Date(file.lastModified || Date.now()).toISOString(), lon: fresh?.lon ?? null, lat: fresh?.lat ?? null, accuracy_m: fresh?.accuracy_m ?? null, source, sha256: digest,
    size_bytes: kept.size, type: kept.type, filename: file.name || `${shot.code}.jpg`, hints: seen.hints, thumb: seen.thumb, state: 'waiting', url: null, photo_id: null, error: null,
    tries: 0, next_at: 0,
  };
  await store(photo, kept);
  photos.value = [...photos.peek(), photo];
  return photo;
}

/** Row, bytes and counter in one transaction: all there or nothing, whenever the battery goes. */
async function store(photo: LocalPhoto, bytes: Blob): Promise<void> {
  const transaction = (await db()).transaction(['kept', 'photos', 'blobs'], 'readwrite', STRICT);
  try {
    const counter = transaction.objectStore('kept');
    photo.seq = (((await counter.get('photo_seq')) as number | undefined) ?? 0) + 1;
    await Promise.all([counter.put(photo.seq, 'photo_seq'), transaction.objectStore('blobs').put(bytes, photo.id), transaction.objectStore('photos').put(photo), transaction.done]);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'QuotaExceededError') throw new PhoneFull('quota');
    throw error;
  }
}

export const bytesOf = async (photo: LocalPhoto): Promise<Blob | null> => (await (await db()).get('blobs', photo.id)) ?? null;

/** What the phone knows of a photograph now; what another tab did to it is shown here as well. */
export async function reread(id: string): Promise<LocalPhoto | null> {
  const found = (await (await db()).get('photos', id)) ?? null;
  photos.value = found ? photos.peek().map((photo) => (photo.id === id ? found : photo)) : photos.peek().filter((photo) => photo.id !== id);
  return found;
}

/** Changes what is known of a photograph, on the phone and on the screen. */
export async function amend(id: string, change: Partial<LocalPhoto>): Promise<void> {
  const transaction = (await db()).transaction('photos', 'readwrite', STRICT);
  const found = await transaction.store.get(id);
  if (found) await transaction.store.put({ ...found, ...change });
  await transaction.done;
  photos.value = photos.peek().map((photo) => (photo.id === id ? { ...photo, ...change } : photo));
}

/** The server has it, fsynced and hashed: the bytes on the phone may go; the small picture stays for the list. */
export async function received(id: string, photoId: Id): Promise<void> {
  const transaction = (await db()).transaction(['photos', 'blobs'], 'readwrite', STRICT);
  const found = await transaction.objectStore('photos').get(id);
  const done = { state: 'done', photo_id: photoId, url: null, error: null } as const;
  if (found) await transaction.objectStore('photos').put({ ...found, ...done });
  await transaction.objectStore('blobs').delete(id);
  await transaction.done;
  photos.value = photos.peek().map((photo) => (photo.id === id ? { ...photo, ...done } : photo));
}

/** Removes a photograph its owner does not want; only before it was sent. */
export async function discard(id: string): Promise<void> {
  const transaction = (await db()).transaction(['photos', 'blobs'], 'readwrite', STRICT);
  await Promise.all([transaction.objectStore('photos').delete(id), transaction.objectStore('blobs').delete(id), transaction.done]);
  photos.value = photos.peek().filter((photo) => photo.id !== id);
}

/** Forgets received photographs of jobs that are no longer on this phone. */
export async function tidy(openTasks: Set<Id>): Promise<void> {
  for (const photo of photos.peek()) if (photo.state === 'done' && !openTasks.has(photo.task_id)) await discard(photo.id);
}
