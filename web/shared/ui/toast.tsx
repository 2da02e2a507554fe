import { signal } from '@preact/signals';
import type { ApiError } from '../api';
import { asApiError } from '../resource';
import { common, explain } from '../words';
import { Button } from './button';
import { Icon } from './icon';

interface Told {
  id: number;
  kind: 'ok' | 'info' | 'error' | 'warning';
  text: string;
  action?: { label: string; run: () => void };
}

const told = signal<Told[]>([]);
let last = 0;

export interface TellOptions {
  action?: { label: string; run: () => void };
  seconds?: number;
}

/** Says something in the corner for a few seconds; errors stay longer. */
export function tell(kind: Told['kind'], text: string, options: TellOptions = {}): void {
  last += 1;
  const id = last;
  told.value = [
    ...told.value.filter((one) => one.text !== text).slice(-3),
    { id, kind, text, ...(options.action ? { action: options.action } : {}) },
  ];
  setTimeout(() => hush(id), (options.seconds ?? (kind === 'error' ? 10 : 5)) * 1000);
}

const hush = (id: number) => void (told.value = told.value.filter((one) => one.id !== id));

/** Shows what went wrong; use it as the catch of every button. */
export function tellError(error: unknown, retry?: () => void): ApiError {
  const known = asApiError(error);
  tell('error', explain(known), retry ? { action: { label: common('retry'), run: retry } } : {});
  return known;
}

const ICON = { ok: 'ok', info: 'info', error: 'error', warning: 'warning' } as const;

/** Put once at the end of every page. */
export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {told.value.map((one) => (
        <div key={one.id} class={`toast ${one.kind}`}>
          <Icon name={ICON[one.kind]} />
          <span>{one.text}</span>
          {one.action && (
            <Button
              kind="quiet"
              size="small"
              onClick={() => {
                one.action?.run();
                hush(one.id);
              }}
            >
              {one.action.label}
            </Button>
          )}
          <Button kind="quiet" size="small" icon="x" aria-label={common('close')} onClick={() => hush(one.id)} />
        </div>
      ))}
    </div>
  );
}
