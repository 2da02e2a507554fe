/** "Try on last week": the last days are played again with a changed rule before it is saved. Every figure is simulated. */
import { useEffect, useState } from 'preact/hooks';
import { api, ApiError } from '@shared/api';
import { either } from '@shared/i18n';
import type { RuleRow, RuleTry, TryFigure, TryResult } from '@shared/types';
import { Badge, Banner, Button, Dialog, Progress, Select, type Tone } from '@shared/ui';
import { common } from '@shared/words';
import { t } from './words';

const POLL_MS = 900;
const DAYS = [1, 3, 7, 14] as const;
interface Line {
  key: keyof TryResult['figures'];
  unit: 'share' | 'min' | 'km' | 'number';
  /** 1: more is better. */
  good: 1 | -1;
}
const LINES: Line[] = [
  { key: 'contact_kept', unit: 'share', good: 1 },
  { key: 'arrive_kept', unit: 'share', good: 1 },
  { key: 'arrive_mean', unit: 'min', good: -1 },
  { key: 'km_per_claim', unit: 'km', good: -1 },
  { key: 'asked_per_claim', unit: 'number', good: -1 },
  { key: 'gini', unit: 'number', good: -1 },
];

const shown = (value: number | null, unit: Line['unit'], signed = false): string => {
  if (value === null) return '—';
  const scaled = unit === 'share' ? value * 100 : value;
  const text = scaled.toFixed(unit === 'share' ? 1 : 2).replace(/^-(0\.0+)$/, '$1');
  const sign = signed && scaled > 0 ? '+' : '';
  const suffix =
    unit === 'share' ? (signed ? t('points') : ' %') : unit === 'min' ? ` ${t('minutes')}` : unit === 'km' ? ` ${t('km')}` : '';
  return `${sign}${text}${suffix}`;
};

/** Better, worse, or nothing that chance could not do. */
function verdict(line: Line, one: TryFigure): { tone: Tone; word: string } {
  if (!one.sure || one.before === null || one.after === null) return { tone: 'grey', word: t('maybeChance') };
  return (one.after - one.before) * line.good > 0 ? { tone: 'green', word: t('better') } : { tone: 'red', word: t('worse') };
}

function Figures({ result }: { result: TryResult }) {
  return (
    <>
      <p class="muted small">
        {t('tryOf', {
          days: result.days.length,
          claims: result.claims,
          from: result.days[0] ?? '',
          to: result.days.at(-1) ?? '',
        })}{' '}
        {t('tryFaith', { share: `${Math.round(result.reproduced * 100)} %` })}
      </p>
      {result.few && <Banner kind="warning">{t('tryFew')}</Banner>}
      <div class="table-wrap">
        <table class="table trial">
          <caption class="unseen">{t('trial')}</caption>
          <thead>
            <tr>
              <th scope="col">{t('figure')}</th>
              <th scope="col" class="right">
                {t('now')}
              </th>
              <th scope="col" class="right">
                {t('tried')}
              </th>
              <th scope="col" class="right">
                {t('difference')}
              </th>
              <th scope="col" />
            </tr>
          </thead>
          <tbody>
            {LINES.map((line) => {
              const one = result.figures[line.key];
              const said = verdict(line, one);
              return (
                <tr key={line.key}>
                  <th scope="row">{t(`fig_${line.key}`)}</th>
                  <td class="right mono">{shown(one.before, line.unit)}</td>
                  <td class="right mono">
                    <strong>{shown(one.after, line.unit)}</strong>
                  </td>
                  <td class="right mono small nowrap">
                    {one.low === null || one.high === null
                      ? '—'
                      : `${shown(one.low, line.unit, true)} … ${shown(one.high, line.unit, true)}`}
                  </td>
                  <td>
                    <Badge tone={said.tone}>{said.word}</Badge>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <p class="muted small">{t('tryInterval')}</p>
    </>
  );
}

/** Asks for the replay, follows it to its end, shows what came of it. */
export function Trial({
  rule,
  value,
  org,
  display,
  onSave,
  onClose,
}: {
  rule: RuleRow;
  value: unknown;
  org: string;
  display: (value: unknown) => string;
  onSave: (() => void) | null;
  onClose: () => void;
}) {
  const [days, setDays] = useState<number>(7);
  const [id, setId] = useState<string | null>(null);
  const [run, setRun] = useState<RuleTry | null>(null);
  const [error, setError] = useState<string | null>(null);
  const start = () => {
    setError(null);
    setRun(null);
    api.post<RuleTry>('/lab/tries', { org_id: org, changes: { [rule.key]: value }, days }).then(
      (made) => {
        setRun(made);
        setId(made.id);
      },
      (refused: unknown) => {
        const busy = refused instanceof ApiError && refused.code === 'try_running';
        setError(busy ? t('tryBusy') : refused instanceof ApiError ? refused.detail || t('tryFailed') : t('tryFailed'));
      },
    );
  };
  useEffect(() => {
    if (!id) return;
    let over = false;
    const look = () => {
      api.get<RuleTry>(`/lab/tries/${id}`).then(
        (found) => {
          if (over) return;
          setRun(found);
          if (found.state === 'waiting' || found.state === 'running') timer = window.setTimeout(look, POLL_MS);
        },
        () => !over && (timer = window.setTimeout(look, POLL_MS * 3)),
      );
    };
    let timer = window.setTimeout(look, POLL_MS);
    return () => {
      over = true;
      window.clearTimeout(timer);
    };
  }, [id]);
  const going = run !== null && (run.state === 'waiting' || run.state === 'running');
  return (
    <Dialog
      wide
      title={t('tryTitle', { rule: either(rule.zh, rule.en) })}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{common('close')}</Button>
          {onSave && (
            <Button kind={run?.state === 'done' ? 'primary' : undefined} onClick={onSave}>
              {t('saveRule')}
            </Button>
          )}
        </>
      }
    >
      <div class="stack">
        <p class="row wrap">
          <Badge tone="amber" icon="info">
            {t('simulated')}
          </Badge>
          <span>
            {display(rule.value)} → <strong>{display(value)}</strong>
          </span>
        </p>
        <div class="row wrap">
          <Select
            label={t('tryDays')}
            value={String(days)}
            disabled={going}
            choices={DAYS.map((n) => ({ value: String(n), label: t('nDays', { n }) }))}
            onChange={(event) => setDays(Number(event.currentTarget.value))}
          />
          <Button kind="primary" icon="history" busy={going} onClick={start}>
            {run && !going ? t('tryAgain') : t('tryStart')}
          </Button>
        </div>
        {error && <Banner kind="error">{error}</Banner>}
        {going && (
          <div>
            <Progress value={run.progress} label={t('tryGoing')} />
            <p class="muted small" role="status">
              {run.state === 'waiting' ? t('tryQueued') : t('tryGoing')} {Math.round(run.progress * 100)} %
            </p>
          </div>
        )}
        {run?.state === 'failed' && (
          <Banner kind="warning">{run.error === 'nothing_recorded' ? t('tryNothing') : t('tryFailed')}</Banner>
        )}
        {run?.state === 'done' && run.result && <Figures result={run.result} />}
      </div>
    </Dialog>
  );
}
