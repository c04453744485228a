// Builds the pages into www/dist: bundles src/*.ts, copies public/ as it is, serves docs/openapi.json as it is and as the page /docs. The SDK in
// www/dist/sdk is built by sdk-wasm/build.sh and left alone.
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { page } from './docs.mjs';
import './types.mjs';

const www = new URL('.', import.meta.url).pathname;
const dist = `${www}dist`;

mkdirSync(dist, { recursive: true });
for (const old of readdirSync(dist).filter((name) => name !== 'sdk')) rmSync(`${dist}/${old}`, { recursive: true });
cpSync(`${www}public`, dist, { recursive: true });
const openapi = JSON.parse(readFileSync(`${www}../docs/openapi.json`, 'utf8'));
writeFileSync(`${dist}/openapi.json`, JSON.stringify(openapi));
mkdirSync(`${dist}/docs`);
writeFileSync(`${dist}/docs/index.html`, page(openapi));
await build({
  entryPoints: { shop: `${www}src/shop.ts`, dashboard: `${www}src/dashboard/main.tsx` },
  outdir: `${dist}/assets`,
  bundle: true,
  minify: true,
  format: 'esm',
  // A page of the dashboard is a file of its own, loaded when it is first looked at.
  splitting: true,
  chunkNames: 'parts/[name]-[hash]',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  target: 'es2022',
  external: ['/sdk/*'],
  logLevel: 'warning',
});
