/** The wall: the map and what is urgent, for a screen across the room. Nothing on it names a customer or a plate. */
import { lazy, Suspense } from 'preact/compat';
import { useEffect } from 'preact/hooks';
import { now } from '@shared/clock';
import { clockTimeS } from '@shared/format';
import { useLoad } from '@shared/resource';
import { Button, ClockBadge, Icon, type IconName, leadingClock, Loaded, Spinner, TaskBadge } from '@shared/ui';
import { mapInfo } from '../mapinfo';
import { byUrgency, onDuty, overdue, stale, tasks, unassigned } from '../store';
import { t } from '../words';
import { heldBack } from './alarms';
import { maskedName, maskedPlate, toWall, view } from './view';

const LiveMap = lazy(() => import('./map'));
/** More than any wall is high: what does not fit whole is not shown (wall.css). */
const SHOWN = 40;

function Count({ icon, label, value, hot }: { icon: IconName; label: string; value: number; hot?: boolean }) {
  return (
    <div class={`wall-count ${hot && value ? 'hot' : ''}`}>
      <Icon name={icon} size={22} />
      <strong class="tabular">{value}</strong>
      <span>{label}</span>
    </div>
  );
}

function Urgent() {
  const shown = [...tasks.value.values()]
    .filter((card) => card.state !== 'submitted')
    .sort(byUrgency)
    .slice(0, SHOWN);
  return (
    <ol class="wall-jobs">
      {shown.map((card) => {
        const clock = leadingClock(card.clocks);
        const who = card.surveyor ?? card.offer?.surveyor;
        return (
          <li key={card.id}>
            <TaskBadge state={card.state} />
            <span class="clip grow">
              <span class="mono">…{card.report_no.slice(-5)}</span>{' '}
              {[card.area, maskedPlate(card.plate)].filter(Boolean).join(' · ')}
            </span>
            <span>{who ? maskedName(who.name) : ''}</span>
            {clock && <ClockBadge clock={clock} />}
          </li>
        );
      })}
    </ol>
  );
}

export function Wall() {
  const info = useLoad(mapInfo, []);
  useEffect(() => {
    const left = () => !document.fullscreenElement && toWall(false);
    document.addEventListener('fullscreenchange', left);
    return () => document.removeEventListener('fullscreenchange', left);
  }, []);
  return (
    <main class="wall" id="wall" tabIndex={-1} aria-label={t('wall')}>
      {view.value.sound && heldBack.value && (
        <p class="wall-held warn" role="status">
          <Icon name="bell-off" size={18} /> {t('heldBack')}
        </p>
      )}
      <div class="live-centre">
        <Loaded of={info}>
          {(facts) => (
            <Suspense fallback={<Spinner />}>
              <LiveMap info={facts} wall />
            </Suspense>
          )}
        </Loaded>
      </div>
      <aside class="wall-side" aria-label={t('board')}>
        <div class="row">
          <time class="wall-clock tabular">{clockTimeS(now.value)}</time>
          <span class="grow" />
          <Button
            kind="quiet"
            icon="minimize"
            aria-label={t('wallLeave')}
            title={`${t('wallLeave')} (Esc)`}
            onClick={() => toWall(false)}
          />
        </div>
        {stale.value && (
          <p class="wall-stale" role="alert">
            <Icon name="wifi-off" size={18} /> {t('liveOff')}
          </p>
        )}
        <div class="wall-counts">
          <Count icon="clipboard" label={t('jobs')} value={tasks.value.size} />
          <Count icon="user-x" label={t('group_unassigned')} value={unassigned.value.length} hot />
          <Count icon="warning" label={t('wallLate')} value={overdue.value.length} hot />
          <Count icon="users" label={t('wallOnDuty')} value={onDuty.value} />
        </div>
        <Urgent />
        <p class="muted small">{t('wallMasked')}</p>
      </aside>
    </main>
  );
}
