// Builds the pages into www/dist: bundles src/, copies public/ unchanged, generates the
// documentation (docs/). Does not touch www/dist/sdk, which sdk-wasm/build.sh builds.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { build } from 'esbuild';
import { limitsPage } from './docs/limits.mjs';
import { llms, servedMarkdown } from './docs/llms.mjs';
import { markdownPage } from './docs/markdown.mjs';
import { PAGES } from './docs/pages.mjs';
import { referencePage } from './docs/reference.mjs';
import { searchIndex } from './docs/search.mjs';
import './types.mjs';

const www = new URL('.', import.meta.url).pathname;
const dist = `${www}dist`;

/**
 * Embeds files of other folders into the dashboard: `example:…` is the text of a file of examples/,
 * `built:sdk` the SDK's stub and hash.
 */
const embedded = {
  name: 'embedded',
  setup(build) {
    build.onResolve({ filter: /^(example|built):/ }, ({ path }) => ({ path, namespace: 'embedded' }));
    build.onLoad({ filter: /^example:/, namespace: 'embedded' }, ({ path }) => ({
      contents: readFileSync(path.replace('example:', `${www}../examples/`), 'utf8'),
      loader: 'text',
    }));
    build.onLoad({ filter: /^built:sdk$/, namespace: 'embedded' }, () => {
      const classic = readFileSync(`${dist}/sdk/trackmate.classic.js`);
      const integrity = `sha384-${createHash('sha384').update(classic).digest('base64')}`;
      return {
        contents: JSON.stringify({ stub: readFileSync(`${dist}/sdk/stub.js`, 'utf8').trim(), integrity }),
        loader: 'json',
      };
    });
  },
};

mkdirSync(dist, { recursive: true });
for (const old of readdirSync(dist).filter((name) => name !== 'sdk')) rmSync(`${dist}/${old}`, { recursive: true });
cpSync(`${www}public`, dist, { recursive: true });
const read = (path) => readFileSync(`${www}../${path}`, 'utf8');
const openapi = JSON.parse(read('docs/openapi.json'));
writeFileSync(`${dist}/openapi.json`, JSON.stringify(openapi));
const generated = {
  http: (page) => referencePage(page, openapi),
  limits: (page) => limitsPage(page, read('wire/src/limits.rs')),
};
const write = (path, text) => {
  mkdirSync(dirname(`${dist}/${path}`), { recursive: true });
  writeFileSync(`${dist}/${path}`, text);
};
const pages = PAGES.map((page) => ({
  page,
  html: page.file ? markdownPage(page, read(page.file)) : generated[page.name](page),
}));
for (const { page, html } of pages) {
  write(`docs/${page.name}/index.html`, html);
  if (page.file) write(page.file, servedMarkdown(page.file, read(page.file)));
}
write('docs/search.json', JSON.stringify(searchIndex(pages)));
write('llms.txt', llms());
cpSync(`${www}../docs/pictures`, `${dist}/docs/pictures`, { recursive: true });
await build({
  entryPoints: {
    shop: `${www}src/shop/main.tsx`,
    dashboard: `${www}src/dashboard/main.tsx`,
    docs: `${www}src/docs/main.ts`,
  },
  outdir: `${dist}/assets`,
  bundle: true,
  minify: true,
  format: 'esm',
  // Each page of the dashboard is a separate file, loaded when it is first opened.
  splitting: true,
  chunkNames: 'parts/[name]-[hash]',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  target: 'es2022',
  external: ['/sdk/*'],
  plugins: [embedded],
  logLevel: 'warning',
});
