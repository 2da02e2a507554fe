/** How each surveyor worked, and how a share of kept promises is shown. */
import { api } from '@shared/api';
import { duration, number, percent } from '@shared/format';
import { useLoad } from '@shared/resource';
import type { Page, PersonFigures } from '@shared/types';
import { EmptyState, Icon, Loaded, Table } from '@shared/ui';
import { t } from './words';

/** Below this share of kept promises a figure is marked. */
export const GOAL_PCT = 95;

export interface Range {
  from: string;
  to: string;
}

/** A share of kept promises; below the goal it is marked, not only coloured. */
export function Kept({ of }: { of: number | null }) {
  if (of === null) return <>—</>;
  return of < GOAL_PCT ? (
    <span class="warn strong nowrap">
      <Icon name="warning" size={13} /> {percent(of)}
    </span>
  ) : (
    <>{percent(of)}</>
  );
}

export function PeopleTable({ range }: { range: Range }) {
  const list = useLoad<Page<PersonFigures>>(
    (signal) => api.get('/reports/people', { from: range.from, to: range.to }, { signal }),
    [range.from, range.to],
  );
  return (
    <Loaded of={list} rows={8}>
      {({ items }) =>
        items.length === 0 ? (
          <EmptyState icon="users" title={t('noPeople')} />
        ) : (
          <Table<PersonFigures>
            caption={t('people')}
            rows={[...items].sort((a, b) => b.jobs - a.jobs || b.offers - a.offers)}
            id={(row) => row.id}
            columns={[
              {
                key: 'name',
                head: t('name'),
                cell: (row) => (
                  <>
                    <strong>{row.name}</strong> <span class="muted small">{row.org.name}</span>
                  </>
                ),
              },
              { key: 'offers', head: t('offers'), cell: (row) => number(row.offers), align: 'right' },
              { key: 'accepted', head: t('accepted'), cell: (row) => number(row.accepted), align: 'right' },
              { key: 'declined', head: t('declined'), cell: (row) => number(row.declined), align: 'right' },
              { key: 'expired', head: t('expired'), cell: (row) => number(row.expired), align: 'right' },
              {
                key: 'unreached',
                head: <span title={t('unreachedTitle')}>{t('unreached')}</span>,
                cell: (row) => number(row.unreached),
                align: 'right',
              },
              { key: 'answer', head: t('answerP50'), cell: (row) => duration(row.answer_p50_s), align: 'right' },
              {
                key: 'jobs',
                head: t('completed'),
                cell: (row) => `${number(row.completed)} / ${number(row.jobs)}`,
                align: 'right',
              },
              { key: 'contact', head: t('contactPct'), cell: (row) => <Kept of={row.contact_kept_pct} />, align: 'right' },
              { key: 'arrival', head: t('arrivalPct'), cell: (row) => <Kept of={row.arrival_kept_pct} />, align: 'right' },
              { key: 'returned', head: t('returnedPct'), cell: (row) => percent(row.photos_returned_pct), align: 'right' },
              {
                key: 'rating',
                head: t('rating'),
                cell: (row) =>
                  row.rating_avg === null ? (
                    '—'
                  ) : (
                    <span class="nowrap">
                      <Icon name="star" size={13} /> {row.rating_avg.toFixed(1)}{' '}
                      <span class="muted small">({number(row.ratings)})</span>
                    </span>
                  ),
                align: 'right',
              },
            ]}
          />
        )
      }
    </Loaded>
  );
}
