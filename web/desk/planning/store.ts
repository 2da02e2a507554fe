/** What the desk knows of catastrophe mode: asked every few seconds while the desk is open. */
import { signal } from '@preact/signals';
import { api } from '@shared/api';
import { may } from '@shared/session';
import type { Catastrophe, Page } from '@shared/types';

const EVERY_MS = 15_000;
/** While something stands or waits for a second person, minutes count and several people act on the same bar. */
const EVERY_STANDING_MS = 4_000;

export const catastrophes = signal<Catastrophe[]>([]);

export async function reloadCatastrophes(): Promise<void> {
  catastrophes.value = (await api.get<Page<Catastrophe>>('/catastrophes', undefined, { tries: 0, timeoutS: 8 })).items;
}

/** Takes an answer that already carries the new state. */
export function takeCatastrophe(one: Catastrophe): void {
  const rest = catastrophes.peek().filter((other) => other.id !== one.id);
  catastrophes.value = one.state === 'over' || one.state === 'dropped' ? rest : [one, ...rest];
}

export function watchCatastrophes(): () => void {
  if (!may('seat', 'dispatcher', 'adjuster', 'supervisor', 'admin')) return () => undefined;
  let asked = 0;
  const look = () => {
    const quiet = catastrophes.peek().every((one) => one.state === 'proposed');
    if (document.hidden || Date.now() - asked < (quiet ? EVERY_MS : EVERY_STANDING_MS)) return;
    asked = Date.now();
    reloadCatastrophes().catch((error: unknown) => console.warn('catastrophe mode cannot be read', error));
  };
  look();
  const timer = window.setInterval(look, 1_000);
  return () => clearInterval(timer);
}
