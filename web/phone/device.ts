/** What this phone can do, and whether the browser may throw our things away. */
import { signal } from '@preact/signals';

const agent = navigator.userAgent;
/** iPadOS says it is a Mac; a Mac has no touch screen. */
export const isIos = /iP(hone|ad|od)/.test(agent) || (agent.includes('Macintosh') && navigator.maxTouchPoints > 1);
export const isAndroid = agent.includes('Android');

/** A name by which the desk can tell the phones of one person apart. */
export function phoneLabel(): string {
  const model = /Android [\d.]+; ([^;)]+?)(?: Build|\))/.exec(agent)?.[1];
  return (isIos ? 'iPhone' : (model ?? (isAndroid ? 'Android' : navigator.platform || 'Browser'))).slice(0, 60);
}

interface InstallPrompt extends Event { prompt(): Promise<{ outcome: string }> }

const standalone = window.matchMedia('(display-mode: standalone)');
export const installed = signal(standalone.matches || (navigator as { standalone?: boolean }).standalone === true);
/** Set when the browser offers to install the app. */
export const installPrompt = signal<InstallPrompt | null>(null);

export const storage = signal<{ used: number; quota: number; persisted: boolean } | null>(null);
/** Chromium reports what the page may use of the disk; near the end new photographs are refused, old ones never dropped. */
export const FULL_AT = 0.8;

export const online = signal(navigator.onLine);
export const visible = signal(document.visibilityState === 'visible');

export function watchDevice(): void {
  standalone.addEventListener('change', () => void (installed.value = standalone.matches));
  window.addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault();
    installPrompt.value = event as InstallPrompt;
  });
  window.addEventListener('appinstalled', () => { installed.value = true; installPrompt.value = null; });
  window.addEventListener('online', () => void (online.value = true));
  window.addEventListener('offline', () => void (online.value = false));
  document.addEventListener('visibilitychange', () => void (visible.value = document.visibilityState === 'visible'));
}

export async function measureStorage(): Promise<void> {
  if (!navigator.storage?.estimate) return;
  const [{ usage = 0, quota = 0 }, persisted] = await Promise.all([navigator.storage.estimate(), navigator.storage.persisted?.() ?? false]);
  storage.value = { used: usage, quota, persisted };
}

/** Asks the browser not to evict what is not sent yet; it answers by its own rules. */
export async function askToKeep(): Promise<void> {
  await navigator.storage?.persist?.();
  await measureStorage();
}

export const nearlyFull = (): boolean => {
  const now = storage.value;
  return now !== null && now.quota > 0 && now.used / now.quota >= FULL_AT;
};

/** iOS throws the storage of a page away after seven idle days unless it is installed: no field work from a tab there. */
export const mustInstall = (): boolean => isIos && !installed.value;

/** Battery of the phone in percent, where the browser tells. */
export async function batteryPercent(): Promise<number | null> {
  const ask = (navigator as { getBattery?: () => Promise<{ level: number }> }).getBattery;
  if (!ask) return null;
  try {
    return Math.round((await ask.call(navigator)).level * 100);
  } catch {
    return null; // refused by a permissions policy: a fix without it is still a fix
  }
}
