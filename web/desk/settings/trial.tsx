/** "Try on last week": the last days are played again with a changed rule before it is saved. Every figure is simulated. */
import { useEffect, useState } from 'preact/hooks';
import { api, ApiError } from '@shared/api';
import { dayTime } from '@shared/format';
import { either } from '@shared/i18n';
import type { Page, RuleRow, RuleTry, TryFigure, TryResult } from '@shared/types';
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

function Figures({ result, head }: { result: TryResult; head: string }) {
  return (
    <section>
      <h3>{head}</h3>
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
    </section>
  );
}

const going = (run: RuleTry | null): run is RuleTry => run?.state === 'waiting' || run?.state === 'running';

/** The tries of an organisation; asked again while one of them runs, also by somebody else. */
function useTries(org: string): { items: RuleTry[]; put: (one: RuleTry) => void; again: () => void } {
  const [items, setItems] = useState<RuleTry[]>([]);
  const put = (one: RuleTry) => setItems((all) => [one, ...all.filter((other) => other.id !== one.id)]);
  const [round, setRound] = useState(0);
  const running = items.some(going);
  useEffect(() => {
    let over = false;
    let timer = 0;
    const look = () =>
      api.get<Page<RuleTry>>('/lab/tries', { org_id: org }).then(
        (found) => {
          if (over) return;
          setItems(found.items);
          if (found.items.some(going)) timer = window.setTimeout(look, POLL_MS);
        },
        () => !over && (timer = window.setTimeout(look, POLL_MS * 3)),
      );
    void look();
    return () => {
      over = true;
      window.clearTimeout(timer);
    };
  }, [org, round]);
  // A new one has begun while nobody was looking any more.
  useEffect(() => {
    if (running) setRound((n) => n + 1);
  }, [running]);
  return { items, put, again: () => setRound((n) => n + 1) };
}

function Going({ run, onStop }: { run: RuleTry; onStop: () => void }) {
  return (
    <div>
      <Progress value={run.progress} label={t('tryGoing')} />
      <div class="row wrap">
        <p class="muted small grow" role="status">
          {run.state === 'waiting' ? t('tryQueued') : t('tryGoing')} {Math.round(run.progress * 100)} % · {t('tryLeave')}
        </p>
        <Button kind="danger" size="small" icon="ban" onClick={onStop}>
          {t('tryStop')}
        </Button>
      </div>
    </div>
  );
}

/** Asks for the replay, follows it to its end or stops it, shows what came of it beside an earlier one. */
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
  const [asking, setAsking] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [beside, setBeside] = useState('');
  const { items, put, again } = useTries(org);
  const same = (one: RuleTry) => Object.keys(one.changes).length === 1 && one.changes[rule.key] === value;
  // Whoever left and came back sees what runs of the same change.
  const run = items.find((one) => one.id === id) ?? items.find((one) => going(one) && same(one)) ?? null;
  const other = items.find((one) => going(one) && one !== run) ?? null;
  const earlier = items.filter((one) => one.state === 'done' && one !== run && rule.key in one.changes);
  const compared = earlier.find((one) => one.id === beside) ?? null;
  const refused = (why: unknown, otherwise: string) => {
    // Somebody else was quicker: his try is shown with who he is, and can be stopped.
    if (why instanceof ApiError && why.code === 'try_running') again();
    else setError(why instanceof ApiError ? why.detail || otherwise : otherwise);
  };
  const start = () => {
    setError(null);
    setAsking(true);
    api
      .post<RuleTry>('/lab/tries', { org_id: org, changes: { [rule.key]: value }, days })
      .then(
        (made) => {
          put(made);
          setId(made.id);
        },
        (why: unknown) => refused(why, t('tryFailed')),
      )
      .finally(() => setAsking(false));
  };
  const stop = (one: RuleTry) => {
    setError(null);
    if (one === run) setId(one.id);
    api.post<RuleTry>(`/lab/tries/${one.id}/cancel`, {}).then(put, (why: unknown) => refused(why, t('tryFailed')));
  };
  const named = (one: RuleTry) =>
    Object.entries(one.changes)
      .map(([key, to]) => (key === rule.key ? `${either(rule.zh, rule.en)} → ${display(to)}` : `${key} → ${String(to)}`))
      .join(', ');
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
            disabled={going(run) || other !== null}
            choices={DAYS.map((n) => ({ value: String(n), label: t('nDays', { n }) }))}
            onChange={(event) => setDays(Number(event.currentTarget.value))}
          />
          <Button kind="primary" icon="history" busy={asking || going(run)} disabled={other !== null} onClick={start}>
            {run && !going(run) ? t('tryAgain') : t('tryStart')}
          </Button>
        </div>
        {error && <Banner kind="error">{error}</Banner>}
        {other && (
          <>
            <Banner kind="info">
              {t('tryOther', { who: other.asked_by, what: named(other), share: `${Math.round(other.progress * 100)} %` })}
            </Banner>
            <Going run={other} onStop={() => stop(other)} />
          </>
        )}
        {going(run) && <Going run={run} onStop={() => stop(run)} />}
        {run?.state === 'cancelled' && <Banner kind="info">{t('tryStopped')}</Banner>}
        {run?.state === 'failed' && (
          <Banner kind="warning">{run.error === 'nothing_recorded' ? t('tryNothing') : t('tryFailed')}</Banner>
        )}
        {earlier.length > 0 && !going(run) && (
          <Select
            label={t('tryEarlier')}
            value={beside}
            choices={[
              { value: '', label: t('tryNoEarlier') },
              ...earlier.map((one) => ({
                value: one.id,
                label: t('tryEarlierOne', {
                  value: display(one.changes[rule.key]),
                  days: one.days,
                  who: one.asked_by,
                  at: dayTime(one.created_at),
                }),
              })),
            ]}
            onChange={(event) => setBeside(event.currentTarget.value)}
          />
        )}
        {run?.state === 'done' && run.result && <Figures result={run.result} head={display(value)} />}
        {compared?.result && <Figures result={compared.result} head={named(compared)} />}
      </div>
    </Dialog>
  );
}
