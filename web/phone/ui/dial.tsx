import { countdown } from '@shared/format';

interface Props {
  /** Seconds left; negative when past. */
  left: number;
  /** The whole time, for the ring. */
  of: number;
  label: string;
}

/** A ring that empties, with the time left in it; the colour changes with the number, never alone. */
export function Dial({ left, of, label }: Props) {
  const share = Math.max(0, Math.min(1, left / Math.max(1, of)));
  const tone = left <= 0 ? 'red' : share <= 0.34 ? 'amber' : 'calm';
  const radius = 46;
  const around = 2 * Math.PI * radius;
  return (
    <div class={`dial ${tone}`} role="timer" aria-label={`${label} ${countdown(left)}`}>
      <svg viewBox="0 0 100 100" aria-hidden="true">
        <circle class="dial-back" cx="50" cy="50" r={radius} />
        <circle class="dial-left" cx="50" cy="50" r={radius} stroke-dasharray={`${around * share} ${around}`} transform="rotate(-90 50 50)" />
      </svg>
      <strong class="tabular">{countdown(Math.max(left, -5999))}</strong>
    </div>
  );
}
