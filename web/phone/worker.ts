/** Builds the phone's service worker: its precache is exactly what phone.html needs, nothing of the other pages. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { PluginOption, ResolvedConfig } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';

interface Chunk { file: string; imports?: string[]; dynamicImports?: string[]; css?: string[]; assets?: string[] }

/** Every file that opening the phone may ask for. */
function needed(folder: string): Set<string> {
  const manifest = JSON.parse(readFileSync(join(folder, '.vite', 'manifest.json'), 'utf8')) as Record<string, Chunk>;
  const found = new Set(['phone.html', 'phone.webmanifest', 'favicon.svg', 'icons/icon-192.png', 'icons/badge-96.png']);
  const seen = new Set<string>();
  const walk = (key: string): void => {
    const chunk = manifest[key];
    if (!chunk || seen.has(key)) return;
    seen.add(key);
    for (const file of [chunk.file, ...(chunk.css ?? []), ...(chunk.assets ?? [])]) found.add(file);
    for (const next of [...(chunk.imports ?? []), ...(chunk.dynamicImports ?? [])]) walk(next);
  };
  walk('phone.html');
  return found;
}

export function phoneWorker(): PluginOption[] {
  let folder = 'dist';
  return [
    { name: 'phone-worker-folder', configResolved: (config: ResolvedConfig) => void (folder = resolve(config.root, config.build.outDir)) },
    VitePWA({
      strategies: 'injectManifest', srcDir: 'phone', filename: 'sw.ts', injectRegister: false, manifest: false,
      injectManifest: {
        globPatterns: ['**/*.{html,js,css,svg,png,webmanifest,woff2}'], maximumFileSizeToCacheInBytes: 3_000_000,
        manifestTransforms: [
          (entries) => {
            const wanted = needed(folder);
            const manifest = entries.filter((entry) => wanted.has(entry.url.replace(/^\//, ''))).sort((a, b) => a.url.localeCompare(b.url));
            const lacking = [...wanted].filter((file) => !manifest.some((entry) => entry.url.replace(/^\//, '') === file));
            if (lacking.length) throw new Error(`not precached: ${lacking.join(', ')}`);
            return { manifest, warnings: [] };
          },
        ],
      },
    }),
  ];
}
