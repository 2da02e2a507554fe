/** Light, dark, or as the machine says. */
import { effect, signal } from '@preact/signals';

/** `night`: dark for the night shift, from seven in the evening to seven in the morning, Asia/Shanghai. */
export type Theme = 'auto' | 'light' | 'dark' | 'night';
export const THEMES: readonly Theme[] = ['auto', 'light', 'dark', 'night'];
const KEPT = 'chakan.theme';

function kept(): Theme {
  try {
    const found = localStorage.getItem(KEPT);
    return THEMES.find((one) => one === found) ?? 'auto';
  } catch {
    return 'auto'; // storage refused: the machine's own choice
  }
}

export const theme = signal<Theme>(kept());
const machine = window.matchMedia('(prefers-color-scheme: dark)');
export const dark = signal(false);

const NIGHT_MS = 19 * 3_600_000;
const MORNING_MS = 7 * 3_600_000;
const SHANGHAI_MS = 8 * 3_600_000;
const isNight = () => {
  const sinceMidnight = (Date.now() + SHANGHAI_MS) % 86_400_000;
  return sinceMidnight >= NIGHT_MS || sinceMidnight < MORNING_MS;
};

const settle = () => {
  dark.value = theme.value === 'dark' || (theme.value === 'auto' && machine.matches) || (theme.value === 'night' && isNight());
  document.documentElement.dataset.theme = dark.value ? 'dark' : 'light';
};
machine.addEventListener('change', settle);
setInterval(() => theme.peek() === 'night' && settle(), 60_000);

effect(() => {
  settle();
  try {
    localStorage.setItem(KEPT, theme.value);
  } catch {
    return; // not remembered, nothing else is lost
  }
});
