/** On the road: set off, navigate, arrive with one's own position as proof. */
import { useEffect, useState } from 'preact/hooks';
import { clockTime, distance } from '@shared/format';
import { metresBetween } from '@shared/metres';
import type { TaskJob } from '@shared/types';
import { Banner, Button, Icon } from '@shared/ui';
import { keep, kept } from '../db';
import { type AppKey, navApps } from '../nav';
import { taps } from '../ops';
import { here, locate } from '../position';
import { log } from '../queue';
import { tap } from '../sync';
import { ActionBar } from '../ui/bar';
import { ClockHero, clockOf } from '../ui/clockline';
import { ReasonSheet, Sheet } from '../ui/sheet';
import { arriveWhy, datumName, navName, w } from '../words.job';
import { Customer } from './facts';
import { Place } from './place';
import { TakeBack } from './takeback';

/** The server's default; it decides, this only spares a refusal. */
const NEAR_M = 300;
const FRESH_MS = 60_000;
const WHY = ['gps', 'moved', 'closed', 'garage'];

function NavSheet({ job, onClose }: { job: TaskJob; onClose: () => void }) {
  const [last, setLast] = useState<AppKey | null>(null);
  useEffect(() => { void kept<AppKey>('nav').then(setLast); }, []);
  if (!job.position) return <Sheet title={w('navTitle')} onClose={onClose}><p>{w('navNoPlace')}</p><p class="strong">{job.place}</p></Sheet>;
  const apps = navApps(job.position, job.place || w('loss'), last);
  return (
    <Sheet title={w('navTitle')} onClose={onClose}>
      <ul class="nav-list">
        {apps.map((app) => (
          <li key={app.key}>
            <a class="nav-app" href={app.app} data-testid={`nav-${app.key}`} onClick={() => void keep('nav', app.key)}><Icon name="navigation" size={22} /><span class="grow"><strong>{navName(app.key)}</strong><small class="muted">{datumName(app.datum)}</small></span></a>
            <a class="button" href={app.web} target="_blank" rel="noopener noreferrer" data-testid={`nav-${app.key}-web`} onClick={() => void keep('nav', app.key)}>{w('navWeb')}</a>
          </li>
        ))}
      </ul>
      <p class="muted small">{w('datumNote')}</p>
    </Sheet>
  );
}

/** An arrival the server did not believe: the newest word about it, until the next try. */
const unproven = (job: TaskJob): boolean => {
  const last = log.value.find((line) => line.task_id === job.id && line.kind === 'arrive');
  return last?.ok === false && last.code === 'arrival_unproven';
};

export function TravelStage({ job }: { job: TaskJob }) {
  const [choosing, setChoosing] = useState(false);
  const [doubt, setDoubt] = useState<{ metres: number | null } | null>(null);
  const [busy, setBusy] = useState(false);
  const driving = job.state === 'en_route';
  const clock = clockOf(job.clocks, 'arrival');

  const depart = async () => {
    await tap(taps.depart(job));
    setChoosing(true);
  };
  const arrive = async () => {
    setBusy(true);
    const known = here.peek();
    const at = known && Date.now() - known.at < FRESH_MS ? known : await locate();
    setBusy(false);
    const metres = at && job.position ? metresBetween(at, job.position) : null;
    if (job.position && (metres === null || metres > NEAR_M)) setDoubt({ metres });
    else await tap(taps.arrive(job, at ? { lon: at.lon, lat: at.lat } : null, null));
  };
  const arriveAnyway = async (why: string) => {
    const at = here.peek();
    setDoubt(null);
    await tap(taps.arrive(job, at && Date.now() - at.at < FRESH_MS ? { lon: at.lon, lat: at.lat } : null, arriveWhy(why)));
  };

  return (
    <>
      {clock && !clock.stopped_at && <ClockHero clock={clock} title={w('arrivalTitle')} late={w('arrivalLate')} />}
      {job.near_since && !unproven(job) && <Banner kind="info">{w('nearSince', { t: clockTime(job.near_since) })}</Banner>}
      {unproven(job) && <Banner kind="warning">{w('arriveUnproven')}</Banner>}
      <TakeBack job={job} />
      <Place job={job} />
      <Customer job={job} callable />
      <ActionBar>
        {driving && <Button size="big" class="side" icon="navigation" aria-label={w('navigate')} data-testid="navigate" onClick={() => setChoosing(true)} />}
        {driving
          ? <Button kind="primary" size="big" icon="pin" busy={busy} data-testid="arrive" onClick={() => void arrive()}>{w('arrive')}</Button>
          : <Button kind="primary" size="big" icon="navigation" data-testid="depart" onClick={() => void depart()}>{job.position ? w('departNav') : w('depart')}</Button>}
      </ActionBar>
      {choosing && <NavSheet job={job} onClose={() => setChoosing(false)} />}
      {doubt && (
        <ReasonSheet
          title={w('arriveTitle')} note={doubt.metres === null ? w('arriveNoFix') : w('arriveFar', { distance: distance(doubt.metres), limit: distance(NEAR_M) })}
          reasons={WHY.map((value) => ({ value, label: arriveWhy(value) }))} onPick={(why) => void arriveAnyway(why)} onClose={() => setDoubt(null)}
        />
      )}
    </>
  );
}
