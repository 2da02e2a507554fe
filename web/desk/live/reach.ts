/** From where a chosen job is reached in time: what the claim's tab asked for and the map draws. */
import { signal } from '@preact/signals';
import { api } from '@shared/api';
import type { Id, Reach } from '@shared/types';

export const MINUTES = [10, 30] as const;

/** What lies on the map now; null: nothing. */
export const reach = signal<Reach | null>(null);

export const loadReach = (claim: Id, signal: AbortSignal): Promise<Reach> =>
  api.get<Reach>('/reach', { claim, minutes: MINUTES.join(',') }, { signal });
