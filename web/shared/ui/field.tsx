import type { ComponentChildren, JSX } from 'preact';
import { useId } from 'preact/hooks';

// Preact types an input by its role; spread as a plain object, because the caller's props were checked where they were written.
interface Wrap {
  label: string;
  hint?: ComponentChildren;
  error?: string | null;
  /** Letter that focuses the field together with Alt. */
  access?: string;
  wide?: boolean;
}

function Frame({ label, hint, error, access, wide, id, children }: Wrap & { id: string; children: ComponentChildren }) {
  return (
    <div class={`field ${wide ? 'wide' : ''} ${error ? 'wrong' : ''}`}>
      <label for={id}>
        {label}
        {access && <kbd>Alt+{access}</kbd>}
      </label>
      {children}
      {error ? (
        <p class="field-error" id={`${id}-note`} role="alert">
          {error}
        </p>
      ) : (
        hint && (
          <p class="field-hint" id={`${id}-note`}>
            {hint}
          </p>
        )
      )}
    </div>
  );
}

const described = (id: string, { hint, error }: Wrap) => ({
  'aria-describedby': hint || error ? `${id}-note` : undefined,
  'aria-invalid': error ? ('true' as const) : undefined,
});

export function Field({
  label,
  hint,
  error,
  access,
  wide,
  ...input
}: Wrap & Omit<JSX.IntrinsicElements['input'], 'label' | 'size'>) {
  const made = useId();
  const id = typeof input.id === 'string' ? input.id : made;
  const wrap = { label, hint, error: error ?? null, ...(access ? { access } : {}), ...(wide ? { wide } : {}) };
  return (
    <Frame {...wrap} id={id}>
      <input
        autocomplete="off"
        {...(input as object)}
        id={id}
        {...(access ? { accesskey: access.toLowerCase() } : {})}
        {...described(id, wrap)}
      />
    </Frame>
  );
}

export function TextArea({
  label,
  hint,
  error,
  access,
  wide,
  ...input
}: Wrap & Omit<JSX.IntrinsicElements['textarea'], 'label'>) {
  const made = useId();
  const id = typeof input.id === 'string' ? input.id : made;
  const wrap = { label, hint, error: error ?? null, ...(access ? { access } : {}), ...(wide ? { wide } : {}) };
  return (
    <Frame {...wrap} id={id}>
      <textarea
        rows={2}
        {...(input as object)}
        id={id}
        {...(access ? { accesskey: access.toLowerCase() } : {})}
        {...described(id, wrap)}
      />
    </Frame>
  );
}

export interface Choice {
  value: string;
  label: string;
  disabled?: boolean;
}

export function Select({
  label,
  hint,
  error,
  access,
  wide,
  choices,
  ...input
}: Wrap & { choices: Choice[] } & Omit<JSX.IntrinsicElements['select'], 'label' | 'size'>) {
  const made = useId();
  const id = typeof input.id === 'string' ? input.id : made;
  const wrap = { label, hint, error: error ?? null, ...(access ? { access } : {}), ...(wide ? { wide } : {}) };
  return (
    <Frame {...wrap} id={id}>
      <select {...(input as object)} id={id} {...(access ? { accesskey: access.toLowerCase() } : {})} {...described(id, wrap)}>
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value} disabled={choice.disabled}>
            {choice.label}
          </option>
        ))}
      </select>
    </Frame>
  );
}

export function Check({
  label,
  ...input
}: { label: ComponentChildren } & Omit<JSX.IntrinsicElements['input'], 'label' | 'type'>) {
  return (
    <label class="check">
      <input type="checkbox" {...(input as object)} />
      <span>{label}</span>
    </label>
  );
}

/** One of a few, all visible; arrow keys move. */
export function Choose<V extends string>({
  label,
  value,
  choices,
  onPick,
  name,
}: {
  label: string;
  value: V;
  choices: { value: V; label: string }[];
  onPick: (value: V) => void;
  name?: string;
}) {
  const made = useId();
  return (
    <fieldset class="choose">
      <legend>{label}</legend>
      <div class="choose-row">
        {choices.map((choice) => (
          <label key={choice.value} class={choice.value === value ? 'on' : ''}>
            <input
              type="radio"
              name={name ?? made}
              value={choice.value}
              checked={choice.value === value}
              onChange={() => onPick(choice.value)}
            />
            {choice.label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
