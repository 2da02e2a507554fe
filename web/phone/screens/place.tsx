import { distance } from '@shared/format';
import { metresBetween } from '@shared/metres';
import type { TaskJob } from '@shared/types';
import { Icon } from '@shared/ui';
import { here } from '../position';
import { Sketch } from '../ui/sketch';
import { w } from '../words.job';
import { appointmentNote } from './facts';

/** Where the loss is: a sketch, the address, how far, and the time agreed. */
export function Place({ job }: { job: TaskJob }) {
  return (
    <section class="place panel">
      {job.position && <Sketch loss={job.position} me={here.value} />}
      <div class="place-text">
        <strong>{job.place || w('navNoPlace')}</strong>
        {job.position && here.value && <p class="muted">{w('away')} {distance(metresBetween(here.value, job.position))}</p>}
        {job.appointment_at && <p class="track green"><Icon name="calendar" size={18} /><span>{appointmentNote(job)}</span></p>}
      </div>
    </section>
  );
}
