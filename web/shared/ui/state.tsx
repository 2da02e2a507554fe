/** Loading, empty, failed: the three faces of a thing that is not there. */
import type { ComponentChildren } from 'preact';
import type { ApiError } from '../api';
import type { Resource } from '../resource';
import { common, explain } from '../words';
import { Button } from './button';
import { Icon, type IconName } from './icon';

export function Spinner({ label }: { label?: string }) {
  return (
    <div class="spinner" role="status">
      <Icon name="loader" class="spin" size={22} />
      <span>{label ?? common('loading')}</span>
    </div>
  );
}

/** `value` from 0 to 1; without it the bar only says that something is going on. */
export function Progress({ value, label }: { value?: number; label?: string }) {
  return (
    <progress class="progress" max={1} {...(value === undefined ? {} : { value })} aria-label={label ?? common('loading')} />
  );
}

export function Skeleton({ rows = 4 }: { rows?: number }) {
  return (
    <div class="skeleton" role="status" aria-label={common('loading')}>
      {Array.from({ length: rows }, (_, n) => (
        <i key={n} />
      ))}
    </div>
  );
}

export function EmptyState({
  icon = 'inbox',
  title,
  children,
}: {
  icon?: IconName;
  title: string;
  children?: ComponentChildren;
}) {
  return (
    <div class="empty">
      <Icon name={icon} size={30} />
      <strong>{title}</strong>
      {children && <div>{children}</div>}
    </div>
  );
}

export function Failed({ error, onRetry }: { error: ApiError; onRetry?: () => void }) {
  return (
    <div class="empty failed" role="alert">
      <Icon name="error" size={30} />
      <strong>{explain(error)}</strong>
      {onRetry && (
        <Button icon="refresh" onClick={onRetry}>
          {common('retry')}
        </Button>
      )}
    </div>
  );
}

/** Draws a resource: a skeleton first, then the thing; an error keeps old data on the screen when there is some. */
export function Loaded<T>({ of, children, rows }: { of: Resource<T>; children: (data: T) => ComponentChildren; rows?: number }) {
  if (of.data !== null)
    return (
      <>
        {of.error && (
          <Banner kind="error">
            {explain(of.error)}{' '}
            <Button size="small" onClick={of.reload}>
              {common('retry')}
            </Button>
          </Banner>
        )}
        {children(of.data)}
      </>
    );
  if (of.error) return <Failed error={of.error} onRetry={of.reload} />;
  return <Skeleton rows={rows ?? 4} />;
}

const BANNER_ICON = { info: 'info', warning: 'warning', error: 'error', ok: 'ok' } as const;

export function Banner({ kind = 'info', children }: { kind?: keyof typeof BANNER_ICON; children: ComponentChildren }) {
  return (
    <div class={`banner ${kind}`} role={kind === 'error' ? 'alert' : 'status'}>
      <Icon name={BANNER_ICON[kind]} />
      <div>{children}</div>
    </div>
  );
}
