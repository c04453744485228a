// The npm package: packed, installed in a new Vite project and on a plain HTML page, and run in
// Chromium.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launchShell, listen, until } from './browser.mjs';
import { startCollector } from './collector.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TYPES = { '.html': 'text/html', '.js': 'text/javascript' };

/** The servers of all tests. One that stayed open would keep this file from ending. */
const open = new Set();

/** Serves a folder like a static host. Returns {url, close}. */
async function serve(folder, headers = {}) {
  const server = createServer((request, response) => {
    const path = join(folder, new URL(request.url, 'http://x').pathname.replace(/\/$/, '/index.html'));
    try {
      const bytes = readFileSync(path);
      response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'text/plain', ...headers }).end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  open.add(server);
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

describe('the npm package', () => {
  let folder, packed, browser, collector, project;
  const run = (command, args, cwd) =>
    execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'trackmate-package-'));
    project = join(folder, 'node_modules/@trackmate/browser');
    const [{ filename }] = JSON.parse(
      run('npm', ['pack', '--json', '--pack-destination', folder], join(ROOT, 'target/sdk-package')),
    );
    packed = join(folder, filename);
    writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}');
    run('npm', ['install', '--offline', '--no-audit', '--no-fund', packed], folder);
    browser = await launchShell();
    collector = await startCollector();
  });
  after(async () => {
    for (const server of open) server.close().closeAllConnections?.();
    await browser?.close();
    await collector?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Opens a page and waits for its events. Returns the page's warnings and errors. */
  async function deliveredBy(url, names) {
    collector.clear();
    const page = listen(await browser.newPage());
    await page.goto(url);
    await until('the events', () => collector.names().length === names.length);
    assert.deepEqual(collector.names(), names);
    await page.close();
    return page.said.filter((line) => !line.includes('404'));
  }

  test('publint and attw find no problem in the npm package, for bundlers and for Node', () => {
    run(join(ROOT, 'node_modules/.bin/publint'), [packed, '--strict'], folder);
    // These files are for script elements and have no types.
    const scripts = ['./trackmate.classic.js', './trackmate.csp.js', './stub.js'];
    const options = ['--profile', 'esm-only', '--exclude-entrypoints', ...scripts];
    run(join(ROOT, 'node_modules/.bin/attw'), [packed, ...options], folder);
  });

  for (const resolution of ['node16', 'nodenext']) {
    test(`the types of both entries are known with the module resolution ${resolution}`, () => {
      const source = `import TrackMate from '@trackmate/browser';
        import vitals from '@trackmate/browser/vitals';
        vitals(TrackMate);
        // @ts-expect-error: without types this would be no error.
        vitals(1);`;
      writeFileSync(join(folder, 'resolved.ts'), source);
      const compilerOptions = {
        noEmit: true,
        strict: true,
        module: resolution,
        moduleResolution: resolution,
        target: 'es2022',
        lib: ['es2022', 'dom'],
        types: [],
      };
      writeFileSync(join(folder, 'resolved.json'), JSON.stringify({ compilerOptions, files: ['resolved.ts'] }));
      run(join(ROOT, 'node_modules/.bin/tsc'), ['--project', 'resolved.json'], folder);
    });
  }

  test('the npm package works in a typed Vite project, with and without WebAssembly', async () => {
    writeFileSync(join(folder, 'index.html'), '<!doctype html><script type="module" src="/main.ts"></script>');
    writeFileSync(
      join(folder, 'main.ts'),
      `import TrackMate, { type InitOptions } from '@trackmate/browser';
       import vitals from '@trackmate/browser/vitals';
       const options: InitOptions = { flushInterval: 100 };
       TrackMate.init('TM-TEST', '${collector.otherOrigin}', options);
       vitals(TrackMate);
       TrackMate.trackPageView();
       TrackMate.track('from-vite', { n: 1 });`,
    );
    const compilerOptions = {
      noEmit: true,
      strict: true,
      module: 'esnext',
      moduleResolution: 'bundler',
      target: 'es2022',
      lib: ['es2022', 'dom'],
      types: [],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }));
    run(join(ROOT, 'node_modules/.bin/tsc'), ['--project', '.'], folder);
    run(join(ROOT, 'node_modules/.bin/vite'), ['build', '--logLevel', 'error'], folder);
    for (const script of ["'self' 'wasm-unsafe-eval'", "'self'"]) {
      const site = await serve(join(folder, 'dist'), {
        'content-security-policy': `default-src 'none'; script-src ${script}; connect-src *`,
      });
      await deliveredBy(`${site.url}/`, ['page_view', 'from-vite']);
      site.close();
    }
  });

  test('the npm package works on a plain HTML page, with the stub and an integrity hash', async () => {
    const integrity = `sha384-${createHash('sha384')
      .update(readFileSync(join(project, 'trackmate.classic.js')))
      .digest('base64')}`;
    writeFileSync(
      join(project, 'plain.html'),
      `<!doctype html><script>${readFileSync(join(project, 'stub.js'), 'utf8')}</script>
       <script>TrackMate.init('TM-TEST', '${collector.otherOrigin}', { flushInterval: 100 }); TrackMate.track('from-html');</script>
       <script async src="trackmate.classic.js" integrity="${integrity}"></script>`,
    );
    const site = await serve(project);
    assert.deepEqual(await deliveredBy(`${site.url}/plain.html`, ['from-html']), []);
    site.close();
  });

  test('the npm package can be imported on a server, and contains no paths of the build machine', () => {
    const output = run(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import sdk from '@trackmate/browser'; sdk.track('x'); console.log(typeof sdk.init, await sdk.flush())`,
      ],
      folder,
    );
    assert.equal(output.trim(), 'function true');
    const files = readdirSync(project);
    for (const file of [
      'trackmate.js',
      'trackmate.js.map',
      'trackmate.csp.js',
      'trackmate.d.ts',
      'LICENSE-MIT',
      'README.md',
    ])
      assert.ok(files.includes(file), file);
    for (const file of files) assert.ok(!readFileSync(join(project, file), 'latin1').includes(ROOT), file);
  });
});
