// Builds the pages into www/dist: bundles src/, copies public/ as it is, makes the documentation (docs/). The SDK in
// www/dist/sdk is built by sdk-wasm/build.sh and left alone.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { limitsPage } from './docs/limits.mjs';
import { markdownPage } from './docs/markdown.mjs';
import { PAGES } from './docs/pages.mjs';
import { referencePage } from './docs/reference.mjs';
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
const read = (path) => readFileSync(`${www}../${path}`, 'utf8');
const openapi = JSON.parse(read('docs/openapi.json'));
writeFileSync(`${dist}/openapi.json`, JSON.stringify(openapi));
const made = { http: (page) => referencePage(page, openapi), limits: (page) => limitsPage(page, read('wire/src/limits.rs')) };
for (const page of PAGES) {
  mkdirSync(`${dist}/docs/${page.name}`, { recursive: true });
  writeFileSync(`${dist}/docs/${page.name}/index.html`, page.file ? markdownPage(page, read(page.file)) : made[page.name](page));
}
cpSync(`${www}../docs/pictures`, `${dist}/docs/pictures`, { recursive: true });
await build({
  entryPoints: { shop: `${www}src/shop/main.tsx`, dashboard: `${www}src/dashboard/main.tsx` },
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
  plugins: [shown],
  logLevel: 'warning',
});
