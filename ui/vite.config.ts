import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The same files are served at `/` by the gateway and from the app's own scheme by the desktop.
  base: './',
  plugins: [svelte()],
  build: {
    target: 'es2022',
    // A data: URL would need `img-src data:` in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
  },
  server: {
    // The mark is shared with the tray.
    fs: { allow: ['..'] },
  },
  test: { include: ['src/**/*.test.ts'] },
});
