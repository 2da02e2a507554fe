/** Who is signed in, on every page the same. */
import { signal } from '@preact/signals';
import { api, ApiError, onSessionChanged, onSignedOut, setCsrf } from './api';
import type { Me, Role } from './types';

export const me = signal<Me | null>(null);

/** True when the session ended under the hands of somebody who was signed in: what he typed is still on the page. */
export const lapsed = signal(false);
export const lapse = (): void => void (lapsed.value = me.peek() !== null);
onSignedOut(lapse);

function keep(answer: Me): Me {
  setCsrf(answer.csrf ?? '');
  me.value = answer;
  lapsed.value = false;
  return answer;
}

/** The cookie is of another session: true when the same person signed in in another tab, and this page goes on under it. */
async function sameAgain(): Promise<boolean> {
  const before = me.peek();
  const answer = await api.get<Me>('/me').catch(() => null);
  if (!before || !answer) return false;
  // What somebody began must not be done in the name of the next one at this desk: he signs in again over the page.
  if (answer.person.id !== before.person.id) {
    lapse();
    return false;
  }
  keep(answer);
  return true;
}
onSessionChanged(sameAgain);

/** Reads who is signed in; null when nobody is. */
export async function whoAmI(): Promise<Me | null> {
  try {
    return keep(await api.get<Me>('/me'));
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

/** Like whoAmI, but sends a stranger to the sign-in page and never comes back for him. */
export async function requireMe(): Promise<Me> {
  const answer = await whoAmI();
  if (answer) return answer;
  leave();
  return new Promise<Me>(() => undefined);
}

/** To the sign-in page, and back here afterwards. */
export function leave(): void {
  location.replace(`/?next=${encodeURIComponent(location.pathname + location.search + location.hash)}`);
}

export async function signIn(username: string, password: string): Promise<Me> {
  return keep(await api.post<Me>('/session', { username, password }, { tries: 0 }));
}

export async function signOut(): Promise<void> {
  try {
    await api.del('/session');
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 401)) throw error;
  }
  me.value = null;
  try {
    sessionStorage.clear(); // a report half typed holds a customer's name: not for the next one at this desk
  } catch {
    /* storage refused: nothing was kept */
  }
  location.replace('/');
}

export const may = (...roles: Role[]): boolean => roles.some((role) => me.value?.person.roles.includes(role));

/** The screen a person works on. */
export function homeOf(who: Me): string {
  const roles = who.person.roles;
  if (roles.some((role) => role === 'dispatcher' || role === 'seat' || role === 'supervisor' || role === 'admin')) return '/desk';
  if (roles.includes('adjuster')) return '/review';
  return '/phone';
}
