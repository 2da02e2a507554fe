/** The phone's service worker: its shell opens with no network; nothing of the API is ever answered from a cache, save the map. */
import { ExpirationPlugin } from 'workbox-expiration';
import { cleanupOutdatedCaches, createHandlerBoundToURL, type PrecacheEntry, precacheAndRoute } from 'workbox-precaching';
import { NavigationRoute, registerRoute } from 'workbox-routing';
import { CacheFirst } from 'workbox-strategies';

declare const self: ServiceWorkerGlobalScope & { __WB_MANIFEST: (string | PrecacheEntry)[] };

const MOST_TILES = 300;
const TILE_DAYS = 30;

precacheAndRoute(self.__WB_MANIFEST);
cleanupOutdatedCaches();
registerRoute(new NavigationRoute(createHandlerBoundToURL('/phone.html'), { allowlist: [/^\/phone\/?(\?|$)/] }));
// Streets are the same for everybody and stay where they are; a sketch in a basement is worth a month-old one.
registerRoute(
  ({ url }) => url.pathname.startsWith('/api/v1/map/tiles/'),
  new CacheFirst({ cacheName: 'map-tiles', plugins: [new ExpirationPlugin({ maxEntries: MOST_TILES, maxAgeSeconds: TILE_DAYS * 86_400, purgeOnQuotaError: true })] }),
);

// A new version waits until the person agrees: nothing changes under his thumb in the middle of a survey.
self.addEventListener('message', (event) => {
  if ((event.data as { type?: string } | null)?.type === 'SKIP_WAITING') void self.skipWaiting();
});

self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(
    self.clients.matchAll({ type: 'window', includeUncontrolled: true }).then((windows) => {
      const open = windows.find((one) => new URL(one.url).pathname.startsWith('/phone'));
      return open ? open.focus() : self.clients.openWindow('/phone');
    }),
  );
});
