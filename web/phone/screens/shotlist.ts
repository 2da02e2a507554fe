/** The shot list of a job as the phone knows it: what the server has, and what is still on the phone. Pure. */
import type { JobPhoto, Shot, TaskJob } from '@shared/types';
import type { LocalPhoto } from '../db';

export interface Picture {
  key: string;
  /** On this phone, sent or not. */
  local: LocalPhoto | null;
  /** At the server, reviewed or not. */
  remote: JobPhoto | null;
}

export interface ShotLine { shot: Shot; pictures: Picture[]; good: number; sentBack: JobPhoto[] }

const live = (picture: Picture): boolean => picture.remote?.verdict !== 'sent_back' && picture.local?.state !== 'refused';

/** One picture per photograph: a local copy and the server's are the same when their digests are. */
function pictures(shot: string, job: TaskJob, locals: LocalPhoto[]): Picture[] {
  const mine = locals.filter((photo) => photo.shot === shot);
  const theirs = job.photos.filter((photo) => photo.shot === shot);
  const paired = mine.map((local) => ({ key: local.sha256, local, remote: theirs.find((photo) => photo.id === local.photo_id || photo.sha256 === local.sha256) ?? null }));
  const known = new Set(paired.map((picture) => picture.remote?.id));
  return [...theirs.filter((photo) => !known.has(photo.id)).map((remote) => ({ key: remote.id, local: null, remote })), ...paired];
}

export function shotLines(job: TaskJob, locals: LocalPhoto[]): ShotLine[] {
  return job.shots.map((shot) => {
    const all = pictures(shot.code, job, locals);
    return { shot, pictures: all, good: all.filter(live).length, sentBack: owed(all) };
  });
}

/** Photographs sent back and not yet answered. A retake that is still on this phone answers one as well. */
function owed(all: Picture[]): JobPhoto[] {
  const back = all.flatMap(({ remote }) => (remote?.verdict === 'sent_back' && !remote.answered_by ? [remote] : []));
  const onTheWay = all.filter(({ local, remote }) => remote === null && local !== null && local.state !== 'refused').length;
  return back.slice(0, Math.max(0, back.length - onTheWay));
}

export const missingOf = (lines: ShotLine[]): ShotLine[] => lines.filter((line) => line.good < line.shot.required);
export const countRequired = (lines: ShotLine[]): { done: number; all: number } => ({
  done: lines.reduce((sum, line) => sum + Math.min(line.good, line.shot.required), 0),
  all: lines.reduce((sum, line) => sum + line.shot.required, 0),
});
