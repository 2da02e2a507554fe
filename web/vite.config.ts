import preact from '@preact/preset-vite';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
import { phoneWorker } from './phone/worker';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const PAGES = ['index', 'desk', 'phone', 'review', 'track'] as const;

/** Lets the development server answer /desk, /phone, /review and /t/… as the real server does. */
function cleanAddresses(): Plugin {
  return {
    name: 'clean-addresses',
    configureServer(server) {
      server.middlewares.use((request, _response, next) => {
        const path = (request.url ?? '/').split('?')[0] ?? '/';
        const page = path.startsWith('/t/') ? 'track' : PAGES.find((p) => path === `/${p}` || path.startsWith(`/${p}/`));
        if (page && !path.includes('.')) request.url = `/${page}.html`;
        next();
      });
    },
  };
}

export default defineConfig({
  base: '/',
  plugins: [preact({ devToolsEnabled: false, reactAliasesEnabled: false }), cleanAddresses(), ...phoneWorker()],
  resolve: { alias: { '@shared': here('./shared') } },
  server: { proxy: { '/api': process.env.CHAKAN_API ?? 'http://127.0.0.1:8000' } },
  build: {
    outDir: process.env.CHAKAN_WEB_OUT ?? 'dist',
    emptyOutDir: true,
    manifest: true,
    target: 'es2022',
    // A data: URL would need a wider content security policy than 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
    rolldownOptions: {
      input: Object.fromEntries(PAGES.map((page) => [page, here(`./${page}.html`)])),
      output: { entryFileNames: 'assets/[name]-[hash].js', chunkFileNames: 'assets/[name]-[hash].js' },
    },
  },
});
