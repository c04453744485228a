// The second half of build.sh: bundles js/ around the core it is given, makes the npm package, prints and checks the sizes.
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { brotliCompressSync } from 'node:zlib';
import { build } from 'esbuild';

const glue = resolve(process.argv[2]);
const root = new URL('..', import.meta.url).pathname;
const js = `${root}sdk-wasm/js/`;
const out = `${root}www/dist/sdk/`;
const { version } = JSON.parse(readFileSync(`${root}sdk-wasm/package.json`, 'utf8'));

/** Most bytes of what a page downloads, brotli. The build fails above. */
const LIMITS = { sdk_brotli: 10_240, sdk_csp_fallback_brotli: 14_336, stub_brotli: 512 };

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const shared = {
  bundle: true,
  minify: true,
  charset: 'utf8',
  target: 'es2022',
  // Scripts save a line that says so; modules are strict anyway.
  tsconfigRaw: { compilerOptions: { alwaysStrict: false } },
  legalComments: 'none',
  logLevel: 'warning',
  sourcemap: 'linked',
  define: {
    VERSION: JSON.stringify(version),
    // One character a byte: brotli makes less of base64, which hides that bytes repeat.
    BYTES: JSON.stringify(readFileSync(`${glue}/core.wasm`, 'latin1')),
  },
};
/** The names of the core's border, which have a `_` at their end here, are what the build has called them. */
const border = JSON.parse(readFileSync(`${glue}/names.json`, 'utf8'));
const mangleCache = Object.fromEntries([...border.imports.map(([, ...names]) => names), ...border.exports].map(([name, short]) => [`${name}_`, short]));
const mangle = { mangleProps: /_$/, mangleCache };
const bundle = (name, entry, options) =>
  build({ ...shared, entryPoints: [`${js}${entry}.ts`], outfile: `${out}${name}`, format: 'esm', ...options });

// wasm2js makes one core, when the file is loaded and there is no page yet that it could ask. What is wanted is its maker.
const [, maker] = /^import \* as env from 'env';(.*)^var retasmFunc = asmFunc\(/ms.exec(readFileSync(`${glue}/core.js`, 'utf8'));
// Without what nothing uses: growing memory, words for Math, and a decoder of base64 for the few numbers that the memory begins with.
const used = maker
  .replace(/ +var base64[^]*?(?=function initActive)/, '')
  .replace(/base64\w+\((\w+), (\d+), "(.*?)"\)/g, (_, memory, at, text) => `${memory}.set([${[...Buffer.from(text, 'base64')]}], ${at})`)
  .replace(/ function __wasm_memory_grow[^]*?^ }$/m, '');
const lean = used.replace(/^ var (\w+) = (?:new|Math).*\n/gm, (line, name) => (used.split(name).length > 2 ? line : ''));
writeFileSync(`${glue}/compile.js`, `${lean}export const compile = (host) => asmFunc({ env: host });\n`);

/** Nearly all of it runs when a page starts it: the browser compiles it in one go, and not again function by function. */
const banner = { js: '//# allFunctionsCalledOnLoad' };
await bundle('trackmate.js', 'module', { banner, ...mangle, external: ['./trackmate.csp.js'] });
await bundle('trackmate.classic.js', 'classic', { banner, ...mangle, format: 'iife' });
await bundle('trackmate.csp.js', 'csp', { banner, alias: { 'trackmate-core': `${glue}/compile.js` } });
await bundle('stub.js', 'stub', { format: 'iife', sourcemap: false });
writeFileSync(`${out}stub.js`, readFileSync(`${out}stub.js`, 'utf8').trim());
await bundle('vitals.js', 'vitals');
for (const types of ['trackmate.d.ts', 'vitals.d.ts']) cpSync(`${js}${types}`, `${out}${types}`);

// What `npm pack` packs: the same files and what a package needs.
const pack = resolve(glue, '../sdk-package');
rmSync(pack, { recursive: true, force: true });
cpSync(out, pack, { recursive: true });
for (const file of ['sdk-wasm/package.json', 'sdk-wasm/README.md', 'LICENSE-MIT', 'LICENSE-APACHE']) {
  cpSync(`${root}${file}`, `${pack}/${file.split('/').at(-1)}`);
}


const brotli = (name) => brotliCompressSync(readFileSync(out + name)).length;
const sizes = {};
for (const name of ['trackmate.js', 'trackmate.classic.js', 'trackmate.csp.js', 'stub.js', 'vitals.js']) {
  const bytes = readFileSync(out + name);
  sizes[name] = brotli(name);
  const integrity = `sha384-${createHash('sha384').update(bytes).digest('base64')}`;
  console.log(`sdk: ${name.padEnd(20)} ${String(bytes.length).padStart(6)} B, brotli ${String(sizes[name]).padStart(5)} B, ${integrity}`);
}
const measured = {
  sdk_brotli: Math.max(sizes['trackmate.js'], sizes['trackmate.classic.js']),
  sdk_csp_fallback_brotli: Math.max(sizes['trackmate.js'], sizes['trackmate.classic.js']) + sizes['trackmate.csp.js'],
  stub_brotli: sizes['stub.js'],
};
writeFileSync(`${glue}/sizes.json`, JSON.stringify(measured));
for (const [name, most] of Object.entries(LIMITS)) {
  if (measured[name] > most) throw new Error(`${name} is ${measured[name]} B, over its limit of ${most} B`);
}
