/** Sends waiting photographs, one at a time, after every waiting tap; resumes what a tunnel or a reload cut off. */
import { signal } from '@preact/signals';
import { BASE } from '@shared/api';
import { asApiError } from '@shared/resource';
import { type Handle, Paused, send } from '@shared/upload';
import { sha256 } from '@shared/digest';
import { account, locked } from './account';
import type { LocalPhoto } from './db';
import { amend, bytesOf, photos, received, reread } from './photos';
import { note, ops } from './queue';

/** What is on its way right now. */
export const underWay = signal<{ id: string; sent_bytes: number } | null>(null);

const LONGEST_WAIT_MS = 60_000;
/** After this many tries the head of the queue no longer holds the photographs back: they may be what the server waits for. */
const PATIENCE_TRIES = 6;
/** Refusals that another try may overcome, although their status says 4xx. */
const PASSING = new Set(['offset_conflict', 'upload_locked', 'upload_gone', 'checksum_mismatch', 'too_slow']);
/** Bytes that arrived with another hash are sent again this often, with the hash computed anew, and not for ever. */
const HASH_TRIES = 3;

let current: Handle | null = null;
let running = false;

const mustWait = (): boolean => {
  const first = ops.peek()[0];
  return first !== undefined && first.tries < PATIENCE_TRIES;
};

/** A tap just came in: on a thin line it goes first. What was sent of the photograph is not lost. */
export function makeWay(): void {
  if (mustWait()) current?.pause();
}

async function alone(work: () => Promise<void>): Promise<void> {
  if (navigator.locks) await navigator.locks.request('chakan-photos', { ifAvailable: true }, async (lock) => { if (lock) await work(); });
  else await work();
}

export async function sendPhotos(hurry = false): Promise<void> {
  if (running) return;
  running = true;
  try {
    await alone(async () => {
      const tried = new Set<string>();
      for (;;) {
        const due = (photo: LocalPhoto) => photo.state === 'waiting' && !tried.has(photo.id) && (hurry || photo.next_at <= Date.now());
        const photo = photos.peek().find(due);
        if (!photo || mustWait() || locked.peek() || account.peek()?.owner !== photo.owner) return;
        tried.add(photo.id);
        if (!(await sendOne(photo))) return;
      }
    });
  } finally {
    running = false;
    underWay.value = null;
  }
}

function metadata(photo: LocalPhoto): Record<string, string> {
  const { lon, lat, accuracy_m } = photo;
  const meta: Record<string, string> = {
    task: photo.task_id, shot: photo.shot, filename: photo.filename, filetype: photo.type, sha256: photo.sha256, taken_at: photo.taken_at, seq: String(photo.seq), source: photo.source,
  };
  if (lon !== null && lat !== null) Object.assign(meta, { lon: String(lon), lat: String(lat) });
  if (accuracy_m !== null) meta.accuracy = String(accuracy_m);
  return meta;
}

/** False when there is no sense in trying the next one now. */
async function sendOne(known: LocalPhoto): Promise<boolean> {
  // Another tab may have sent it since this one looked.
  const photo = await reread(known.id);
  if (photo?.state !== 'waiting') return true;
  const file = await bytesOf(photo);
  if (!file) {
    await refuse(photo, 'bytes_gone', '');
    return true;
  }
  underWay.value = { id: photo.id, sent_bytes: 0 };
  current = send({
    endpoint: `${BASE}/uploads`, file, metadata: metadata(photo), url: photo.url,
    onUrl: (url) => { if (url !== photo.url) void amend(photo.id, { url }); },
    onProgress: (sent_bytes) => void (underWay.value = { id: photo.id, sent_bytes }),
  });
  try {
    const { photoId } = await current.done;
    await received(photo.id, photoId);
    return true;
  } catch (error) {
    if (error instanceof Paused) return false;
    return await failed(photo, file, error);
  } finally {
    current = null;
  }
}

async function failed(photo: LocalPhoto, file: Blob, error: unknown): Promise<boolean> {
  const known = asApiError(error);
  if (known.status === 401) {
    locked.value = true;
    return false;
  }
  if (known.code === 'hash_mismatch' && photo.tries < HASH_TRIES) {
    // Either the line changed a byte or this phone's storage did: a wrong hash of our own would loop for ever.
    const digest = await sha256(file);
    await amend(photo.id, { sha256: digest, url: null, tries: photo.tries + 1, error: known.code });
    return true;
  }
  const lasting = known.status >= 400 && known.status < 500 && known.status !== 408 && !known.passing && !PASSING.has(known.code);
  if (lasting) {
    await refuse(photo, known.code, known.detail);
    return true;
  }
  const waitMs = Math.min(1000 * 2 ** photo.tries, LONGEST_WAIT_MS);
  // Nothing can be continued under this address: begin anew, the hash makes it one photograph all the same.
  const lost = known.code === 'no_receipt' || known.code === 'upload_gone';
  await amend(photo.id, { tries: photo.tries + 1, next_at: Date.now() + waitMs, error: known.code, ...(lost ? { url: null } : {}) });
  return known.status !== 0;
}

/** The server will never take it: said plainly; the bytes stay until their owner decides. */
async function refuse(photo: LocalPhoto, code: string, detail: string): Promise<void> {
  await amend(photo.id, { state: 'refused', error: code });
  await note({
    owner: photo.owner, at: photo.taken_at, settled_at: new Date().toISOString(), kind: 'photo', report_no: photo.report_no, task_id: photo.task_id, ok: false, code, detail,
    state: null, seen: false,
  });
}

export async function tryAgain(photo: LocalPhoto): Promise<void> {
  await amend(photo.id, { state: 'waiting', tries: 0, next_at: 0, url: null, error: null });
}
