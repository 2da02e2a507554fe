import type { ComponentChildren } from 'preact';

export interface Tab<K extends string> {
  key: K;
  label: ComponentChildren;
}

/** A row of tabs; arrow keys move between them. */
export function Tabs<K extends string>({
  tabs,
  active,
  onPick,
  label,
}: {
  tabs: Tab<K>[];
  active: K;
  onPick: (key: K) => void;
  label: string;
}) {
  const step = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (!by) return;
    const at = tabs.findIndex((tab) => tab.key === active);
    const next = tabs[(at + by + tabs.length) % tabs.length];
    if (!next) return;
    event.preventDefault();
    onPick(next.key);
    (event.currentTarget as HTMLElement).querySelector<HTMLElement>(`[data-tab="${next.key}"]`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={label} onKeyDown={step}>
      {tabs.map((tab) => (
        <button
          key={tab.key}
          type="button"
          role="tab"
          data-tab={tab.key}
          aria-selected={tab.key === active}
          tabIndex={tab.key === active ? 0 : -1}
          onClick={() => onPick(tab.key)}
        >
          {tab.label}
        </button>
      ))}
    </div>
  );
}
