/** The queue: the clock that ends first comes first. */
import { dayTime, money } from '@shared/format';
import { me } from '@shared/session';
import type { ReviewRow } from '@shared/types';
import { Badge, Button, ClockBadge, EmptyState, Failed, Icon, leadingClock, Skeleton, Tabs, TaskBadge } from '@shared/ui';
import { line } from '@shared/words';
import { claimId, filter, type Filter, loadQueue, open, queue, queueError, shown, takeNext, within } from './store';
import { t } from './words';

function Row({ of }: { of: ReviewRow }) {
  const clock = leadingClock(of.clocks);
  const own = of.reviewer?.id === me.value?.person.id;
  return (
    <li>
      <button type="button" class={`r-row ${of.claim_id === claimId.value ? 'on' : ''}`} aria-current={of.claim_id === claimId.value} onClick={() => open(of.claim_id)}>
        <span class="row"><b class="mono">{of.report_no}</b><span class="grow" />{clock && <ClockBadge clock={clock} short />}</span>
        <span class="clip">{of.place ?? '—'}</span>
        <span class="row wrap small muted">
          <TaskBadge state={of.task.state} />
          <span class="row r-count"><Icon name="images" size={13} />{of.photos.approved}/{of.photos.total}</span>
          {of.photos.sent_back > 0 && <Badge tone="red" icon="undo">{of.photos.sent_back}</Badge>}
          <span class="grow" />
          {of.reviewer ? <Badge tone={own ? 'teal' : 'grey'} icon="user">{of.reviewer.name}</Badge> : <span>{t('free')}</span>}
        </span>
        <span class="row small muted"><span>{line(of.line)} · {of.surveyor?.name ?? '—'}</span><span class="grow" />{of.total_fen !== null && <span class="tabular">{money(of.total_fen)}</span>}{of.submitted_at && <span>{dayTime(of.submitted_at)}</span>}</span>
      </button>
    </li>
  );
}

export function Queue() {
  const rows = shown.value;
  const count = (key: Filter) => within(key).length;
  return (
    <nav class="r-queue" aria-label={t('queue')}>
      <div class="r-queue-head">
        <Tabs<Filter>
          label={t('queue')} active={filter.value} onPick={(key) => void (filter.value = key)}
          tabs={(['all', 'mine', 'returned'] as const).map((key) => ({ key, label: <>{t(key)}<b class="count">{count(key)}</b></> }))}
        />
        <Button size="small" icon="hand" {...(claimId.value ? {} : { hotkey: 'Enter' })} onClick={() => void takeNext()}>{t('takeNext')}</Button>
      </div>
      {queue.value === null ? (queueError.value ? <Failed error={queueError.value} onRetry={() => void loadQueue()} /> : <Skeleton rows={8} />)
        : rows.length === 0 ? <EmptyState icon="inbox" title={filter.value === 'mine' ? t('noneMine') : t('none')}>{filter.value !== 'mine' && t('noneNote')}</EmptyState>
        : <ul class="r-rows">{rows.map((one) => <Row key={one.task.id} of={one} />)}</ul>}
    </nav>
  );
}
