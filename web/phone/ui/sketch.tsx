import type { LonLat } from '@shared/datum';
import { distance } from '@shared/format';
import { metresBetween } from '@shared/metres';
import { Sketch as Drawing } from '@shared/sketch';
import { w } from '../words.job';
import { streets } from '@shared/streets';

/** Where the loss lies from here, over the streets of the offline map when they are at hand. */
export function Sketch({ loss, me, height }: { loss: LonLat; me: LonLat | null; height?: number }) {
  const label = me ? `${w('away')} ${distance(metresBetween(me, loss))}` : w('loss');
  return <Drawing loss={loss} other={me} label={label} streets={streets} {...(height ? { height } : {})} />;
}
