/** On scene: the list of views, the camera, and what was sent back. */
import { useState } from 'preact/hooks';
import type { JobPhoto, Shot, TaskJob } from '@shared/types';
import { Button, Icon, tell, tellError } from '@shared/ui';
import { either } from '@shared/i18n';
import { sendBackReason } from '@shared/words';
import type { LocalPhoto } from '../db';
import { PhoneFull, photosOf, shoot, TakenBefore } from '../photos';
import { go } from '../route';
import { round } from '../sync';
import { ActionBar } from '../ui/bar';
import { w } from '../words.job';
import { DoneBy } from './doneby';
import { HintSheet } from './hint';
import { Thumb, Viewer } from './picture';
import { countRequired, missingOf, type Picture, type ShotLine, shotLines } from './shotlist';

/** Takes the chosen files one after the other; returns the last photograph that looks doubtful. */
async function takeAll(files: File[], job: TaskJob, shot: Shot, source: 'camera' | 'gallery'): Promise<LocalPhoto | null> {
  let doubtful: LocalPhoto | null = null;
  for (const file of files) {
    try {
      if (file.type && !file.type.startsWith('image/')) throw new TypeError('not an image');
      const photo = await shoot(file, { job, shot, source });
      if (photo.hints.length) doubtful = photo;
    } catch (error) {
      if (error instanceof TakenBefore) tell('info', w('takenBefore'));
      else if (error instanceof PhoneFull) tell('error', w('phoneFull'));
      else if (error instanceof TypeError) tell('error', w('notImage'));
      else tellError(error);
    }
  }
  void round(true);
  return doubtful;
}

export type Take = (files: File[], shot: Shot, source: 'camera' | 'gallery') => void;

interface ShutterProps { shot: Shot; source: 'camera' | 'gallery'; onTake: Take; label: string; look: string; big?: boolean }

/** A label over a file input: the only way to the camera that every phone browser knows. */
export function Shutter({ shot, source, onTake, label, look, big }: ShutterProps) {
  const camera = source === 'camera';
  return (
    <label class={`button shutter ${look}`}>
      <input
        type="file" accept="image/jpeg,image/png,image/webp" {...(camera ? { capture: 'environment' } : {})} multiple aria-label={`${label} ${either(shot.zh, shot.en)}`} data-testid={`${source}-${shot.code}${big ? '-main' : ''}`}
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          // The same file may be chosen again after a retake.
          event.currentTarget.value = '';
          if (files.length) onTake(files, shot, source);
        }}
      />
      <Icon name={camera ? 'camera' : 'images'} size={big ? 22 : 20} />{big && <span>{label}</span>}
    </label>
  );
}

function Row({ line, onTake, onOpen }: { line: ShotLine; onTake: Take; onOpen: (picture: Picture) => void }) {
  const { shot, pictures, good } = line;
  const enough = good >= shot.required;
  return (
    <li class={`shot ${shot.required ? '' : 'asneeded'} ${enough && shot.required ? 'enough' : ''}`} data-testid={`shot-${shot.code}`}>
      <div class="shot-head">
        <span class="shot-mark">{shot.required > 0 && enough ? <Icon name="check" size={18} /> : <span class="tabular">{shot.required ? `${good}/${shot.required}` : good || '·'}</span>}</span>
        <div class="grow"><strong>{either(shot.zh, shot.en)}</strong>{(shot.tip_zh || shot.tip_en) && <p class="muted small">{either(shot.tip_zh ?? '', shot.tip_en ?? '')}</p>}</div>
        <Shutter shot={shot} source="gallery" label={w('gallery')} look="quiet" onTake={onTake} />
        <Shutter shot={shot} source="camera" label={w('camera')} look="round" onTake={onTake} />
      </div>
      {pictures.length > 0 && <div class="thumbs">{pictures.map((picture) => <Thumb key={picture.key} picture={picture} onOpen={() => onOpen(picture)} />)}</div>}
    </li>
  );
}

function SentBack({ lines, onTake }: { lines: ShotLine[]; onTake: Take }) {
  const owed = lines.flatMap((line) => line.sentBack.map((photo) => ({ line, photo })));
  if (!owed.length) return null;
  return (
    <section class="sentback" data-testid="sent-back">
      <h2><Icon name="undo" size={20} />{w('sentBackTitle', { n: owed.length })}</h2>
      <ul>{owed.map(({ line, photo }) => <Retake key={photo.id} line={line} photo={photo} onTake={onTake} />)}</ul>
    </section>
  );
}

function Retake({ line, photo, onTake }: { line: ShotLine; photo: JobPhoto; onTake: Take }) {
  const picture = line.pictures.find((one) => one.remote?.id === photo.id) ?? { key: photo.id, local: null, remote: photo };
  return (
    <li>
      <Thumb picture={picture} />
      <div class="grow"><strong>{either(line.shot.zh, line.shot.en)}</strong><p class="why">{sendBackReason(photo.reason)}</p>{photo.note && <p class="small">{w('reviewerNote', { note: photo.note })}</p>}</div>
      <Shutter shot={line.shot} source="camera" label={w('retake')} look="round" onTake={onTake} />
    </li>
  );
}

export function ShotsStage({ job }: { job: TaskJob }) {
  const [open, setOpen] = useState<Picture | null>(null);
  const [doubtful, setDoubtful] = useState<{ photo: LocalPhoto; shot: Shot } | null>(null);
  const lines = shotLines(job, photosOf(job.id));
  const required = lines.filter((line) => line.shot.required > 0);
  const asNeeded = lines.filter((line) => line.shot.required === 0);
  const missing = missingOf(lines);
  const { done, all } = countRequired(lines);
  const owed = lines.find((line) => line.sentBack.length > 0);
  const next = owed ?? missing[0];
  const take: Take = (files, shot, source) => void takeAll(files, job, shot, source).then((photo) => photo && setDoubtful({ photo, shot }));
  return (
    <>
      <SentBack lines={lines} onTake={take} />
      {job.state === 'on_scene' && <DoneBy job={job} />}
      <section class="shots-progress"><strong data-testid="required" data-done={done} data-all={all}>{missing.length ? w('shotsProgress', { done, all }) : w('shotsDone')}</strong><div class="clock-bar"><i style={{ width: `${all ? (done / all) * 100 : 100}%` }} /></div></section>
      <ul class="shots panel">{required.map((line) => <Row key={line.shot.code} line={line} onTake={take} onOpen={setOpen} />)}</ul>
      {asNeeded.length > 0 && (
        <details class="facts panel" open={asNeeded.some((line) => line.pictures.length > 0)}>
          <summary><Icon name="camera" size={20} /><span class="grow">{w('asNeeded', { n: asNeeded.length })}</span><Icon name="chevron-down" size={20} /></summary>
          <ul class="shots">{asNeeded.map((line) => <Row key={line.shot.code} line={line} onTake={take} onOpen={setOpen} />)}</ul>
        </details>
      )}
      <ActionBar>
        {next && <Button size="big" class="side two-lines" icon="file" aria-label={w('goReport')} onClick={() => go({ page: 'report', task: job.id })}>{w('reportShort')}</Button>}
        {next
          ? <Shutter key={next.shot.code} shot={next.shot} source="camera" label={w(owed ? 'shootAgain' : 'shootNext', { shot: either(next.shot.zh, next.shot.en) })} look="big primary" big onTake={take} />
          : <Button kind="primary" size="big" icon="file" data-testid="go-report" onClick={() => go({ page: 'report', task: job.id })}>{w('goReport')}</Button>}
      </ActionBar>
      {open && <Viewer picture={open} onClose={() => setOpen(null)} />}
      {doubtful && <HintSheet photo={doubtful.photo} shot={doubtful.shot} onTake={take} onClose={() => setDoubtful(null)} />}
    </>
  );
}
