/** Who this phone belongs to: a paired device, or a person signed in by password. */
import { signal } from '@preact/signals';
import { api, ApiError, setBearer } from '@shared/api';
import { signIn as openSession, whoAmI } from '@shared/session';
import type { Id, Me, Paired } from '@shared/types';
import { type Account, db, forget, keep, kept } from './db';
import { phoneLabel } from './device';

export const account = signal<Account | null>(null);
/** The server's view of this person, from the last time it was reached. */
export const profile = signal<Me | null>(null);
/** The sign-in no longer counts: the queue waits, bound to its owner, until he signs in again. */
export const locked = signal(false);
/** The sign-in page is open although somebody is known here. */
export const signingIn = signal(false);
/** Things of other people still on this phone: counted, never shown, never sent. */
export const sealed = signal({ ops: 0, photos: 0 });

const KEY = 'account';

export class NotASurveyor extends Error {}

async function become(next: Account): Promise<void> {
  await keep(KEY, next);
  setBearer(next.token ?? '');
  account.value = next;
  locked.value = false;
  signingIn.value = false;
  profile.value = await kept<Me>(`me:${next.owner}`);
  await countSealed();
}

/** Reads who worked here last; no network needed. */
export async function wakeAccount(): Promise<void> {
  const found = await kept<Account>(KEY);
  if (found) await become(found);
}

/** Turns a pairing code into this phone's own token. */
export async function pair(code: string): Promise<Account> {
  const answer = await api.post<Paired>('/devices/pair', { code, label: phoneLabel() }, { tries: 0 });
  const { owntracks, traccar, overland } = answer;
  const next: Account = {
    owner: answer.surveyor.id, name: answer.surveyor.name, by: 'device', token: answer.token, device_id: answer.device.id, trackers: { owntracks, traccar, overland },
  };
  await become(next);
  return next;
}

/** The way in without pairing. Throws NotASurveyor for people who do not survey. */
export async function signIn(username: string, password: string): Promise<Account> {
  setBearer('');
  const who = await openSession(username, password);
  if (!who.surveyor) throw new NotASurveyor(who.person.name);
  const next: Account = { owner: who.surveyor.id, name: who.person.name, by: 'session', token: null, device_id: null, trackers: null };
  await become(next);
  await learn(who);
  return next;
}

async function learn(who: Me): Promise<void> {
  const owner = account.peek()?.owner;
  if (!owner || who.surveyor?.id !== owner) return;
  profile.value = who;
  await keep(`me:${owner}`, who);
}

/** Asks the server who we are; a refused token locks the phone and keeps its queue. */
export async function refreshProfile(): Promise<void> {
  const now = account.peek();
  if (!now) return;
  const who = now.by === 'session' ? await whoAmI() : await deviceProfile();
  // Another person's cookie: whoever signed in on the desk must not send this surveyor's queue.
  if (!who || who.surveyor?.id !== now.owner) {
    locked.value = true;
    return;
  }
  locked.value = false;
  await learn(who);
}

async function deviceProfile(): Promise<Me | null> {
  try {
    return await api.get<Me>('/me');
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

/** Ends the sign-in on this phone. What was not sent stays here, sealed for its owner. */
export async function leavePhone(): Promise<void> {
  const was = account.peek();
  if (was?.by === 'session') {
    setBearer('');
    await api.del('/session').catch((error: unknown) => {
      if (!(error instanceof ApiError && (error.unreachable || error.status === 401))) throw error;
    });
  }
  await forget(KEY);
  if (was) await forget(`me:${was.owner}`);
  setBearer('');
  account.value = null;
  profile.value = null;
  locked.value = false;
}

export async function countSealed(): Promise<void> {
  const mine: Id | undefined = account.peek()?.owner;
  const database = await db();
  const [ops, photos] = await Promise.all([database.getAll('ops'), database.getAll('photos')]);
  sealed.value = {
    ops: ops.filter((op) => op.owner !== mine).length,
    photos: photos.filter((photo) => photo.owner !== mine && photo.state === 'waiting').length,
  };
}
