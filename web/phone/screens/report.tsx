/** The report: short, kept while it is written, sent even while photographs are still on their way. */
import { useEffect, useState } from 'preact/hooks';
import { either } from '@shared/i18n';
import type { TaskJob } from '@shared/types';
import { Banner, Button, Check, Choose, Icon, TextArea } from '@shared/ui';
import { type Report, taps } from '../ops';
import { photosOf } from '../photos';
import { back } from '../route';
import { draft, tap } from '../sync';
import { ActionBar } from '../ui/bar';
import { liability, risk, w } from '../words.job';
import { missingOf, shotLines } from './shotlist';

const EMPTY: Report = { summary: '', liability: null, first_scene: true, risk_points: [], no_photo_reason: null };
const LIABILITY = ['full', 'main', 'equal', 'minor', 'none', 'undetermined'] as const;
const RISKS = ['traces_differ', 'old_damage', 'driver_doubtful', 'alcohol', 'staged', 'night_single', 'no_licence', 'overload'];
const SHORTEST = 2;

export function ReportForm({ job }: { job: TaskJob }) {
  const [report, setReport] = useState<Report>(EMPTY);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const name = `report:${job.id}`;
  useEffect(() => { void draft.read<Report>(name).then((found) => found && setReport({ ...EMPTY, ...found })); }, [name]);
  const change = (part: Partial<Report>) => {
    const next = { ...report, ...part };
    setReport(next);
    void draft.write(name, next);
  };
  const locals = photosOf(job.id);
  const missing = missingOf(shotLines(job, locals));
  const unsent = locals.filter((photo) => photo.state === 'waiting').length;
  const noSummary = report.summary.trim().length < SHORTEST;
  const noReason = missing.length > 0 && !(report.no_photo_reason ?? '').trim();
  const submit = async () => {
    setTried(true);
    if (noSummary || noReason) return;
    setBusy(true);
    await tap(taps.submit(job, { ...report, summary: report.summary.trim(), no_photo_reason: missing.length ? (report.no_photo_reason ?? '').trim() : null }));
    await draft.drop(name);
    back({ page: 'job', task: job.id }); // not one more step: Back on the job must lead home
  };
  return (
    <>
      <form class="report stack" onSubmit={(event) => { event.preventDefault(); void submit(); }}>
        <TextArea label={w('summary')} hint={w('summaryHint')} error={tried && noSummary ? w('needSummary') : null} name="summary" rows={4} maxLength={2000} value={report.summary} onInput={(event) => change({ summary: event.currentTarget.value })} />
        {job.line === 'motor' && <Choose label={w('liability')} value={report.liability ?? ''} choices={LIABILITY.map((value) => ({ value: value as string, label: liability(value) }))} onPick={(value) => change({ liability: value })} />}
        <Choose label={w('firstScene')} value={report.first_scene ? 'yes' : 'no'} choices={[{ value: 'yes', label: w('firstYes') }, { value: 'no', label: w('firstNo') }]} onPick={(value) => change({ first_scene: value === 'yes' })} />
        <fieldset class="choose"><legend>{w('risk')}</legend>
          <div class="risks">{RISKS.map((code) => <Check key={code} label={risk(code)} checked={report.risk_points.includes(code)} onChange={(event) => change({ risk_points: event.currentTarget.checked ? [...report.risk_points, code] : report.risk_points.filter((one) => one !== code) })} />)}</div>
        </fieldset>
        {missing.length > 0 && (
          <section class="missing">
            <strong><Icon name="warning" size={20} />{w('missingTitle', { n: missing.length })}</strong>
            <p>{missing.map((line) => either(line.shot.zh, line.shot.en)).join('、')}</p>
            <TextArea label={w('missingReason')} hint={w('missingHint')} error={tried && noReason ? w('needReason') : null} name="no_photo_reason" rows={2} maxLength={500} value={report.no_photo_reason ?? ''} onInput={(event) => change({ no_photo_reason: event.currentTarget.value })} />
          </section>
        )}
        {unsent > 0 && <Banner kind="info">{w('unsentPhotos', { n: unsent })}</Banner>}
        <p class="muted small">{w('draftKept')} · {w('submitSure')}</p>
      </form>
      <ActionBar><Button kind="primary" size="big" icon="send" busy={busy} data-testid="submit" onClick={() => void submit()}>{job.state === 'returned' ? w('resubmit') : w('submit')}</Button></ActionBar>
    </>
  );
}
