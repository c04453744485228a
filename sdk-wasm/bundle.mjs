// The second half of build.sh: bundles js/ with the core that it gets, makes the npm package,
// prints the sizes and checks them.
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

/** Most bytes that a page downloads, brotli. The build fails above. */
const LIMITS = { sdk_brotli: 10_240, sdk_csp_fallback_brotli: 14_336, stub_brotli: 512 };

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const shared = {
  bundle: true,
  minify: true,
  charset: 'utf8',
  target: 'es2022',
  // It saves a line in scripts; modules are strict anyway.
  tsconfigRaw: { compilerOptions: { alwaysStrict: false } },
  legalComments: 'none',
  logLevel: 'warning',
  sourcemap: 'linked',
  define: {
    VERSION: JSON.stringify(version),
    // One character for each byte. brotli compresses base64 worse, as that hides repeated bytes.
    BYTES: JSON.stringify(readFileSync(`${glue}/core.wasm`, 'latin1')),
  },
};
/**
 * Names of the core's border end in `_` in the sources. The bundle has the letters that the build
 * chose.
 */
const border = JSON.parse(readFileSync(`${glue}/names.json`, 'utf8'));
const borderNames = [...border.imports.map(([, ...names]) => names), ...border.exports];
const mangleCache = Object.fromEntries(borderNames.map(([name, short]) => [`${name}_`, short]));
const mangle = { mangleProps: /_$/, mangleCache };
const bundle = (name, entry, options) =>
  build({ ...shared, entryPoints: [`${js}${entry}.ts`], outfile: `${out}${name}`, format: 'esm', ...options });

// wasm2js creates one core when the file is loaded, without a host. Only its factory is needed.
const plain = readFileSync(`${glue}/core.js`, 'utf8');
const [, factory] = /^import \* as env from 'env';(.*)^var retasmFunc = asmFunc\(/ms.exec(plain);
// Without what nothing uses: memory growth, names for Math, and a decoder of base64 for the few
// numbers with which the memory starts.
const used = factory
  .replace(/ +var base64[^]*?(?=function initActive)/, '')
  .replace(
    /base64\w+\((\w+), (\d+), "(.*?)"\)/g,
    (_, memory, at, text) => `${memory}.set([${[...Buffer.from(text, 'base64')]}], ${at})`,
  )
  .replace(/ function __wasm_memory_grow[^]*?^ }$/m, '');
const isUsed = (name) => used.split(name).length > 2;
const lean = used.replace(/^ var (\w+) = (?:new|Math).*\n/gm, (line, name) => (isUsed(name) ? line : ''));
writeFileSync(`${glue}/compile.js`, `${lean}export const compile = (host) => asmFunc({ env: host });\n`);

/**
 * Nearly all of it runs when a page starts, so the browser compiles all at once, not function by
 * function.
 */
const banner = { js: '//# allFunctionsCalledOnLoad' };
await bundle('trackmate.js', 'module', { banner, ...mangle, external: ['./trackmate.csp.js'] });
await bundle('trackmate.classic.js', 'classic', { banner, ...mangle, format: 'iife' });
await bundle('trackmate.csp.js', 'csp', { banner, alias: { 'trackmate-core': `${glue}/compile.js` } });
await bundle('stub.js', 'stub', { format: 'iife', sourcemap: false });
writeFileSync(`${out}stub.js`, readFileSync(`${out}stub.js`, 'utf8').trim());
await bundle('vitals.js', 'vitals');
for (const types of ['trackmate.d.ts', 'vitals.d.ts']) cpSync(`${js}${types}`, `${out}${types}`);

// What `npm pack` packs: the same files, and those that a package needs.
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
  const [raw, compressed] = [String(bytes.length).padStart(6), String(sizes[name]).padStart(5)];
  console.log(`sdk: ${name.padEnd(20)} ${raw} B, brotli ${compressed} B, ${integrity}`);
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
