/** The server's time on this screen: deadlines are the server's, so a wrong clock on this machine must not move them. */
import { signal } from '@preact/signals';

let offsetMs = 0;

/** Learns the difference to the server. `sentMs` is when the request left, so that half the journey can be taken off. */
export function learnServerTime(serverTime: string, sentMs?: number): void {
  const at = Date.parse(serverTime);
  if (Number.isNaN(at)) return;
  const journey = sentMs === undefined ? 0 : (Date.now() - sentMs) / 2;
  offsetMs = at + journey - Date.now();
  tick();
}

/** Milliseconds since the epoch by the server's clock. */
export const serverNow = (): number => Date.now() + offsetMs;

/** Changes once a second; read `.value` in a component to be drawn again each second. */
export const now = signal(serverNow());

function tick(): void {
  now.value = serverNow();
}

setInterval(tick, 1000);
document.addEventListener('visibilitychange', tick);

/** Seconds until an instant by the ticking clock; negative when past. */
export const secondsUntil = (instant: string): number => (Date.parse(instant) - now.value) / 1000;
/** Seconds until an instant right now, without following the clock. */
export const secondsLeft = (instant: string): number => (Date.parse(instant) - serverNow()) / 1000;
