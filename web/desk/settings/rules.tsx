/** The rules of an organisation: every clock and limit with its default, its bounds, and where its value comes from. */
import { Fragment } from 'preact';
import { useState } from 'preact/hooks';
import { api } from '@shared/api';
import { either, labels } from '@shared/i18n';
import { useLoad } from '@shared/resource';
import { may, me } from '@shared/session';
import type { RuleRow, Rules as RulePage } from '@shared/types';
import { Badge, Banner, Button, EmptyState, Loaded, tell, tellError } from '@shared/ui';
import { common } from '@shared/words';
import { useOrganisations } from '../orgs';
import { choice, explained } from './explained';
import { Trial } from './trial';
import { t } from './words';

const TRIERS = ['dispatcher', 'supervisor', 'admin'] as const;

const unit = labels(
  { min: '分钟', s: '秒', h: '小时', d: '天', m: '米', km: '公里', 'm/s': '米/秒', ms: '毫秒', 'km/h': '公里/小时' },
  { min: 'min', s: 's', h: 'h', d: 'd', m: 'm', km: 'km', 'm/s': 'm/s', ms: 'ms', 'km/h': 'km/h' },
);
const shown = (rule: RuleRow, value: unknown): string =>
  rule.kind === 'bool'
    ? t(value ? 'on' : 'off')
    : rule.kind === 'choice'
      ? choice(rule.key, String(value))
      : `${String(value ?? '')}${rule.unit && value !== null ? ` ${unit(rule.unit)}` : ''}`;

/** What was typed, as the kind the rule has; undefined when it cannot be. */
function read(rule: RuleRow, text: string): unknown {
  if (rule.kind === 'bool') return text === 'true';
  if (rule.kind !== 'int') return text;
  const value = Number(text);
  return text.trim() !== '' && Number.isInteger(value) && value >= (rule.least ?? -Infinity) && value <= (rule.most ?? Infinity)
    ? value
    : undefined;
}

function Input({
  rule,
  text,
  locked,
  onText,
  onSave,
}: {
  rule: RuleRow;
  text: string;
  locked: boolean;
  onText: (text: string) => void;
  onSave: () => void;
}) {
  const label = either(rule.zh, rule.en);
  const choices: [string, string][] =
    rule.kind === 'bool'
      ? [
          ['true', t('on')],
          ['false', t('off')],
        ]
      : rule.choices.map((one) => [one, choice(rule.key, one)]);
  if (choices.length)
    return (
      <select
        class="input"
        aria-label={label}
        disabled={locked}
        value={text}
        onChange={(event) => onText(event.currentTarget.value)}
      >
        {choices.map(([value, word]) => (
          <option key={value} value={value}>
            {word}
          </option>
        ))}
      </select>
    );
  return (
    <span class="row">
      <input
        class="input"
        aria-label={label}
        readOnly={locked}
        value={text}
        inputMode={rule.kind === 'int' ? 'numeric' : 'text'}
        aria-invalid={read(rule, text) === undefined ? 'true' : undefined}
        onInput={(event) => onText(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Enter' && onSave()}
      />
      {rule.unit && <span class="muted small nowrap">{unit(rule.unit)}</span>}
    </span>
  );
}

function Rule({ rule, org, triable, onSaved }: { rule: RuleRow; org: string; triable: boolean; onSaved: () => void }) {
  const was = String(rule.value ?? '');
  const [text, setText] = useState(was);
  const [busy, setBusy] = useState(false);
  const [trying, setTrying] = useState(false);
  const value = read(rule, text);
  const path = `/settings/${encodeURIComponent(rule.key)}`;
  const run = (act: Promise<unknown>) => {
    setBusy(true);
    act
      .then(() => {
        tell('ok', t('ruleSaved', { was: shown(rule, rule.value) }), {
          action: { label: common('undo'), run: back },
          seconds: 12,
        });
        onSaved();
      }, tellError)
      .finally(() => setBusy(false));
  };
  // What stood here before: an own value again, or again the one from above.
  const back = () => {
    const before = rule.set_here ? api.put(path, { org_id: org, value: rule.value }) : api.del(path, { query: { org_id: org } });
    before.then(() => {
      tell('ok', t('ruleBack', { was: shown(rule, rule.value) }));
      onSaved();
    }, tellError);
  };
  const save = () => {
    if (value !== undefined && text !== was) run(api.put(path, { org_id: org, value }));
  };
  return (
    <tr>
      <td>
        <strong>{either(rule.zh, rule.en)}</strong>
        {explained(rule.key) !== rule.key && <div class="muted small">{explained(rule.key)}</div>}
        <div class="muted small mono">{rule.key}</div>
      </td>
      <td class="rule-value">
        <Input
          rule={rule}
          text={text}
          locked={!may('admin') && !triable}
          onText={setText}
          onSave={may('admin') ? save : () => {}}
        />
        {value === undefined && (
          <div class="small warn" role="alert">
            {t('ruleOutside', { min: rule.least ?? '', max: rule.most ?? '' })}
          </div>
        )}
      </td>
      <td class="muted small">
        {t('default', { v: shown(rule, rule.default) })}
        {rule.kind === 'int' && rule.least !== null && rule.most !== null && (
          <> · {t('bounds', { min: rule.least, max: rule.most })}</>
        )}
      </td>
      <td>
        {rule.set_here ? (
          <Badge tone="blue" icon="check">
            {t('own')}
          </Badge>
        ) : (
          rule.from_org && <Badge icon="arrow-down">{t('inherited', { org: rule.from_org.name })}</Badge>
        )}
      </td>
      <td class="right">
        <span class="row actions">
          {triable && text !== was && (
            <Button size="small" icon="history" disabled={value === undefined} onClick={() => setTrying(true)}>
              {t('tryRule')}
            </Button>
          )}
          {may('admin') && text !== was && (
            <Button size="small" kind="primary" busy={busy} disabled={value === undefined} onClick={save}>
              {common('save')}
            </Button>
          )}
          {may('admin') && rule.set_here && text === was && (
            <Button
              size="small"
              kind="quiet"
              icon="rotate-left"
              busy={busy}
              onClick={() => run(api.del(path, { query: { org_id: org } }))}
            >
              {t('reset')}
            </Button>
          )}
        </span>
        {trying && value !== undefined && (
          <Trial
            rule={rule}
            value={value}
            org={org}
            display={(one) => shown(rule, one)}
            onSave={
              may('admin')
                ? () => {
                    setTrying(false);
                    save();
                  }
                : null
            }
            onClose={() => setTrying(false)}
          />
        )}
      </td>
    </tr>
  );
}

export function Rules() {
  const [org, setOrg] = useState(me.value?.person.org.id ?? '');
  const orgs = useOrganisations();
  const tries = useLoad<{ keys: string[] }>(
    (signal) => (may(...TRIERS) ? api.get('/lab/triable', {}, { signal }) : Promise.resolve({ keys: [] })),
    [],
  );
  const triable = new Set(tries.data?.keys);
  const list = useLoad<RulePage>((signal) => api.get('/settings', { org_id: org }, { signal }), [org]);
  return (
    <section class="panel list">
      <header class="tools row wrap">
        <label class="row small">
          {t('orgChoose')}
          <select class="input" value={org} onChange={(event) => setOrg(event.currentTarget.value)}>
            {orgs.data?.items.map((one) => (
              <option key={one.id} value={one.id}>
                {one.name}
              </option>
            ))}
          </select>
        </label>
        <div class="grow">
          <Banner kind="info">{t('ruleNote')}</Banner>
        </div>
      </header>
      <Loaded of={list} rows={10}>
        {({ items, rooms }) =>
          items.length === 0 ? (
            <EmptyState icon="settings" title={t('noRules')} />
          ) : (
            <div class="table-wrap">
              <table class="table rules">
                <caption class="unseen">{t('rules')}</caption>
                <thead>
                  <tr>
                    <th scope="col">{t('rule')}</th>
                    <th scope="col">{t('value')}</th>
                    <th scope="col" />
                    <th scope="col" />
                    <th scope="col" />
                  </tr>
                </thead>
                {rooms.map((room) => (
                  <Fragment key={room.key}>
                    <tbody>
                      <tr>
                        <th scope="rowgroup" colSpan={5} class="rule-room">
                          {either(room.zh, room.en)}
                        </th>
                      </tr>
                      {items
                        .filter((rule) => rule.room === room.key)
                        .map((rule) => (
                          <Rule
                            key={`${org} ${rule.key} ${JSON.stringify(rule.value)} ${rule.set_here}`}
                            rule={rule}
                            org={org}
                            triable={triable.has(rule.key)}
                            onSaved={list.reload}
                          />
                        ))}
                    </tbody>
                  </Fragment>
                ))}
              </table>
            </div>
          )
        }
      </Loaded>
    </section>
  );
}
