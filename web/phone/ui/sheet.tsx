import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { Button } from '@shared/ui';
import { common } from '@shared/words';

interface Props { title: string; onClose: () => void; children: ComponentChildren }

/** A sheet from the bottom, where the thumb is: the back gesture, Escape and a tap outside close it. */
export function Sheet({ title, onClose, children }: Props) {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    box.current?.showModal();
    return () => before?.focus?.();
  }, []);
  return (
    <dialog
      ref={box} class="sheet" aria-labelledby={id} onCancel={(event) => { event.preventDefault(); onClose(); }}
      onClick={(event) => event.target === box.current && onClose()}
    >
      <div class="sheet-box">
        <header><h2 id={id}>{title}</h2><Button kind="quiet" icon="x" aria-label={common('close')} onClick={onClose} /></header>
        <div class="sheet-body">{children}</div>
      </div>
    </dialog>
  );
}

interface ReasonProps {
  title: string;
  note?: string;
  reasons: { value: string; label: string }[];
  danger?: boolean;
  onPick: (value: string) => void;
  onClose: () => void;
}

/** One tap on a reason is the whole answer. */
export function ReasonSheet({ title, note, reasons, onPick, onClose }: ReasonProps) {
  return (
    <Sheet title={title} onClose={onClose}>
      {note && <p class="muted">{note}</p>}
      <div class="sheet-list">
        {reasons.map((reason) => <Button key={reason.value} class="sheet-item" onClick={() => onPick(reason.value)}>{reason.label}</Button>)}
      </div>
    </Sheet>
  );
}
