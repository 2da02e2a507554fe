/** Coverage on the map: the switch, what the colours mean, how much is covered, and the one move that helps most. */
import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { api, newKey } from '@shared/api';
import { duration, number, percent } from '@shared/format';
import { may } from '@shared/session';
import { dark } from '@shared/theme';
import type { BestMove, Coverage } from '@shared/types';
import { Button, Field, Icon, Spinner, tell, tellError } from '@shared/ui';
import { t } from '../planning/words';
import { provider } from '../provider';
import { COVER_COLOURS } from './layers/coverage';

const EVERY_MS = 20_000;
export const LIMITS_MIN = [10, 30] as const;

/** Minutes somebody is to be there within; null while the layer is off. */
export const wantedMin = signal<number | null>(null);
export const cover = signal<Coverage | null>(null);

/** Asks again while the layer is on. */
export function useCoverage(): void {
  const minutes = wantedMin.value;
  useEffect(() => {
    if (minutes === null) return void (cover.value = null);
    let gone = false;
    const ask = () => {
      if (document.hidden) return;
      api
        .get<Coverage>('/coverage', { within_min: minutes })
        .then((found) => {
          if (!gone) cover.value = found;
        })
        .catch(tellError);
    };
    ask();
    const timer = window.setInterval(ask, EVERY_MS);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, [minutes]);
}

export function CoverageSwitch() {
  if (!may('dispatcher', 'supervisor', 'admin')) return null;
  const on = wantedMin.value !== null;
  return (
    <Button
      icon="hexagon"
      size="small"
      aria-pressed={on}
      data-testid="coverage-switch"
      onClick={() => void (wantedMin.value = on ? null : 30)}
    >
      {t('coverage')}
    </Button>
  );
}

function Move({ move, provider: by }: { move: BestMove; provider: string }) {
  const [place, setPlace] = useState('');
  const [busy, setBusy] = useState(false);
  const [asked, setAsked] = useState<string | null>(null);
  const [key, setKey] = useState(newKey);
  const here = `${move.surveyor.id}:${move.to.lon},${move.to.lat}`;
  const ask = async () => {
    setBusy(true);
    try {
      await api.post(
        '/moves',
        {
          surveyor_id: move.surveyor.id,
          position: { lon: move.to.lon, lat: move.to.lat },
          place: place.trim(),
          within_min: Math.round(move.within_s / 60),
          drive_s: move.drive_s,
          covered_before: move.covered_before,
          covered_after: move.covered_after,
          provider: by,
        },
        { key },
      );
      setAsked(here);
      tell('ok', t('moveAsked'));
    } catch (error) {
      tellError(error);
    }
    setKey(newKey());
    setBusy(false);
  };
  return (
    <div class="cover-move" data-testid="best-move">
      <h3>
        <Icon name="route" size={15} /> {t('bestMove')}
      </h3>
      <p>{t('moveText', { name: move.surveyor.name, t: duration(move.drive_s) })}</p>
      <p class="cover-gain tabular">
        {move.sooner_s > 0
          ? t('moveSooner', { s: Math.round(move.sooner_s) })
          : t('moveGain', { a: percent(move.covered_before * 100), b: percent(move.covered_after * 100) })}
      </p>
      {may('dispatcher', 'supervisor') &&
        (asked === here ? (
          <p class="muted small">{t('moveAsked')}</p>
        ) : (
          <>
            <Field
              label={t('movePlace')}
              placeholder={t('movePlaceHint')}
              maxLength={120}
              value={place}
              onInput={(event) => setPlace(event.currentTarget.value)}
            />
            <Button kind="primary" size="small" icon="send" busy={busy} onClick={() => void ask()}>
              {t('askMove')}
            </Button>
          </>
        ))}
    </div>
  );
}

/** What the layer says, in words. */
export function CoveragePanel() {
  const minutes = wantedMin.value;
  if (minutes === null) return null;
  const found = cover.value?.within_s === minutes * 60 ? cover.value : null;
  const colours = COVER_COLOURS[dark.value ? 'dark' : 'light'];
  const meanings = [t('coverIn', { n: minutes }), t('coverLate', { n: minutes }), t('coverNobody')];
  return (
    <section class="cover-panel" aria-label={t('coverage')} data-testid="coverage-panel">
      <header class="row">
        <div class="segments" role="radiogroup" aria-label={t('coverage')}>
          {LIMITS_MIN.map((n) => (
            <button
              key={n}
              type="button"
              role="radio"
              aria-checked={n === minutes}
              class={n === minutes ? 'on' : ''}
              onClick={() => void (wantedMin.value = n)}
            >
              {t('within', { n })}
            </button>
          ))}
        </div>
        <span class="grow" />
        <Button kind="quiet" size="small" icon="x" aria-label={t('coverageOff')} onClick={() => void (wantedMin.value = null)} />
      </header>
      {!found ? (
        <Spinner />
      ) : !found.cells.length ? (
        <p class="muted">{t('coverEmpty')}</p>
      ) : (
        <>
          <strong class="cover-share tabular">
            {t('covered', { p: percent((found.shares[found.within_s] ?? share(found)) * 100) })}
          </strong>
          <ul>
            {meanings.map((meaning, n) => (
              <li key={meaning}>
                <svg width="18" height="18" viewBox="-10 -10 20 20" aria-hidden="true">
                  <path
                    d="M0-9 7.800-4.500v9L0 9-7.800 4.500v-9z"
                    fill={colours[n]}
                    fill-opacity="0.6"
                    stroke={n === 2 ? colours[n] : 'none'}
                    stroke-width="2"
                  />
                </svg>
                {meaning}
              </li>
            ))}
          </ul>
          <p class="muted small">{t('coverDeep')}</p>
          <p class="muted small">
            {t('coverWhat', { weeks: found.weeks, n: number(found.reports), d: found.demand_per_h.toFixed(1) })}
            <br />
            {t('coverProvider', { name: provider(found.provider) })}
          </p>
          {found.move ? <Move move={found.move} provider={found.provider} /> : <p class="muted small">{t('moveNone')}</p>}
        </>
      )}
    </section>
  );
}

/** The covered part of the demand, from the cells themselves. */
function share(found: Coverage): number {
  const all = found.cells.reduce((sum, cell) => sum + cell[2], 0);
  const near = found.cells.reduce((sum, cell) => sum + (cell[3] !== null && cell[3] <= found.within_s ? cell[2] : 0), 0);
  return all > 0 ? near / all : 1;
}
