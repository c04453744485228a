// The content security policy of every page, and the size of the dashboard's first load.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';
import { listen } from '../browser.mjs';
import { signIn } from './viewer.mjs';

const DIST = fileURLToPath(new URL('../../../www/dist/', import.meta.url));
const FIRST_LOAD_MAX = 100_000;

/** {directive: [source]} */
const parse = (policy) =>
  Object.fromEntries(
    policy
      .split(';')
      .map((part) => part.trim().split(/\s+/))
      .map(([name, ...sources]) => [name, sources]),
  );

/** Whether a script of this page, or a chunk that it loads later, imports the SDK. */
async function runsSdk(url, html) {
  const scripts = [...html.matchAll(/<script[^>]+src="([^"]+)"/g)].map(([, src]) => new URL(src, url));
  const read = (urls) => Promise.all(urls.map(async (script) => (await fetch(script)).text()));
  const texts = await read(scripts);
  const parts = texts.flatMap((text, index) =>
    [...text.matchAll(/import\("(\.\/[^"]+)"\)/g)].map(([, part]) => new URL(part, scripts[index])),
  );
  return [...texts, ...(await read(parts))].some((text) => /(?:from|import)\(?"\/sdk\/trackmate/.test(text));
}

export async function everyPageHasItsPolicy({ trackMate }) {
  const files = readdirSync(DIST, { recursive: true }).filter((file) => file.endsWith('.html'));
  const paths = [...files.map((file) => `/${file.replace(/(index)?\.html$/, '')}`), '/there/is/nothing'];
  assert.ok(
    ['/', '/dashboard/', '/docs/', '/404'].every((path) => paths.includes(path)),
    paths.join(' '),
  );
  for (const path of paths) {
    const answer = await fetch(trackMate.url + path, { headers: { accept: 'text/html' } });
    const html = await answer.text();
    const policy = parse(answer.headers.get('content-security-policy') ?? '');
    assert.deepEqual(policy['default-src'], ["'none'"], path);
    assert.deepEqual(policy['frame-ancestors'], ["'none'"], path);
    assert.deepEqual(policy['base-uri'], ["'none'"], path);
    const sources = Object.values(policy).flat();
    assert.deepEqual(
      sources.filter(
        (source) =>
          /unsafe-inline|unsafe-eval|unsafe-hashes|^\*|data:|blob:|,/.test(source) && source !== "'wasm-unsafe-eval'",
      ),
      [],
      path,
    );
    assert.equal(
      sources.includes("'wasm-unsafe-eval'"),
      await runsSdk(answer.url, html),
      `${path}: wasm is allowed exactly where the SDK runs`,
    );
    if (!(await runsSdk(answer.url, html))) assert.deepEqual(policy['connect-src'], ["'self'"], path);
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff', path);
    assert.doesNotMatch(
      html,
      /<script(?![^>]*\ssrc=)[^>]*>|\sstyle="|\son\w+="/,
      `${path} has no inline script or style`,
    );
  }
}

export async function firstLoadIsSmall({ browser, trackMate }) {
  const company = await trackMate.companies({ name: 'First' });
  const page = listen(await (await browser.newContext()).newPage());
  const bodies = [];
  page.on(
    'response',
    (response) =>
      new URL(response.url()).pathname.startsWith('/api/') ||
      bodies.push(response.body().then((body) => [new URL(response.url()).pathname, body])),
  );
  await signIn(page, trackMate, company, 'live');
  await page.getByText('Listening').first().waitFor();
  // The compression level that Cloudflare uses for dynamic responses.
  const compressed = (body) => brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }).length;
  const files = (await Promise.all(bodies)).map(([path, body]) => [path, compressed(body)]);
  assert.ok(
    files.some(([path]) => /\/live-\w+\.js$/.test(path)),
    `Live is among them: ${files.map(([path]) => path).join(' ')}`,
  );
  const bytes = files.reduce((sum, [, size]) => sum + size, 0);
  console.log(`    first load of Live: ${bytes} B of brotli in ${files.length} files`);
  assert.ok(bytes <= FIRST_LOAD_MAX, `${bytes} B: ${files.map((file) => file.join(' ')).join(', ')}`);
  assert.deepEqual(page.said, []);
  await page.context().close();
}
