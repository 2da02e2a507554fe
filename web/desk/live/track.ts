/** The track on the map, if one was asked for. */
import { signal } from '@preact/signals';
import type { Id } from '@shared/types';

export interface Track {
  surveyor: Id;
  points: { lon: number; lat: number }[];
}
export const track = signal<Track | null>(null);
