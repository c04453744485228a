// `make size`: the served size of the built files. The SDK's build checks its limits
// (sdk-wasm/bundle.mjs).
import { readdirSync, readFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const at = (path) => new URL(`../${path}`, import.meta.url);
const brotli = (name) => brotliCompressSync(readFileSync(at(`www/dist/sdk/${name}`))).length;
const gzip = (path) => gzipSync(readFileSync(at(path)), { level: 9 }).length;

/** A page loads one of the two files; the larger one counts. */
const sdk = Math.max(brotli('trackmate.js'), brotli('trackmate.classic.js'));
// The modules that wrangler uploads: the entry point and the wasm file.
const worker = readdirSync(at('edge/build')).filter((name) => /^index(_bg)?\.(js|wasm)$/.test(name));

for (const name of readdirSync(at('www/dist/sdk')).filter((name) => name.endsWith('.js'))) {
  console.log(`www/dist/sdk/${name}: ${readFileSync(at(`www/dist/sdk/${name}`)).length} B, brotli ${brotli(name)} B`);
}
for (const name of worker)
  console.log(
    `edge/build/${name}: ${readFileSync(at(`edge/build/${name}`)).length} B, gzip ${gzip(`edge/build/${name}`)} B`,
  );
console.log(
  JSON.stringify({
    sdk_brotli: sdk,
    sdk_csp_fallback_brotli: sdk + brotli('trackmate.csp.js'),
    stub_brotli: brotli('stub.js'),
    worker_gzip: worker.reduce((sum, name) => sum + gzip(`edge/build/${name}`), 0),
  }),
);
