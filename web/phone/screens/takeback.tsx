/** A slip of the thumb on "answered" is taken back within a minute: the contact clock goes on. */
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { now } from '@shared/clock';
import type { Id, TaskJob } from '@shared/types';
import { Button, Icon } from '@shared/ui';
import { taps } from '../ops';
import { draft, tap } from '../sync';
import { w } from '../words.job';

const FOR_MS = 60_000;
/** When "answered" was tapped here, by this phone's clock. */
const tapped = signal<Record<Id, number>>({});

export async function noteAnswered(job: TaskJob): Promise<void> {
  const at = Date.now();
  tapped.value = { ...tapped.peek(), [job.id]: at };
  await draft.write(`answered:${job.id}`, at);
}

async function takeBack(job: TaskJob): Promise<void> {
  const { [job.id]: _old, ...rest } = tapped.peek();
  tapped.value = rest;
  await tap(taps.takeBack(job));
  await draft.drop(`answered:${job.id}`);
}

export function TakeBack({ job }: { job: TaskJob }) {
  useEffect(() => {
    void draft.read<number>(`answered:${job.id}`).then((at) => { if (at) tapped.value = { ...tapped.peek(), [job.id]: at }; });
  }, [job.id]);
  void now.value;
  const at = tapped.value[job.id];
  const left = at === undefined ? 0 : Math.ceil((at + FOR_MS - Date.now()) / 1000);
  if (job.state !== 'contacted' || left <= 0 || left > FOR_MS / 1000) return null;
  return (
    <section class="done-by panel said" data-testid="take-back">
      <Icon name="phone-call" size={20} />
      <div class="grow"><strong>{w('answeredNoted')}</strong><p class="muted small tabular">{w('takeBackNote', { n: left })}</p></div>
      <Button kind="quiet" icon="undo" data-testid="take-back-answered" onClick={() => void takeBack(job)}>{w('takeBack')}</Button>
    </section>
  );
}
