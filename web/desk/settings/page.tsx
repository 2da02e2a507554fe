/** Settings: people and their phones, organisations, areas, rules, API tokens. */
import { useState } from 'preact/hooks';
import { api } from '@shared/api';
import { copyText } from '@shared/copy';
import { may } from '@shared/session';
import type { Organisation } from '@shared/types';
import { Badge, Banner, Button, Dialog, Field, Loaded, Select, Table, Tabs, tell, tellError } from '@shared/ui';
import { common } from '@shared/words';
import { forgetOrganisations, useOrganisations } from '../orgs';
import { go, route } from '../route';
import { Areas } from './areas';
import { People } from './people';
import { Rules } from './rules';
import { System } from './system';
import { t } from './words';

const TABS = ['people', 'organisations', 'areas', 'rules', 'tokens', 'system'] as const;
type TabKey = (typeof TABS)[number];
const KINDS = ['head', 'branch', 'sub_branch', 'firm'] as const;

function OrgDialog({ orgs, onDone }: { orgs: Organisation[]; onDone: (changed: boolean) => void }) {
  const [typed, setTyped] = useState({ name: '', code: '', kind: 'branch', parent_id: orgs[0]?.id ?? '' });
  const [busy, setBusy] = useState(false);
  const submit = (event: Event) => {
    event.preventDefault();
    setBusy(true);
    api.post('/organisations', typed).then(
      () => {
        forgetOrganisations();
        tell('ok', t('added'));
        onDone(true);
      },
      (error: unknown) => {
        tellError(error);
        setBusy(false);
      },
    );
  };
  return (
    <Dialog
      title={t('addOrg')}
      onClose={() => onDone(false)}
      actions={
        <>
          <Button onClick={() => onDone(false)}>{common('cancel')}</Button>
          <Button kind="primary" type="submit" form="org" busy={busy}>
            {common('save')}
          </Button>
        </>
      }
    >
      <form id="org" class="stack" onSubmit={submit}>
        <Field
          label={t('orgName')}
          required
          maxLength={100}
          autofocus
          value={typed.name}
          onInput={(event) => setTyped({ ...typed, name: event.currentTarget.value })}
        />
        <Field
          label={t('orgCode')}
          required
          maxLength={60}
          value={typed.code}
          onInput={(event) => setTyped({ ...typed, code: event.currentTarget.value })}
        />
        <Select
          label={t('orgKind')}
          value={typed.kind}
          choices={KINDS.slice(1).map((value) => ({ value, label: t(`kind_${value}`) }))}
          onChange={(event) => setTyped({ ...typed, kind: event.currentTarget.value })}
        />
        <Select
          label={t('orgParent')}
          value={typed.parent_id}
          choices={orgs.map((org) => ({ value: org.id, label: org.name }))}
          onChange={(event) => setTyped({ ...typed, parent_id: event.currentTarget.value })}
        />
      </form>
    </Dialog>
  );
}

function Organisations() {
  const [open, setOpen] = useState(false);
  const list = useOrganisations();
  const kind = (one: string) => ((KINDS as readonly string[]).includes(one) ? t(`kind_${one as (typeof KINDS)[number]}`) : one);
  return (
    <section class="panel list">
      {may('admin') && (
        <header class="tools row">
          <span class="grow" />
          <Button kind="primary" icon="plus" disabled={!list.data} onClick={() => setOpen(true)}>
            {t('addOrg')}
          </Button>
        </header>
      )}
      <Loaded of={list}>
        {({ items }) => {
          const depth = (org: Organisation): number => {
            const parent = items.find((one) => one.id === org.parent_id);
            return parent ? depth(parent) + 1 : 0;
          };
          return (
            <>
              <Table<Organisation>
                caption={t('organisations')}
                rows={items}
                id={(row) => row.id}
                columns={[
                  {
                    key: 'name',
                    head: t('orgName'),
                    cell: (row) => <strong style={{ paddingLeft: `${depth(row) * 22}px` }}>{row.name}</strong>,
                  },
                  { key: 'kind', head: t('orgKind'), cell: (row) => <Badge>{kind(row.kind)}</Badge> },
                  { key: 'code', head: t('orgCode'), cell: (row) => <span class="mono">{row.code}</span> },
                ]}
              />
              {open && (
                <OrgDialog
                  orgs={items}
                  onDone={(changed) => {
                    setOpen(false);
                    if (changed) list.reload();
                  }}
                />
              )}
            </>
          );
        }}
      </Loaded>
    </section>
  );
}

function Tokens() {
  const [label, setLabel] = useState('');
  const [made, setMade] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const make = (event: Event) => {
    event.preventDefault();
    setBusy(true);
    api
      .post<{ id: string; token: string }>('/tokens', { label: label.trim() })
      .then((answer) => setMade(answer.token), tellError)
      .finally(() => setBusy(false));
  };
  return (
    <section class="panel padded stack">
      <p class="muted">{t('tokenNote')}</p>
      <form class="row token-form" onSubmit={make}>
        <Field
          label={t('label')}
          required
          maxLength={100}
          value={label}
          onInput={(event) => setLabel(event.currentTarget.value)}
        />
        <Button type="submit" kind="primary" icon="plus" busy={busy}>
          {t('make')}
        </Button>
      </form>
      {made && (
        <Banner kind="warning">
          {t('tokenOnce')} <code class="token">{made}</code>{' '}
          <Button size="small" icon="copy" onClick={() => void copyText(made).then(() => tell('ok', t('copied')), tellError)}>
            {common('copy')}
          </Button>
        </Banner>
      )}
    </section>
  );
}

export function Settings() {
  const asked = route.value.rest[0] as TabKey | undefined;
  const tab: TabKey = asked && TABS.includes(asked) ? asked : 'people';
  return (
    <div class="page scroll stack">
      <h1>{t('settings')}</h1>
      <Tabs
        label={t('settings')}
        active={tab}
        onPick={(key) => go('settings', key)}
        tabs={TABS.filter((key) => key !== 'system' || may('admin', 'supervisor')).map((key) => ({ key, label: t(key) }))}
      />
      {tab === 'people' && <People />}
      {tab === 'organisations' && <Organisations />}
      {tab === 'areas' && <Areas />}
      {tab === 'rules' && <Rules />}
      {tab === 'tokens' && <Tokens />}
      {tab === 'system' && may('admin', 'supervisor') && <System />}
    </div>
  );
}
