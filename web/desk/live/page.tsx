/** The dispatcher's page: list, map, and a drawer for what is chosen. */
import { lazy, Suspense } from 'preact/compat';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useLoad } from '@shared/resource';
import { Banner, Button, Check, Icon, Loaded, Spinner, Tabs } from '@shared/ui';
import { ClaimView } from '../claim/view';
import { mapInfo } from '../mapinfo';
import { go, openClaim, openSurveyor } from '../route';
import { onDuty, overdue, ready, surveyors, tasks, unassigned } from '../store';
import { t } from '../words';
import { Alarms, open as openAlarms } from './alarms';
import { Jobs, jobsInOrder } from './jobs';
import { People, Person } from './people';
import { DropTray } from './tray';
import { change, cursor, tab, text, toWall, view } from './view';

const LiveMap = lazy(() => import('./map'));

function LayoutSwitch() {
  const columns = view.value.layout === 'columns';
  return (
    <Button
      size="small"
      kind="quiet"
      icon={columns ? 'map' : 'columns'}
      aria-label={columns ? t('map') : t('board')}
      title={`${columns ? t('map') : t('board')} (M)`}
      onClick={() => change({ layout: columns ? 'map' : 'columns' })}
    />
  );
}

function Filters() {
  const areas = [
    ...new Set([...tasks.value.values()].map((card) => card.area).filter((one): one is string => Boolean(one))),
  ].sort((a, b) => a.localeCompare(b, 'zh'));
  const { area, riskOnly, showOff } = view.value;
  return (
    <div class="filters">
      <label class="search">
        <Icon name="search" size={16} />
        <input
          class="input"
          id="search"
          type="search"
          placeholder={t('search')}
          aria-label={t('search')}
          value={text.value}
          onInput={(event) => void (text.value = event.currentTarget.value)}
        />
        <kbd>/</kbd>
      </label>
      <div class="row">
        {tab.value === 'people' ? (
          <Check label={t('showOff')} checked={showOff} onChange={(event) => change({ showOff: event.currentTarget.checked })} />
        ) : (
          <>
            <select
              class="input grow"
              aria-label={t('filterArea')}
              value={area}
              onChange={(event) => change({ area: event.currentTarget.value })}
            >
              <option value="">{t('allAreas')}</option>
              {[...new Set([...areas, ...(area ? [area] : [])])].map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
            <Check
              label={t('riskOnly')}
              checked={riskOnly}
              onChange={(event) => change({ riskOnly: event.currentTarget.checked })}
            />
            <LayoutSwitch />
          </>
        )}
      </div>
    </div>
  );
}

function Side() {
  const waiting = unassigned.value.length;
  const late = overdue.value.length;
  const first = unassigned.value[0];
  return (
    <aside class="side" aria-label={t('board')}>
      {waiting > 0 && (
        <Banner kind="error">
          <button type="button" class="plain-link" onClick={() => first && go('live', 'claim', first.claim_id)}>
            {t('unassignedNow', { n: waiting })}
          </button>
        </Banner>
      )}
      {waiting === 0 && late > 0 && <Banner kind="warning">{t('overdueNow', { n: late })}</Banner>}
      <Tabs
        label={t('board')}
        active={tab.value}
        onPick={(key) => void (tab.value = key)}
        tabs={[
          {
            key: 'jobs',
            label: (
              <>
                {t('jobs')} <span class="count">{tasks.value.size}</span>
              </>
            ),
          },
          {
            key: 'people',
            label: (
              <>
                {t('people')} <span class="count">{onDuty}</span>
              </>
            ),
          },
          {
            key: 'alarms',
            label: (
              <>
                {t('alarms')} {openAlarms.value > 0 && <span class="count hot">{openAlarms.value}</span>}
              </>
            ),
          },
        ]}
      />
      {tab.value !== 'alarms' && <Filters />}
      <div class="side-list">
        {!ready.value ? <Spinner /> : tab.value === 'jobs' ? <Jobs /> : tab.value === 'people' ? <People /> : <Alarms />}
      </div>
    </aside>
  );
}

function Drawer() {
  const claim = openClaim.value;
  const person = openSurveyor.value ? surveyors.value.get(openSurveyor.value) : undefined;
  const box = useRef<HTMLElement>(null);
  // A claim without a job on this board (settled, or surveyed by another branch) names itself when it is loaded.
  const [loaded, setLoaded] = useState<{ id: string; report_no: string } | null>(null);
  useEffect(() => {
    if (claim || person) box.current?.focus({ preventScroll: true });
  }, [claim, person?.id]);
  if (!claim && !person) return null;
  const title = claim
    ? ([...tasks.value.values()].find((card) => card.claim_id === claim)?.report_no ??
      (loaded?.id === claim ? loaded.report_no : ''))
    : (person?.name ?? '');
  return (
    <aside class="drawer" ref={box} tabIndex={-1} aria-label={title}>
      <header class="drawer-head">
        <h2 class={claim ? 'mono' : ''}>{title}</h2>
        <Button kind="quiet" icon="x" aria-label={t('keyClose')} onClick={() => go('live')} />
      </header>
      {claim ? <ClaimView key={claim} id={claim} onLoad={setLoaded} /> : person && <Person key={person.id} card={person} />}
    </aside>
  );
}

/** j and k walk along the board, Enter opens, A assigns; returns true when the key was ours. */
export function liveKeys(event: KeyboardEvent): boolean {
  const list = jobsInOrder();
  const at = list.findIndex((card) => card.id === cursor.peek());
  const step = event.key === 'j' ? 1 : event.key === 'k' ? -1 : 0;
  if (step) {
    const next = list[Math.min(list.length - 1, Math.max(0, at + step))];
    if (!next) return false;
    tab.value = 'jobs';
    cursor.value = next.id;
    requestAnimationFrame(() => document.getElementById(`job-${next.id}`)?.focus());
    return true;
  }
  if (event.key === 'a') {
    document.querySelector<HTMLElement>('[data-action="assign"]')?.click();
    return true;
  }
  if (event.key === 'w') {
    toWall(true);
    return true;
  }
  if (event.key === 'm') {
    change({ layout: view.peek().layout === 'map' ? 'columns' : 'map' });
    return true;
  }
  return false;
}

export function Live() {
  const info = useLoad(mapInfo, []);
  const columns = view.value.layout === 'columns';
  return (
    <div class={`live ${columns ? 'as-columns' : ''}`}>
      {columns ? (
        <div class="columns-page">
          <div class="columns-tools">
            <Filters />
          </div>
          {ready.value ? <Jobs columns /> : <Spinner />}
        </div>
      ) : (
        <>
          <Side />
          <div class="live-centre">
            <Loaded of={info}>
              {(facts) => (
                <Suspense fallback={<Spinner />}>
                  <LiveMap info={facts} />
                </Suspense>
              )}
            </Loaded>
          </div>
        </>
      )}
      <DropTray />
      <Drawer />
    </div>
  );
}
