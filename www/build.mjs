// Builds the pages into www/dist: bundles src/*.ts, copies public/ as it is. The SDK in www/dist/sdk is built by
// sdk-wasm/build.sh and left alone.
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

const www = new URL('.', import.meta.url).pathname;
const dist = `${www}dist`;

mkdirSync(dist, { recursive: true });
for (const old of readdirSync(dist).filter((name) => name !== 'sdk')) rmSync(`${dist}/${old}`, { recursive: true });
cpSync(`${www}public`, dist, { recursive: true });
await build({
  entryPoints: { shop: `${www}src/shop.ts`, dashboard: `${www}src/dashboard.ts` },
  outdir: `${dist}/assets`,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  external: ['/sdk/*'],
  logLevel: 'warning',
});
