/** The customer's own photographs: by tus, under the slug alone. */
import { signal } from '@preact/signals';
import { BASE, newKey } from '@shared/api';
import { sha256 } from '@shared/digest';
import { asApiError } from '@shared/resource';
import { send } from '@shared/upload';

export interface OwnPhoto { id: string; file: File; preview: string; share: number; url: string | null; state: 'waiting' | 'sending' | 'sent' | 'failed'; code: string | null }

export const mine = signal<OwnPhoto[]>([]);
export const unsent = () => mine.value.filter((photo) => photo.state === 'waiting' || photo.state === 'sending').length;

const change = (id: string, part: Partial<OwnPhoto>): void => void (mine.value = mine.peek().map((photo) => (photo.id === id ? { ...photo, ...part } : photo)));

let running = false;

export function add(slug: string, files: File[]): void {
  mine.value = [...mine.peek(), ...files.map((file) => ({ id: newKey(), file, preview: URL.createObjectURL(file), share: 0, url: null, state: 'waiting' as const, code: null }))];
  void run(slug);
}

export function retry(slug: string, photo: OwnPhoto): void {
  change(photo.id, { state: 'waiting', code: null });
  void run(slug);
}

/** One at a time: on a weak line three at once finish none. */
async function run(slug: string): Promise<void> {
  if (running) return;
  running = true;
  for (let next = waiting(); next; next = waiting()) await one(slug, next);
  running = false;
}

const waiting = (): OwnPhoto | undefined => mine.peek().find((photo) => photo.state === 'waiting');

async function one(slug: string, photo: OwnPhoto): Promise<void> {
  change(photo.id, { state: 'sending' });
  try {
    const { file } = photo;
    const { done } = send({
      endpoint: `${BASE}/t/${slug}/uploads`, file, url: photo.url, onUrl: (url) => change(photo.id, { url }), onProgress: (bytes) => change(photo.id, { share: bytes / Math.max(1, file.size) }),
      metadata: { shot: 'other', filename: file.name, filetype: file.type, sha256: await sha256(file), taken_at: new Date(file.lastModified || Date.now()).toISOString() },
    });
    await done;
    change(photo.id, { state: 'sent', share: 1 });
  } catch (error) {
    change(photo.id, { state: 'failed', code: asApiError(error).code });
  }
}
