/** What this phone keeps by itself: the account, the queue, photographs and positions not yet received by the server. */
import { deleteDB, openDB, type DBSchema, type IDBPDatabase, type IDBPTransaction, type StoreNames } from 'idb';
import type { Id, Instant, Paired } from '@shared/types';

/** Who works with this phone. Everything queued carries his id, so that nothing is ever sent under another name. */
export interface Account {
  owner: Id;
  name: string;
  by: 'device' | 'session';
  token: string | null;
  device_id: Id | null;
  /** Settings of the background trackers, as pairing handed them out once. */
  trackers: Pick<Paired, 'owntracks' | 'traccar' | 'overland'> | null;
}

export type OpKind = 'shift' | 'accept' | 'decline' | 'contact' | 'take_back' | 'depart' | 'arrive' | 'appoint' | 'done_by' | 'submit' | 'hand_over';

/** A tap that the server must hear of, once, in order. */
export interface Op {
  n?: number;
  owner: Id;
  kind: OpKind;
  path: string;
  body: Record<string, unknown>;
  /** The Idempotency-Key: a repeat after a lost answer has one effect. */
  key: string;
  seq: number;
  at: Instant;
  task_id: Id | null;
  offer_id: Id | null;
  report_no: string;
  tries: number;
  /** Milliseconds since the epoch before which no new try is made. */
  next_at: number;
  last_error: string | null;
}

export interface LocalPhoto {
  id: string;
  owner: Id;
  task_id: Id;
  report_no: string;
  shot: string;
  shot_zh: string;
  shot_en: string;
  seq: number;
  taken_at: Instant;
  lon: number | null;
  lat: number | null;
  accuracy_m: number | null;
  source: 'camera' | 'gallery';
  sha256: string;
  size_bytes: number;
  type: string;
  filename: string;
  hints: ('blurred' | 'dark')[];
  thumb: Blob | null;
  state: 'waiting' | 'done' | 'refused';
  /** Address of the begun upload. */
  url: string | null;
  /** The server's receipt; only then are the bytes on this phone let go. */
  photo_id: Id | null;
  error: string | null;
  tries: number;
  next_at: number;
}

export interface StoredFix {
  n?: number;
  owner: Id;
  at: Instant;
  lon: number;
  lat: number;
  accuracy_m: number | null;
  speed_mps: number | null;
  heading_deg: number | null;
  altitude_m: number | null;
  battery: number | null;
  seq: number;
}

/** What became of a tap: kept so that a refusal is never a surprise without a trace. */
export interface LogLine {
  n?: number;
  owner: Id;
  at: Instant;
  settled_at: Instant;
  kind: OpKind | 'photo';
  report_no: string;
  task_id: Id | null;
  ok: boolean;
  code: string | null;
  detail: string;
  state: string | null;
  seen: boolean;
}

interface Schema extends DBSchema {
  kept: { key: string; value: unknown };
  ops: { key: number; value: Op; indexes: { owner: Id } };
  photos: { key: string; value: LocalPhoto; indexes: { owner: Id } };
  blobs: { key: string; value: Blob };
  fixes: { key: number; value: StoredFix; indexes: { owner: Id } };
  log: { key: number; value: LogLine; indexes: { owner: Id } };
}

const NAME = 'chakan-phone';
/** Raise it with every change of shape and add a step below: a phone may come back from a basement with last month's queue. */
const VERSION = 1;

export type Db = IDBPDatabase<Schema>;
type Upgrade = IDBPTransaction<Schema, StoreNames<Schema>[], 'versionchange'>;

function upgrade(db: Db, from: number, _transaction: Upgrade): void {
  if (from < 1) {
    db.createObjectStore('kept');
    db.createObjectStore('ops', { keyPath: 'n', autoIncrement: true }).createIndex('owner', 'owner');
    db.createObjectStore('photos', { keyPath: 'id' }).createIndex('owner', 'owner');
    db.createObjectStore('blobs');
    db.createObjectStore('fixes', { keyPath: 'n', autoIncrement: true }).createIndex('owner', 'owner');
    db.createObjectStore('log', { keyPath: 'n', autoIncrement: true }).createIndex('owner', 'owner');
  }
}

let opened: Promise<Db> | null = null;

export function db(): Promise<Db> {
  opened ??= openDB<Schema>(NAME, VERSION, {
    upgrade: (database, from, _to, transaction) => upgrade(database, from, transaction as Upgrade),
    // An older tab must not keep the new version from opening its own queue.
    blocking: () => void opened?.then((database) => { database.close(); opened = null; }),
    terminated: () => void (opened = null),
  }).catch((error: unknown) => {
    opened = null;
    throw error;
  });
  return opened;
}

export async function kept<T>(key: string): Promise<T | null> {
  return ((await (await db()).get('kept', key)) as T | undefined) ?? null;
}

export async function keep(key: string, value: unknown): Promise<void> {
  await (await db()).put('kept', value, key);
}

export async function forget(key: string): Promise<void> {
  await (await db()).delete('kept', key);
}

/** Writes that must survive a battery pulled the next moment. */
export const STRICT = { durability: 'strict' } as const;

/** The next number of a counter that never goes back: `seq` of the operations, of the photographs, of the fixes. */
export async function next(counter: 'seq' | 'photo_seq' | 'fix_seq'): Promise<number> {
  const transaction = (await db()).transaction('kept', 'readwrite', STRICT);
  const value = (((await transaction.store.get(counter)) as number | undefined) ?? 0) + 1;
  await transaction.store.put(value, counter);
  await transaction.done;
  return value;
}

/** Wipes this phone. Only for a person who was told what would be lost. */
export async function wipe(): Promise<void> {
  (await opened)?.close();
  opened = null;
  await deleteDB(NAME);
}
