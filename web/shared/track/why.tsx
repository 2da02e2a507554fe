/** "Why is this surveyor grey?" in one look: the cause, what to do, and the figures it rests on. */
import { diagnosis } from '../diagnosis';
import { clockTime, dayTime, duration, number } from '../format';
import { labels, words } from '../i18n';
import { fixReason } from '../reasons';
import type { TrackedDevice, PhoneTracking } from '../types';
import { Badge, Icon } from '../ui';
import './why.css';

const t = words(
  {
    last: '最后位置',
    app: '应用',
    battery: '电量',
    accuracy: '误差',
    delays: '位置晚到',
    gaps: '今日中断',
    refused: '拒收（每日 8:00 起计）',
    held: '只记轨迹（每日 8:00 起计）',
    clock: '手机时钟',
    right: '准确',
    ahead: '快 {t}',
    behind: '慢 {t}',
    none: '无',
    p: '中位 {a} · 95% 在 {b} 内',
    to: '{n} 内',
    more: '更晚',
    alsoSeen: '还发现',
    never: '从未',
    revoked: '已取消',
    fixes: '今日 {n} 个位置',
    source: '来源',
    phones: '设备',
  },
  {
    last: 'Last fix',
    app: 'App',
    battery: 'Battery',
    accuracy: 'Off by',
    delays: 'Positions arrive',
    gaps: 'Silences today',
    refused: 'Refused, by UTC day',
    held: 'Track only, by UTC day',
    clock: 'Phone’s clock',
    right: 'right',
    ahead: '{t} ahead',
    behind: '{t} behind',
    none: 'none',
    p: 'half within {a} · 95 % within {b}',
    to: '≤ {n}',
    more: 'later',
    alsoSeen: 'Also',
    never: 'never',
    revoked: 'revoked',
    fixes: '{n} {n|position|positions} today',
    source: 'From',
    phones: 'Phones',
  },
);

const source = labels(
  { phone: '查勘端网页', owntracks: 'OwnTracks', traccar: 'Traccar', overland: 'Overland', gpx: 'GPX' },
  { phone: 'phone page', owntracks: 'OwnTracks', traccar: 'Traccar', overland: 'Overland', gpx: 'GPX' },
);

const GOOD = new Set(['fine', 'off_shift', 'just_started']);

/** Six bars: how many positions arrived within 5 s, 15 s, a minute, 5, 30 minutes, later. */
function Delays({ of }: { of: PhoneTracking['delays'] }) {
  const most = Math.max(1, ...of.counts);
  const name = (n: number) => (n < of.edges_s.length ? t('to', { n: duration(of.edges_s[n] ?? 0) }) : t('more'));
  return (
    <figure class="delays">
      <svg
        viewBox="0 0 180 62"
        role="img"
        aria-label={`${t('delays')}: ${of.counts.map((count, n) => `${name(n)} ${count}`).join(', ')}`}
      >
        {of.counts.map((count, n) => (
          <g key={n} class={n < 3 ? 'soon' : n < 4 ? 'slow' : 'late'}>
            <rect x={n * 30 + 4} y={44 - (40 * count) / most} width="22" height={Math.max(1, (40 * count) / most)} rx="2">
              <title>{`${name(n)}: ${count}`}</title>
            </rect>
            <text x={n * 30 + 15} y="57">
              {n < of.edges_s.length ? short(of.edges_s[n] ?? 0) : '…'}
            </text>
          </g>
        ))}
      </svg>
      {of.p50_s !== null && (
        <figcaption class="muted small">{t('p', { a: duration(of.p50_s), b: duration(of.p95_s) })}</figcaption>
      )}
    </figure>
  );
}
const short = (s: number): string => (s < 60 ? `${s}s` : `${Math.round(s / 60)}m`);

function ByDay({ of }: { of: TrackedDevice['refused'] }) {
  const days = Object.entries(of).sort(([a], [b]) => b.localeCompare(a));
  if (!days.length) return <>{t('none')}</>;
  return (
    <>
      {days.slice(0, 4).map(([date, reasons]) => (
        <div key={date} class="small">
          <span class="muted tabular">{date.slice(5)}</span>{' '}
          {Object.entries(reasons)
            .map(([why, n]) => `${fixReason(why)} ${number(n)}`)
            .join(' · ')}
        </div>
      ))}
    </>
  );
}

function Phone({ of }: { of: TrackedDevice }) {
  const off = of.clock.offset_s;
  return (
    <li>
      <p class="row wrap">
        <Icon name="smartphone" size={15} />
        <strong>{of.label || of.id.slice(-6)}</strong>
        <span class="muted small">{of.app ?? '—'}</span>
        {of.revoked_at && (
          <Badge tone="red" icon="ban">
            {t('revoked')} {dayTime(of.revoked_at)}
          </Badge>
        )}
      </p>
      <dl class="why-facts">
        <dt>{t('clock')}</dt>
        <dd>
          {off ? (
            <Badge tone="amber" icon="clock">
              {t(off > 0 ? 'ahead' : 'behind', { t: duration(Math.abs(off)) })}
            </Badge>
          ) : (
            t('right')
          )}
        </dd>
        <dt>{t('refused')}</dt>
        <dd>
          <ByDay of={of.refused} />
        </dd>
        <dt>{t('held')}</dt>
        <dd>
          <ByDay of={of.held} />
        </dd>
      </dl>
    </li>
  );
}

export function Why({ of }: { of: PhoneTracking }) {
  const [first, ...more] = of.causes;
  if (!first) return null;
  const said = diagnosis(first);
  const good = GOOD.has(first.cause);
  return (
    <section class="why" data-testid="why">
      <div class={`why-cause ${good ? 'good' : 'bad'}`} role="status">
        <Icon name={first.cause === 'fine' ? 'check' : good ? 'info' : 'warning'} size={20} />
        <div>
          <strong>{said.title}</strong>
          {said.grounds && <p>{said.grounds}</p>}
          <p class="muted">{said.remedy}</p>
        </div>
      </div>
      {more.map((one) => {
        const also = diagnosis(one);
        return (
          <p key={one.cause} class="why-more">
            <Badge tone="amber">{t('alsoSeen')}</Badge> <strong>{also.title}</strong> {also.grounds}
            <br />
            <span class="muted small">{also.remedy}</span>
          </p>
        );
      })}
      {of.on_duty && (
        <dl class="why-facts">
          <dt>{t('last')}</dt>
          <dd>
            {of.last ? (
              <>
                {clockTime(of.last.at)} · {duration(of.last.age_s)} · {source(of.last.source)}
                {of.last.accuracy_m !== null && ` · ±${Math.round(of.last.accuracy_m)} m`}
              </>
            ) : (
              t('never')
            )}
          </dd>
          <dt>{t('battery')}</dt>
          <dd>{of.last?.battery != null ? `${of.last.battery}%` : '—'}</dd>
          <dt>{t('gaps')}</dt>
          <dd>
            {of.gaps.length
              ? of.gaps.slice(-4).map((gap) => (
                  <div key={gap.from} class="small tabular">
                    {clockTime(gap.from)}–{clockTime(gap.to)} · {duration((Date.parse(gap.to) - Date.parse(gap.from)) / 1000)}
                  </div>
                ))
              : t('none')}
          </dd>
          <dt>{t('delays')}</dt>
          <dd>{of.fixes ? <Delays of={of.delays} /> : t('none')}</dd>
        </dl>
      )}
      {of.devices.length > 0 && (
        <ul class="why-phones">
          {of.devices.slice(0, 4).map((one) => (
            <Phone key={one.id} of={one} />
          ))}
        </ul>
      )}
    </section>
  );
}
