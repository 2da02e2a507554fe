/** People: who works here, with which roles, skills and money authority. */
import { useState } from 'preact/hooks';
import { api, type ApiError } from '@shared/api';
import { number } from '@shared/format';
import { asApiError, useLoad } from '@shared/resource';
import { may } from '@shared/session';
import type { Organisation, Page, PersonRow, Role } from '@shared/types';
import { Badge, Banner, Button, Check, Dialog, EmptyState, Field, Icon, Loaded, Select, Table, tell } from '@shared/ui';
import { common, explain, role, skill } from '@shared/words';
import { useList, useRested } from '../lists/more';
import { DevicesDialog } from './devices';
import { t } from './words';

const ROLES: readonly Role[] = ['seat', 'dispatcher', 'surveyor', 'adjuster', 'supervisor', 'admin', 'integration'];
const SKILLS = ['motor', 'property', 'agri', 'assist', 'injury', 'heavy', 'ev'] as const;

interface Typed { username: string; name: string; org_id: string; roles: Role[]; yuan: string; skills: string[]; max_open: string; password: string; phone: string; email: string }

const first = (of: PersonRow | null): Typed => ({
  username: of?.username ?? '', name: of?.name ?? '', org_id: of?.org.id ?? '', roles: of?.roles ?? ['surveyor'], yuan: String((of?.authority_fen ?? 0) / 100),
  skills: of?.surveyor?.skills ?? ['motor'], max_open: String(of?.surveyor?.max_open ?? 5), password: '', phone: '', email: '',
});

function flip<T>(list: T[], one: T): T[] {
  return list.includes(one) ? list.filter((other) => other !== one) : [...list, one];
}

async function save(of: PersonRow | null, typed: Typed): Promise<void> {
  const shared = { roles: typed.roles, authority_fen: Math.round(Number(typed.yuan) * 100) || 0, ...(typed.roles.includes('surveyor') ? { skills: typed.skills, max_open: Number(typed.max_open) || 0 } : {}), ...(typed.password ? { password: typed.password } : {}) };
  if (of) return api.patch(`/people/${of.id}`, shared);
  await api.post('/people', { ...shared, username: typed.username.trim(), name: typed.name.trim(), org_id: typed.org_id, phone: typed.phone.trim() || null, email: typed.email.trim() || null });
}

function Boxes<T extends string>({ label, all, on, word, onFlip }: { label: string; all: readonly T[]; on: string[]; word: (one: string) => string; onFlip: (one: T) => void }) {
  return <fieldset class="choose"><legend>{label}</legend><div class="choose-row">{all.map((one) => <Check key={one} label={word(one)} checked={on.includes(one)} onChange={() => onFlip(one)} />)}</div></fieldset>;
}

function PersonDialog({ of, orgs, onDone }: { of: PersonRow | null; orgs: Organisation[]; onDone: (changed: boolean) => void }) {
  const [typed, setTyped] = useState<Typed>(() => ({ ...first(of), ...(of ? {} : { org_id: orgs[0]?.id ?? '' }) }));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const put = (part: Partial<Typed>) => setTyped({ ...typed, ...part });
  const surveys = typed.roles.includes('surveyor');
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await save(of, typed);
      tell('ok', t(of ? 'saved' : 'added'));
      onDone(true);
    } catch (failure) {
      setError(asApiError(failure));
      setBusy(false);
    }
  };
  const wrong = (path: string) => error?.errors.find((one) => one.path === path)?.message ?? null;
  return (
    <Dialog wide title={of ? `${t('edit')} · ${of.name}` : t('add')} onClose={() => onDone(false)} actions={<><Button onClick={() => onDone(false)}>{common('cancel')}</Button><Button kind="primary" type="submit" form="person" busy={busy}>{common('save')}</Button></>}>
      <form id="person" class="form-grid" onSubmit={submit}>
        {error && <div class="wide"><Banner kind="error">{explain(error)}</Banner></div>}
        {!of && (
          <>
            <Field label={t('name')} required maxLength={100} autofocus value={typed.name} error={wrong('name')} onInput={(event) => put({ name: event.currentTarget.value })} />
            <Field label={t('username')} required minLength={2} maxLength={100} autocapitalize="none" spellcheck={false} value={typed.username} error={wrong('username')} onInput={(event) => put({ username: event.currentTarget.value })} />
            <Select label={t('org')} value={typed.org_id} choices={orgs.map((org) => ({ value: org.id, label: org.name }))} onChange={(event) => put({ org_id: event.currentTarget.value })} />
            <Field label={t('phone')} type="tel" value={typed.phone} error={wrong('phone')} onInput={(event) => put({ phone: event.currentTarget.value })} />
            <Field label={t('email')} type="email" value={typed.email} error={wrong('email')} onInput={(event) => put({ email: event.currentTarget.value })} />
          </>
        )}
        <Field label={of ? t('newPassword') : t('password')} type="password" autocomplete="new-password" hint={t('passwordHint')} value={typed.password} error={wrong('password')} onInput={(event) => put({ password: event.currentTarget.value })} />
        <div class="wide"><Boxes label={t('roles')} all={ROLES} on={typed.roles} word={role} onFlip={(one) => put({ roles: flip(typed.roles, one) })} /></div>
        {typed.roles.includes('adjuster') && <Field label={t('authority')} type="number" min={0} step="0.01" value={typed.yuan} onInput={(event) => put({ yuan: event.currentTarget.value })} />}
        {surveys && <Field label={t('maxOpen')} type="number" min={0} max={50} value={typed.max_open} onInput={(event) => put({ max_open: event.currentTarget.value })} />}
        {surveys && <div class="wide"><Boxes label={t('skills')} all={SKILLS} on={typed.skills} word={skill} onFlip={(one) => put({ skills: flip(typed.skills, one) })} /></div>}
      </form>
    </Dialog>
  );
}

export function People() {
  const [q, setQ] = useState('');
  const [by, setBy] = useState('');
  const [open, setOpen] = useState<{ kind: 'edit' | 'devices'; person: PersonRow | null } | null>(null);
  const orgs = useLoad<Page<Organisation>>((signal) => api.get('/organisations', {}, { signal }), []);
  const list = useList<PersonRow>('/people', { q: useRested(q.trim()), role: by }, 100);
  const done = (changed: boolean) => { setOpen(null); if (changed) list.reload(); };
  const ends = (row: PersonRow) => api.patch(`/people/${row.id}`, { disabled: !row.disabled_at }).then(() => { tell('ok', t('saved')); list.reload(); }, (failure: unknown) => tell('error', explain(asApiError(failure))));
  return (
    <section class="panel list">
      <header class="tools row wrap">
        <label class="search grow"><Icon name="search" size={16} /><input class="input" id="search" type="search" value={q} placeholder={t('find')} aria-label={t('find')} onInput={(event) => setQ(event.currentTarget.value)} /></label>
        <select class="input" aria-label={t('roles')} value={by} onChange={(event) => setBy(event.currentTarget.value)}><option value="">{t('anyRole')}</option>{ROLES.map((one) => <option key={one} value={one}>{role(one)}</option>)}</select>
        {may('admin') && <Button kind="primary" icon="plus" disabled={!orgs.data} onClick={() => setOpen({ kind: 'edit', person: null })}>{t('add')}</Button>}
      </header>
      <Loaded of={list} rows={10}>
        {(rows) => rows.length === 0 ? <EmptyState icon="users" title={t('noPeople')} /> : (
          <>
            <Table<PersonRow>
              caption={t('people')} rows={rows} id={(row) => row.id}
              columns={[
                { key: 'name', head: t('name'), cell: (row) => <><strong>{row.name}</strong> <span class="muted small mono">{row.username}</span></> },
                { key: 'org', head: t('org'), cell: (row) => row.org.name },
                { key: 'roles', head: t('roles'), cell: (row) => <span class="row wrap">{row.roles.map((one) => <Badge key={one} tone={one === 'admin' ? 'violet' : 'blue'}>{role(one)}</Badge>)}</span> },
                { key: 'skills', head: t('skills'), cell: (row) => row.surveyor && <span class="small">{row.surveyor.skills.map(skill).join('、')} · ≤{row.surveyor.max_open}</span> },
                { key: 'fen', head: t('authority'), cell: (row) => (row.roles.includes('adjuster') ? number(row.authority_fen / 100) : ''), align: 'right' },
                { key: 'state', head: '', cell: (row) => (row.disabled_at ? <Badge tone="red" icon="ban">{t('disabled')}</Badge> : row.surveyor ? <Badge tone={row.surveyor.on_duty ? 'green' : 'grey'} icon={row.surveyor.on_duty ? 'ok' : 'moon'}>{t(row.surveyor.on_duty ? 'onDuty' : 'offDuty')}</Badge> : null) },
                {
                  key: 'act', head: '', align: 'right',
                  cell: (row) => (
                    <span class="row actions">
                      {row.surveyor && may('dispatcher', 'admin') && !row.disabled_at && <Button size="small" icon="smartphone" onClick={() => setOpen({ kind: 'devices', person: row })}>{t('deviceCount', { n: row.surveyor.devices })}</Button>}
                      {may('admin') && <Button size="small" icon="edit" aria-label={t('edit')} title={t('edit')} onClick={() => setOpen({ kind: 'edit', person: row })} />}
                      {may('admin') && <Button size="small" icon={row.disabled_at ? 'rotate-left' : 'ban'} aria-label={t(row.disabled_at ? 'enable' : 'disable')} title={t(row.disabled_at ? 'enable' : 'disable')} onClick={() => void ends(row)} />}
                    </span>
                  ),
                },
              ]}
            />
            {list.next && <div class="more"><Button busy={list.loading} onClick={list.more}>{common('more')}</Button></div>}
          </>
        )}
      </Loaded>
      {open?.kind === 'edit' && <PersonDialog of={open.person} orgs={orgs.data?.items ?? []} onDone={done} />}
      {open?.kind === 'devices' && open.person && <DevicesDialog person={open.person} onDone={() => done(true)} />}
    </section>
  );
}
