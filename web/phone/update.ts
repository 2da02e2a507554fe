/** Registers the service worker and says when a newer version waits. */
import { signal } from '@preact/signals';

export const updateReady = signal(false);
const HOUR_MS = 3_600_000;

let waitingWorker: ServiceWorker | null = null;

function watch(registration: ServiceWorkerRegistration): void {
  const ready = (worker: ServiceWorker) => {
    // The very first version is no update.
    if (!navigator.serviceWorker.controller) return;
    waitingWorker = worker;
    updateReady.value = true;
  };
  if (registration.waiting) ready(registration.waiting);
  registration.addEventListener('updatefound', () => {
    const worker = registration.installing;
    worker?.addEventListener('statechange', () => { if (worker.state === 'installed') ready(worker); });
  });
  window.setInterval(() => void registration.update().catch(() => undefined), HOUR_MS);
}

export async function registerWorker(): Promise<void> {
  if (!('serviceWorker' in navigator)) return;
  let taken = navigator.serviceWorker.controller !== null;
  navigator.serviceWorker.addEventListener('controllerchange', () => {
    // The first worker takes over a page that is already right; only a newer one needs a reload.
    if (taken) location.reload();
    taken = true;
  });
  watch(await navigator.serviceWorker.register('/sw.js', { scope: '/phone' }));
}

/** Takes the new version now. The queue lives in the database and is read again after the reload. */
export function takeUpdate(): void {
  waitingWorker?.postMessage({ type: 'SKIP_WAITING' });
}
