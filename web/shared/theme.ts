/** Light, dark, or as the machine says. */
import { effect, signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';
const KEPT = 'chakan.theme';

function kept(): Theme {
  try {
    const found = localStorage.getItem(KEPT);
    return found === 'light' || found === 'dark' ? found : 'auto';
  } catch {
    return 'auto'; // storage refused: the machine's own choice
  }
}

export const theme = signal<Theme>(kept());
const machine = window.matchMedia('(prefers-color-scheme: dark)');
export const dark = signal(false);

const settle = () => {
  dark.value = theme.value === 'dark' || (theme.value === 'auto' && machine.matches);
  document.documentElement.dataset.theme = dark.value ? 'dark' : 'light';
};
machine.addEventListener('change', settle);

effect(() => {
  settle();
  try {
    localStorage.setItem(KEPT, theme.value);
  } catch {
    return; // not remembered, nothing else is lost
  }
});
