import type { ComponentChildren } from 'preact';
import { now } from '@shared/clock';
import { clockTime } from '@shared/format';
import { Button, Icon } from '@shared/ui';
import { common } from '@shared/words';
import { connected } from '../bell';
import { writing } from '../queue';
import { back, go } from '../route';
import { offline, syncedAt, waiting } from '../sync';
import { underWay } from '../uploads';
import { t } from '../words';

/** Always on the screen: is everything with the server, and since when. */
export function SyncChip() {
  const n = waiting.value;
  const away = offline.value;
  const look = away ? ['red', 'wifi-off', n ? t('offlineCount', { n }) : t('offlineChip')] as const : n ? ['amber', 'cloud-up', t('waitingCount', { n })] as const : ['green', 'cloud-ok', syncedAt.value ? clockTime(syncedAt.value) : t('synced')] as const;
  const busy = !away && underWay.value !== null;
  return (
    <button type="button" class={`chip ${look[0]}`} data-testid="sync" data-waiting={n} data-offline={away} data-bell={connected.value} data-writing={writing.value} aria-label={`${t('syncTitle')}: ${look[2]}`} onClick={() => go({ page: 'sync' })}>
      <Icon name={look[1]} size={17} {...(busy ? { class: 'pulse' } : {})} /><span class="tabular">{look[2]}</span>
    </button>
  );
}

export function TopBar({ title, home, children }: { title: ComponentChildren; home?: boolean; children?: ComponentChildren }) {
  return (
    <header class="topbar">
      {home
        ? <Button kind="quiet" icon="menu" aria-label={t('menuTitle')} onClick={() => go({ page: 'menu' })} />
        : <Button kind="quiet" icon="arrow-left" aria-label={common('back')} onClick={() => back()} />}
      <h1 class="clip">{title}</h1>
      {children}
      <SyncChip />
    </header>
  );
}

/** The bottom of the screen: one thing to do, where the thumb is. */
export function ActionBar({ children, above }: { children: ComponentChildren; above?: ComponentChildren }) {
  return <footer class="actionbar">{above}<div class="actionbar-row">{children}</div></footer>;
}

/** How long ago something was, counting along. */
export const ageS = (atMs: number): number => Math.max(0, Math.round((now.value > 0 ? Date.now() - atMs : 0) / 1000));
