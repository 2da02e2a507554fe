import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { common } from '../words';
import { Button } from './button';

interface Props {
  title: string;
  /** Without it the dialog cannot be closed, only answered. */
  onClose?: () => void;
  class?: string;
  children: ComponentChildren;
  /** Buttons at the bottom. */
  actions?: ComponentChildren;
  wide?: boolean;
}

/** A modal: focus goes in and comes back, Escape and the backdrop close it. */
export function Dialog({ title, onClose, children, actions, wide, class: extra }: Props) {
  const box = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  // At once, not after the next paint: the first letter of somebody who types on would go nowhere.
  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    box.current?.showModal();
    return () => before?.focus?.();
  }, []);
  return (
    <dialog
      ref={box}
      class={`dialog ${wide ? 'wide' : ''} ${extra ?? ''}`}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      onMouseDown={(event) => event.target === box.current && onClose?.()}
    >
      <div class="dialog-box">
        <header>
          <h2 id={titleId}>{title}</h2>
          {onClose && <Button kind="quiet" icon="x" aria-label={common('close')} onClick={onClose} />}
        </header>
        <div class="dialog-body">{children}</div>
        {actions && <footer>{actions}</footer>}
      </div>
    </dialog>
  );
}
