/** Every claim, searched; the chosen one beside the list. */
import { useEffect, useState } from 'preact/hooks';
import { dayTime } from '@shared/format';
import { useLoad } from '@shared/resource';
import type { ClaimDetail, ClaimRow, Page, SettingArea } from '@shared/types';
import { api } from '@shared/api';
import { Badge, Button, Check, ClockBadge, EmptyState, Icon, leadingClock, Loaded, Table, TaskBadge } from '@shared/ui';
import { claimState, common, line } from '@shared/words';
import { ClaimView } from '../claim/view';
import { go, route, settle } from '../route';
import { useList, useRested } from './more';
import { t } from './words';

const STATES = ['open', 'surveying', 'assessing', 'approved', 'closed', 'withdrawn', 'reopened'];

function Rows({ rows, chosen }: { rows: ClaimRow[]; chosen: string | null }) {
  const state = (row: ClaimRow) =>
    row.task && row.state !== 'withdrawn' && row.state !== 'approved' ? (
      <TaskBadge state={row.task.state} />
    ) : (
      <Badge>{claimState(row.state)}</Badge>
    );
  return (
    <Table<ClaimRow>
      caption={t('claims')}
      rows={rows}
      id={(row) => row.id}
      chosen={chosen}
      onOpen={(row) => go('claims', row.id, Object.fromEntries(route.value.query))}
      columns={[
        { key: 'no', head: t('reportNo'), cell: (row) => <span class="mono nowrap">{row.report_no}</span> },
        { key: 'at', head: t('reported'), cell: (row) => <span class="nowrap tabular">{dayTime(row.reported_at)}</span> },
        { key: 'state', head: t('state'), cell: state },
        {
          key: 'clock',
          head: t('clocks'),
          cell: (row) => {
            const clock = leadingClock(row.clocks);
            return clock && <ClockBadge clock={clock} />;
          },
        },
        {
          key: 'place',
          head: t('place'),
          cell: (row) => (
            <span class="cell-clip" title={row.place ?? ''}>
              {row.place}
            </span>
          ),
        },
        ...(chosen
          ? []
          : [{ key: 'line', head: t('line'), cell: (row: ClaimRow) => <span class="nowrap">{line(row.line)}</span> }]),
        { key: 'plate', head: t('plate'), cell: (row) => <span class="mono nowrap">{row.plate}</span> },
        ...(chosen
          ? []
          : [
              {
                key: 'who',
                head: t('reporter'),
                cell: (row: ClaimRow) => (
                  <span class="nowrap">{[row.reporter.name, row.reporter.phone].filter(Boolean).join(' ')}</span>
                ),
              },
            ]),
        { key: 'surveyor', head: t('surveyor'), cell: (row) => <span class="nowrap">{row.surveyor?.name}</span> },
      ]}
    />
  );
}

export function Claims() {
  const query = route.value.query;
  const [q, setQ] = useState(query.get('q') ?? '');
  const asked = useRested(q.trim());
  const filter = {
    q: asked,
    state: query.get('state') ?? '',
    area: query.get('area') ?? '',
    breached: query.get('breached') ?? '',
  };
  const chosen = route.value.rest[0] ?? null;
  const [detail, setDetail] = useState<ClaimDetail | null>(null);
  const areas = useLoad<Page<SettingArea>>((signal) => api.get('/areas', { limit: 500 }, { signal }), []);
  const list = useList<ClaimRow>('/claims', filter);
  const put = (part: Partial<typeof filter>) => settle('claims', ...(chosen ? [chosen] : []), { ...filter, ...part });
  useEffect(() => {
    if (asked !== (query.get('q') ?? '')) put({ q: asked });
  }, [asked]);
  const clear = () => {
    setQ('');
    settle('claims');
  };
  return (
    <div class={`page claims ${chosen ? 'with-detail' : ''}`}>
      <section class="panel list">
        <header class="tools row wrap">
          <h1>{t('claims')}</h1>
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
            <kbd>/</kbd>
          </label>
          <select
            class="input"
            aria-label={t('state')}
            value={filter.state}
            onChange={(event) => put({ state: event.currentTarget.value })}
          >
            <option value="">{t('allStates')}</option>
            {STATES.map((state) => (
              <option key={state} value={state}>
                {claimState(state)}
              </option>
            ))}
          </select>
          <select
            class="input"
            aria-label={t('area')}
            value={filter.area}
            onChange={(event) => put({ area: event.currentTarget.value })}
          >
            <option value="">{t('anyArea')}</option>
            {areas.data?.items.map((area) => (
              <option key={area.id} value={area.id}>
                {area.name}
              </option>
            ))}
          </select>
          <Check
            label={t('breached')}
            checked={filter.breached === 'true'}
            onChange={(event) => put({ breached: event.currentTarget.checked ? 'true' : '' })}
          />
          <Button kind="quiet" icon="refresh" aria-label={common('refresh')} busy={list.loading} onClick={list.reload} />
        </header>
        <Loaded of={list} rows={10}>
          {(rows) =>
            rows.length === 0 && !Object.values(filter).some(Boolean) ? (
              <EmptyState icon="clipboard" title={t('noClaimYet')}>
                {t('noClaimYetNote')}
              </EmptyState>
            ) : rows.length === 0 ? (
              <EmptyState icon="search" title={t('noClaims')}>
                {t('noClaimsNote')} <Button onClick={clear}>{t('clear')}</Button>
              </EmptyState>
            ) : (
              <>
                <Rows rows={rows} chosen={chosen} />
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
      </section>
      {chosen && (
        <aside class="panel detail" aria-label={detail?.report_no ?? ''}>
          <header class="drawer-head">
            <h2 class="mono">{detail?.id === chosen ? detail.report_no : ''}</h2>
            <Button kind="quiet" icon="x" aria-label={common('close')} onClick={() => go('claims', Object.fromEntries(query))} />
          </header>
          <ClaimView key={chosen} id={chosen} onLoad={setDetail} />
        </aside>
      )}
    </div>
  );
}
