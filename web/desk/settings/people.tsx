/** People: who works here, with which roles, skills and money authority. */
import { useState } from 'preact/hooks';
import { api } from '@shared/api';
import { number } from '@shared/format';
import { asApiError } from '@shared/resource';
import { may, me } from '@shared/session';
import type { PersonRow } from '@shared/types';
import { Badge, Button, Dialog, EmptyState, Icon, Loaded, Table, tell } from '@shared/ui';
import { common, explain, role, skill } from '@shared/words';
import { useList, useRested } from '../lists/more';
import { useOrganisations } from '../orgs';
import { DevicesDialog } from './devices';
import { PersonDialog, ROLES } from './person';
import { t } from './words';

/** Ending an account signs somebody out at once, perhaps in the middle of a job: asked first, and named. */
function EndDialog({ of, onClose, onEnd }: { of: PersonRow; onClose: () => void; onEnd: () => void }) {
  return (
    <Dialog
      title={t('disableAsk', { name: of.name })}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{common('cancel')}</Button>
          <Button kind="danger" icon="ban" onClick={onEnd}>
            {t('disable')}
          </Button>
        </>
      }
    >
      <p>{t('disableNote')}</p>
    </Dialog>
  );
}

export function People() {
  const [q, setQ] = useState('');
  const [by, setBy] = useState('');
  const [open, setOpen] = useState<{ kind: 'edit' | 'devices' | 'end'; person: PersonRow | null } | null>(null);
  const orgs = useOrganisations();
  const list = useList<PersonRow>('/people', { q: useRested(q.trim()), role: by }, 100);
  const done = (changed: boolean) => {
    setOpen(null);
    if (changed) list.reload();
  };
  const ends = (row: PersonRow, disabled: boolean) =>
    api.patch(`/people/${row.id}`, { disabled }).then(
      () => {
        const undo = { label: common('undo'), run: () => void ends(row, false) };
        tell('ok', t(disabled ? 'isDisabled' : 'isEnabled', { name: row.name }), disabled ? { action: undo, seconds: 12 } : {});
        list.reload();
      },
      (failure: unknown) => tell('error', explain(asApiError(failure))),
    );
  return (
    <section class="panel list">
      <header class="tools row wrap">
        <label class="search grow">
          <Icon name="search" size={16} />
          <input
            class="input"
            id="search"
            type="search"
            value={q}
            placeholder={t('find')}
            aria-label={t('find')}
            onInput={(event) => setQ(event.currentTarget.value)}
          />
        </label>
        <select class="input" aria-label={t('roles')} value={by} onChange={(event) => setBy(event.currentTarget.value)}>
          <option value="">{t('anyRole')}</option>
          {ROLES.map((one) => (
            <option key={one} value={one}>
              {role(one)}
            </option>
          ))}
        </select>
        {may('admin') && (
          <Button kind="primary" icon="plus" disabled={!orgs.data} onClick={() => setOpen({ kind: 'edit', person: null })}>
            {t('add')}
          </Button>
        )}
      </header>
      <Loaded of={list} rows={10}>
        {(rows) =>
          rows.length === 0 ? (
            <EmptyState icon="users" title={t('noPeople')} />
          ) : (
            <>
              <Table<PersonRow>
                caption={t('people')}
                rows={rows}
                id={(row) => row.id}
                columns={[
                  {
                    key: 'name',
                    head: t('name'),
                    cell: (row) => (
                      <>
                        <strong>{row.name}</strong> <span class="muted small mono">{row.username}</span>
                      </>
                    ),
                  },
                  { key: 'org', head: t('org'), cell: (row) => row.org.name },
                  {
                    key: 'roles',
                    head: t('roles'),
                    cell: (row) => (
                      <span class="row wrap">
                        {row.roles.map((one) => (
                          <Badge key={one} tone={one === 'admin' ? 'violet' : 'blue'}>
                            {role(one)}
                          </Badge>
                        ))}
                      </span>
                    ),
                  },
                  {
                    key: 'skills',
                    head: t('skills'),
                    cell: (row) =>
                      row.surveyor && (
                        <span class="small">
                          {row.surveyor.skills.map(skill).join('、')} · {t('upTo', { n: row.surveyor.max_open })}
                        </span>
                      ),
                  },
                  {
                    key: 'fen',
                    head: t('authority'),
                    cell: (row) => (row.roles.includes('adjuster') ? number(row.authority_fen / 100) : ''),
                    align: 'right',
                  },
                  {
                    key: 'state',
                    head: '',
                    cell: (row) =>
                      row.disabled_at ? (
                        <Badge tone="red" icon="ban">
                          {t('disabled')}
                        </Badge>
                      ) : row.surveyor ? (
                        <Badge tone={row.surveyor.on_duty ? 'green' : 'grey'} icon={row.surveyor.on_duty ? 'ok' : 'moon'}>
                          {t(row.surveyor.on_duty ? 'onDuty' : 'offDuty')}
                        </Badge>
                      ) : null,
                  },
                  {
                    key: 'act',
                    head: '',
                    align: 'right',
                    cell: (row) => (
                      <span class="row actions">
                        {row.surveyor && may('dispatcher', 'admin') && !row.disabled_at && (
                          <Button size="small" icon="smartphone" onClick={() => setOpen({ kind: 'devices', person: row })}>
                            {t('deviceCount', { n: row.surveyor.devices })}
                          </Button>
                        )}
                        {may('admin') && (
                          <Button
                            size="small"
                            icon="edit"
                            aria-label={t('edit')}
                            title={t('edit')}
                            onClick={() => setOpen({ kind: 'edit', person: row })}
                          />
                        )}
                        {may('admin') && row.id !== me.value?.person.id && (
                          <Button
                            size="small"
                            icon={row.disabled_at ? 'rotate-left' : 'ban'}
                            aria-label={t(row.disabled_at ? 'enable' : 'disable')}
                            title={t(row.disabled_at ? 'enable' : 'disable')}
                            onClick={() => (row.disabled_at ? void ends(row, false) : setOpen({ kind: 'end', person: row }))}
                          />
                        )}
                      </span>
                    ),
                  },
                ]}
              />
              {list.next && (
                <div class="more">
                  <Button busy={list.loading} onClick={list.more}>
                    {common('more')}
                  </Button>
                </div>
              )}
            </>
          )
        }
      </Loaded>
      {open?.kind === 'edit' && <PersonDialog of={open.person} orgs={orgs.data?.items ?? []} onDone={done} />}
      {open?.kind === 'end' && open.person && (
        <EndDialog
          of={open.person}
          onClose={() => setOpen(null)}
          onEnd={() => {
            if (open.person) void ends(open.person, true);
            setOpen(null);
          }}
        />
      )}
      {open?.kind === 'devices' && open.person && <DevicesDialog person={open.person} onDone={() => done(true)} />}
    </section>
  );
}
