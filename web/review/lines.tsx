/** The damage lines: typed fast, saved by themselves as versions, compared with the one before, approved within an authority. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { api, ApiError } from '@shared/api';
import { dayTime, money } from '@shared/format';
import { either } from '@shared/i18n';
import { me } from '@shared/session';
import type { Assessment, AssessmentLine } from '@shared/types';
import { Badge, Banner, Button, Dialog, Icon, tell, tellError } from '@shared/ui';
import { common } from '@shared/words';
import { album, claim, loadAlbum, loadQueue, mine, owed, row, waiting } from './store';
import { actionName, t } from './words';

const ACTIONS = ['replace', 'repair', 'paint', 'labour', 'other'] as const;
const SAVE_AFTER_MS = 1200;
type Version = Assessment['versions'][number] & { lines?: AssessmentLine[] };
interface Draft { item: string; part: string; action: AssessmentLine['action']; qty: string; yuan: string; note: string }
type State = 'saved' | 'unsaved' | 'saving' | 'failed' | 'conflict';

const draftOf = (line: AssessmentLine): Draft => ({ item: line.item, part: line.part, action: line.action, qty: String(line.qty), yuan: (line.unit_fen / 100).toFixed(2), note: line.note });
const empty = (like?: Draft): Draft => ({ item: like?.item ?? '', part: '', action: 'replace', qty: '1', yuan: '', note: '' });
/** Fen from typed yuan; null when it is no price. Worked on the text, because 0.1 + 0.2 is not 0.3. */
export function fenOf(text: string): number | null {
  const found = /^(\d{1,8})(?:[.。](\d{0,2}))?$/.exec(text.trim().replace(/[,，\s]/g, ''));
  return found ? Number(found[1]) * 100 + Number((found[2] ?? '').padEnd(2, '0') || 0) : null;
}
const typed = (draft: Draft) => draft.part.trim() !== '' || draft.yuan.trim() !== '';
function lineOf(draft: Draft): AssessmentLine | null {
  const unit = fenOf(draft.yuan);
  const qty = Number(draft.qty);
  if (unit === null || !Number.isInteger(qty) || qty < 1 || qty > 9999 || !draft.part.trim()) return null;
  return { item: draft.item.trim(), part: draft.part.trim(), action: draft.action, qty, unit_fen: unit, note: draft.note.trim() };
}
const sumOf = (lines: (AssessmentLine | null)[]) => lines.reduce((sum, one) => sum + (one ? one.qty * one.unit_fen : 0), 0);

function changes(now: AssessmentLine[], before: AssessmentLine[]) {
  const name = (one: AssessmentLine) => `${one.item}|${one.part}|${one.action}`;
  const old = new Map(before.map((one) => [name(one), one]));
  const fresh = new Map(now.map((one) => [name(one), one]));
  return [
    ...now.filter((one) => !old.has(name(one))).map((one) => ({ kind: 'added' as const, one })),
    ...before.filter((one) => !fresh.has(name(one))).map((one) => ({ kind: 'removed' as const, one })),
    ...now.filter((one) => { const was = old.get(name(one)); return was && (was.qty !== one.qty || was.unit_fen !== one.unit_fen || was.note !== one.note); }).map((one) => ({ kind: 'altered' as const, one })),
  ];
}

function Versions({ of, onClose, onRestore }: { of: Version[]; onClose: () => void; onRestore: (lines: AssessmentLine[]) => void }) {
  const tone = { added: 'green', removed: 'red', altered: 'amber' } as const;
  return (
    <Dialog wide title={t('versions')} onClose={onClose}>
      <ol class="stack">
        {of.map((one, n) => (
          <li key={one.version} class="panel r-version">
            <div class="row"><strong>{t('versionOf', { v: one.version })}</strong><span class="muted small">{one.at && dayTime(one.at)}</span><span class="grow" /><span class="tabular strong">{money(one.total_fen)}</span>
              {n > 0 && one.lines && mine.value && <Button size="small" icon="history" onClick={() => { onRestore(one.lines ?? []); onClose(); }}>{t('loadVersion')}</Button>}</div>
            {one.lines && of[n + 1]?.lines && <ul class="small">{changes(one.lines, of[n + 1]?.lines ?? []).map((change, i) => <li key={i}><Badge tone={tone[change.kind]}>{t(change.kind)}</Badge> {change.one.part} {actionName(change.one.action)} {change.one.qty} × {money(change.one.unit_fen)}</li>)}</ul>}
          </li>
        ))}
      </ol>
    </Dialog>
  );
}

/** Why the claim cannot be approved yet, in words; null when it can. */
function obstacle(total: number, authority: number, wrong: boolean): string | null {
  const state = row.value?.task.state;
  if (!mine.value) return t('takeFirst');
  if (state !== 'submitted') return t('waitSurvey');
  if (waiting.value.length) return t('waitPhotos', { n: waiting.value.length });
  if (owed.value.length) return t('waitRetakes', { n: owed.value.length });
  if (wrong) return t('wrongLines');
  if (total <= 0) return t('waitLines');
  return total > authority ? t('beyond') : null;
}

export function Lines({ id }: { id: string }) {
  const [drafts, setDrafts] = useState<Draft[]>([]);
  const [version, setVersion] = useState(0);
  const [versions, setVersions] = useState<Version[]>([]);
  const [state, setState] = useState<State>('saved');
  const [looking, setLooking] = useState(false);
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const grid = useRef<HTMLTableSectionElement>(null);
  const timer = useRef<number>(0);
  // What is on the screen right now: a save that ends later must not take newer typing for saved.
  const held = useRef({ drafts, version: 0, dirty: false });
  const running = useRef<Promise<boolean> | null>(null);

  const load = async (keep = false) => {
    const got = await api.get<Assessment>(`/claims/${id}/assessment`);
    held.current.version = got.version;
    setVersion(got.version);
    setVersions(got.versions);
    if (keep) return;
    held.current.drafts = got.lines.map(draftOf);
    held.current.dirty = false;
    setDrafts(held.current.drafts);
    setState('saved');
  };
  useEffect(() => {
    load().catch(tellError);
    const stay = (event: BeforeUnloadEvent) => { if (held.current.dirty) event.preventDefault(); };
    window.addEventListener('beforeunload', stay);
    return () => {
      window.removeEventListener('beforeunload', stay);
      if (held.current.dirty) void save(); // he went on to the next claim before the timer ran out
    };
  }, [id]);

  const put = async (): Promise<boolean> => {
    const sent = held.current.drafts;
    const lines = sent.filter(typed).map(lineOf);
    if (lines.some((one) => one === null)) { setState('unsaved'); return false; }
    setState('saving');
    try {
      const saved = await api.put<{ version: number }>(`/claims/${id}/assessment`, { lines, note: '' }, { match: held.current.version });
      held.current.version = saved.version;
      setVersion(saved.version);
    } catch (error) {
      const newer = error instanceof ApiError && error.code === 'version_conflict';
      if (!newer) tellError(error);
      setState(newer ? 'conflict' : 'failed');
      return false;
    }
    const whole = held.current.drafts === sent;
    held.current.dirty = !whole;
    setState(whole ? 'saved' : 'unsaved');
    void loadQueue();
    await load(true).catch(tellError);
    return true;
  };
  /** Saves what is typed, one request after the other: two at once would conflict with each other. */
  const save = async (): Promise<boolean> => {
    window.clearTimeout(timer.current);
    while (running.current) await running.current;
    if (!held.current.dirty) return true;
    running.current = put().finally(() => void (running.current = null));
    return running.current;
  };
  const change = (drafts: Draft[]) => {
    held.current.drafts = drafts;
    held.current.dirty = true;
    setDrafts(drafts);
    if (state === 'conflict') return; // he has to choose first
    setState('unsaved');
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => void save(), SAVE_AFTER_MS);
  };
  const overwrite = () => void load(true).then(save).catch(tellError);
  const focus = (line: number, field: number) => grid.current?.querySelector<HTMLElement>(`[data-at="${line}-${field}"]`)?.focus();
  const fresh = useRef<number | null>(null);
  useLayoutEffect(() => { if (fresh.current !== null) { focus(fresh.current, 1); fresh.current = null; } });
  const add = () => { fresh.current = drafts.length; change([...drafts, empty(drafts.at(-1))]); };
  const onKey = (event: KeyboardEvent) => {
    const place = (event.target as HTMLElement).dataset.at?.split('-').map(Number);
    if (!place || event.isComposing) return; // Enter ends a Chinese word first
    const [n = 0, field = 0] = place;
    if (event.key === 'Enter' && event.ctrlKey) return;
    if (event.key === 'Enter') { event.preventDefault(); if (n === drafts.length - 1) add(); else focus(n + 1, 1); }
    if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && !(event.target instanceof HTMLSelectElement)) { event.preventDefault(); focus(n + (event.key === 'ArrowDown' ? 1 : -1), field); }
  };
  const set = (n: number, part: Partial<Draft>) => change(drafts.map((one, i) => (i === n ? { ...one, ...part } : one)));
  const lines = drafts.map(lineOf);
  const total = sumOf(lines);
  const authority = me.value?.person.authority_fen ?? 0;
  const done = row.value?.task.state === 'approved' || claim.value?.state === 'approved';
  const locked = !mine.value || done;
  const wrong = drafts.some((one, n) => typed(one) && lines[n] === null);
  const why = done ? t('approvedState') : state === 'conflict' ? t('conflict') : obstacle(total, authority, wrong);
  const missing = album.value?.missing ?? [];

  const settle = async () => {
    if (busy) return;
    setBusy(true);
    try {
      if (!(await save())) return;
      const no = row.value?.report_no ?? '';
      await api.post(`/claims/${id}/approve`);
      tell('ok', t('approvedDone', { no }));
      setAsking(false);
      await Promise.all([loadAlbum(), loadQueue()]);
    } catch (error) {
      tellError(error);
    } finally {
      setBusy(false);
    }
  };
  // With what is on the screen now: after a paint the keys would still be judged by the price before the last.
  useLayoutEffect(() => {
    const key = (event: KeyboardEvent) => { if (event.key === 'Enter' && event.ctrlKey && !why && !document.querySelector('dialog[open]')) setAsking(true); };
    document.addEventListener('keydown', key);
    return () => document.removeEventListener('keydown', key);
  });

  return (
    <section class="r-lines" aria-label={t('lines')}>
      <header class="row wrap">
        <h2>{t('lines')}</h2>
        <span class="small muted" role="status">{state === 'saved' ? (version > 0 ? t('saved', { v: version }) : '') : state === 'saving' ? t('saving') : state === 'failed' ? t('saveFailed') : t('unsaved')}</span>
        {state === 'failed' && <Button size="small" icon="refresh" onClick={() => void save()}>{common('retry')}</Button>}
        {versions.length > 0 && <Button size="small" kind="quiet" icon="history" onClick={() => setLooking(true)}>{t('versions')}</Button>}
        <span class="grow" />
        <span>{t('total')} <strong class="r-total tabular">{money(total)}</strong></span>
        <span class="small muted">{t('authority', { n: money(authority) })}</span>
        <Button kind="primary" icon={done ? 'ok' : 'shield'} disabled={why !== null} title={why ?? undefined} hotkey="Ctrl+↵" onClick={() => setAsking(true)}>{t('approveClaim')}</Button>
      </header>
      {state === 'conflict' ? <Banner kind="warning">{t('conflict')} <Button size="small" onClick={() => void load().catch(tellError)}>{t('theirs')}</Button> <Button size="small" onClick={overwrite}>{t('ours')}</Button></Banner>
        : why && !done && mine.value && <Banner kind={total > authority ? 'warning' : 'info'}>{why}</Banner>}
      <div class="r-grid" onKeyDown={onKey}>
        <table>
          <thead><tr><th>{t('item')}</th><th>{t('part')}</th><th>{t('action')}</th><th class="right">{t('qty')}</th><th class="right">{t('unit')}</th><th class="right">{t('sum')}</th><th>{t('lineNote')}</th><th><span class="unseen">{t('removeLine')}</span></th></tr></thead>
          <tbody ref={grid}>
            {drafts.map((one, n) => {
              const wrong = typed(one) && lines[n] === null;
              const badQty = !/^[1-9]\d{0,3}$/.test(one.qty.trim());
              return (
                <tr key={n} class={wrong ? 'wrong' : ''}>
                  <td><input data-at={`${n}-0`} aria-label={t('item')} value={one.item} maxLength={60} disabled={locked} onInput={(event) => set(n, { item: event.currentTarget.value })} /></td>
                  <td><input data-at={`${n}-1`} aria-label={t('part')} value={one.part} maxLength={80} disabled={locked} aria-invalid={wrong && !one.part.trim()} onInput={(event) => set(n, { part: event.currentTarget.value })} /></td>
                  <td><select data-at={`${n}-2`} aria-label={t('action')} value={one.action} disabled={locked} onChange={(event) => set(n, { action: event.currentTarget.value as Draft['action'] })}>{ACTIONS.map((name) => <option key={name} value={name}>{actionName(name)}</option>)}</select></td>
                  <td class="right"><input data-at={`${n}-3`} aria-label={t('qty')} class="tabular right" inputMode="numeric" value={one.qty} maxLength={4} disabled={locked} aria-invalid={wrong && badQty} onInput={(event) => set(n, { qty: event.currentTarget.value })} /></td>
                  <td class="right"><input data-at={`${n}-4`} aria-label={t('unit')} class="tabular right" inputMode="decimal" value={one.yuan} maxLength={12} disabled={locked} aria-invalid={wrong && fenOf(one.yuan) === null} title={wrong && fenOf(one.yuan) === null ? t('badPrice') : undefined} onInput={(event) => set(n, { yuan: event.currentTarget.value })} /></td>
                  <td class="right tabular">{lines[n] ? money((lines[n]?.qty ?? 0) * (lines[n]?.unit_fen ?? 0)) : '—'}</td>
                  <td><input data-at={`${n}-5`} aria-label={t('lineNote')} value={one.note} maxLength={120} disabled={locked} onInput={(event) => set(n, { note: event.currentTarget.value })} /></td>
                  <td>{!locked && <Button kind="quiet" size="small" icon="trash" aria-label={t('removeLine')} onClick={() => change(drafts.filter((_, i) => i !== n))} />}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
        {drafts.length === 0 && <p class="muted r-none"><Icon name="list" size={16} /> {t('noLines')}</p>}
        {!locked && <Button size="small" icon="plus" onClick={add}>{t('addLine')}</Button>}
      </div>
      {looking && <Versions of={versions} onClose={() => setLooking(false)} onRestore={(old) => change(old.map(draftOf))} />}
      {asking && (
        <Dialog title={t('approveClaim')} onClose={() => setAsking(false)} actions={<><Button onClick={() => setAsking(false)}>{common('cancel')}</Button><Button kind="primary" icon="shield" busy={busy} onClick={() => void settle()}>{t('approveClaim')}</Button></>}>
          <p>{t('confirmApprove', { no: row.value?.report_no ?? '', total: money(total) })}</p>
          {missing.length > 0 && <Banner kind="warning">{t('withoutShots', { shots: missing.map((one) => either(one.zh, one.en)).join('、') })}</Banner>}
        </Dialog>
      )}
    </section>
  );
}
