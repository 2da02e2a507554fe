/** The map's own facts, asked once. */
import { api } from '@shared/api';
import type { MapInfo } from '@shared/types';

let asked: Promise<MapInfo> | null = null;

export function mapInfo(): Promise<MapInfo> {
  asked ??= api.get<MapInfo>('/map/info').catch((error: unknown) => {
    asked = null; // ask again next time
    throw error;
  });
  return asked;
}
