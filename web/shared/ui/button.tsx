import type { ComponentChildren, JSX } from 'preact';
import { Icon, type IconName } from './icon';

interface Props extends Omit<JSX.IntrinsicElements['button'], 'icon' | 'size'> {
  kind?: 'primary' | 'plain' | 'quiet' | 'danger';
  size?: 'small' | 'medium' | 'big';
  icon?: IconName;
  busy?: boolean;
  /** Key shown on the button, such as "N". */
  hotkey?: string;
  children?: ComponentChildren;
}

/** A button that says when it is working, and cannot be pressed twice while it is. */
export function Button({
  kind = 'plain',
  size = 'medium',
  icon,
  busy,
  hotkey,
  children,
  class: extra,
  disabled,
  type,
  ...rest
}: Props) {
  return (
    <button
      type={type ?? 'button'}
      class={`button ${kind} ${size} ${children ? '' : 'icon-only'} ${extra ?? ''}`}
      disabled={Boolean(busy) || Boolean(disabled)}
      aria-busy={busy ? 'true' : undefined}
      {...rest}
    >
      {busy ? (
        <Icon name="loader" class="spin" size={size === 'big' ? 22 : 16} />
      ) : (
        icon && <Icon name={icon} size={size === 'big' ? 22 : 16} />
      )}
      {children && <span>{children}</span>}
      {hotkey && <kbd>{hotkey}</kbd>}
    </button>
  );
}
