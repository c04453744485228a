// Builds the pages into www/dist: bundles src/*.ts, copies public/ as it is, serves docs/openapi.json as it is and as the page /docs. The SDK in
// www/dist/sdk is built by sdk-wasm/build.sh and left alone.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { page } from './docs.mjs';
import './types.mjs';

const www = new URL('.', import.meta.url).pathname;
const dist = `${www}dist`;

/** What the dashboard shows of other folders: `example:…` is the text of a file of examples/, as the tests run it, `built:sdk` what a page needs to know of the SDK's files. */
const shown = {
  name: 'shown',
  setup(build) {
    build.onResolve({ filter: /^(example|built):/ }, ({ path }) => ({ path, namespace: 'shown' }));
    build.onLoad({ filter: /^example:/, namespace: 'shown' }, ({ path }) => ({ contents: readFileSync(path.replace('example:', `${www}../examples/`), 'utf8'), loader: 'text' }));
    build.onLoad({ filter: /^built:sdk$/, namespace: 'shown' }, () => {
      const classic = readFileSync(`${dist}/sdk/trackmate.classic.js`);
      const integrity = `sha384-${createHash('sha384').update(classic).digest('base64')}`;
      return { contents: JSON.stringify({ stub: readFileSync(`${dist}/sdk/stub.js`, 'utf8').trim(), integrity }), loader: 'json' };
    });
  },
};

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
  jsx: 'automatic',
  jsxImportSource: 'preact',
  target: 'es2022',
  external: ['/sdk/*'],
  plugins: [shown],
  logLevel: 'warning',
});
