/** What works by itself: alive or not, what it did last, what is behind. */
import { api } from '@shared/api';
import { bytes, dayTime, duration } from '@shared/format';
import { useLoad } from '@shared/resource';
import type { Instant } from '@shared/types';
import { Badge, Button, Loaded } from '@shared/ui';
import { t } from './words';

interface SystemNow {
  sweepers: { part: string; beat_at: Instant; late: boolean }[];
  days: {
    first: string | null;
    last: string | null;
    ahead: number;
    missing: string[];
    size_bytes: number;
    keep_days: number;
    done_at: Instant | null;
    made: number | null;
    forgotten: number | null;
  };
  outbox_age_s: number;
  parked: number;
  redis: 'ok' | 'away';
}
/** What waits longer to be told is behind. */
const LATE_S = 30;

const State = ({ ok, text }: { ok: boolean; text: string }) => (
  <Badge tone={ok ? 'green' : 'red'} icon={ok ? 'check' : 'warning'}>
    {text}
  </Badge>
);

function Days({ of }: { of: SystemNow['days'] }) {
  return (
    <dd class="stack">
      <State
        ok={!of.missing.length}
        text={of.missing.length ? t('daysMissing', { days: of.missing.join(', ') }) : t('daysAhead', { n: of.ahead })}
      />
      <span>{t('daysSpan', { first: of.first ?? '—', last: of.last ?? '—', size: bytes(of.size_bytes) })}</span>
      <span>
        {of.done_at ? t('daysDone', { t: dayTime(of.done_at), made: of.made ?? 0, gone: of.forgotten ?? 0 }) : t('daysNever')}
      </span>
      <span class="muted small">{t('daysKeep', { n: of.keep_days })}</span>
    </dd>
  );
}

export function System() {
  const now = useLoad<SystemNow>((signal) => api.get('/system', {}, { signal }), []);
  return (
    <section class="panel padded stack">
      <div class="row">
        <p class="muted grow">{t('systemNote')}</p>
        <Button icon="refresh" busy={now.loading} onClick={now.reload}>
          {t('refresh')}
        </Button>
      </div>
      <Loaded of={now}>
        {(of) => (
          <dl class="system">
            <dt>{t('sweeper')}</dt>
            <dd class="stack">
              {of.sweepers.map((one) => (
                <span key={one.part} class="row wrap">
                  <State ok={!one.late} text={one.late ? t('sweeperLate') : t('sweeperOk')} />
                  <span class="muted small">
                    {one.part} · {dayTime(one.beat_at)}
                  </span>
                </span>
              ))}
              {!of.sweepers.length && <State ok={false} text={t('sweeperLate')} />}
            </dd>
            <dt>{t('days')}</dt>
            <Days of={of.days} />
            <dt>{t('outbox')}</dt>
            <dd>
              <State
                ok={of.outbox_age_s <= LATE_S}
                text={of.outbox_age_s ? t('outboxAge', { t: duration(of.outbox_age_s) }) : t('outboxEmpty')}
              />
            </dd>
            <dt>{t('parkedJobs')}</dt>
            <dd>
              <State ok={!of.parked} text={of.parked ? t('parkedSome', { n: of.parked }) : t('parkedNone')} />
            </dd>
            <dt>Redis</dt>
            <dd>
              <State ok={of.redis === 'ok'} text={of.redis === 'ok' ? t('redisOk') : t('redisAway')} />
            </dd>
          </dl>
        )}
      </Loaded>
    </section>
  );
}
