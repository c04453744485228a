// Every code sample of the documentation, run: what a reader copies works. Lines for a terminal run in a shell against the real Worker, programs in their
// language, pages in tests/browser/docs.mjs. A sample is changed only where it names a host of the reader's. A fence of a language that nobody runs here is a failure.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { unstable_readConfig as readConfig } from 'wrangler';
import { servedMarkdown } from '../www/docs/llms.mjs';
import { markdownPage } from '../www/docs/markdown.mjs';
import { PAGES } from '../www/docs/pages.mjs';
import { searchIndex } from '../www/docs/search.mjs';
import { PROOFS } from '../www/src/dashboard/pages/settings/identity-proof.ts';
import { find } from '../www/src/docs/find.ts';
import { trackmate } from './support/cli.mjs';
import { FILES, samples, sentTo } from './support/docs.mjs';
import { startTrackMate, until } from './support/harness.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Runs a program to its end → {status, stdout, stderr}; the test's own connections live on meanwhile. */
async function run(command, args, { input = '', ...options } = {}) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => (said[name] += text));
  child.stdin.on('error', () => {}); // The program may end without reading.
  child.stdin.end(input);
  const status = await new Promise((ended, failed) => child.once('close', ended).once('error', failed));
  return { status, ...said };
}
const has = (command) => spawnSync(command, ['--version']).status === 0;
/** Lines for a terminal that the tests run elsewhere: tests/package.test.mjs installs the packages and runs `npx trackmate dev`. */
const isRunElsewhere = (line) => /^npm install \.\/trackmate-|^npx trackmate dev\b/.test(line);
/** What the lines of a guide lead to, by file: their output, and a function that reads a file that they wrote. */
const RESULTS = {
  'docs/guides/colleague.md': (output) => assert.match(output, /key\.create/),
  'docs/guides/erase-a-person.md': (output, written) => {
    assert.equal(written('sarah.json').user.email, 'sarah@example.com');
    assert.equal(written('receipt.json').receipt.complete, true);
    assert.deepEqual(written('found.json').users, []);
  },
  'docs/guides/posthog.md': (output) => assert.match(output, /order_paid/),
  'docs/guides/rotate-keys.md': (output) => assert.match(output, /"identitySecret":"[^"]{20,}"/),
  'docs/guides/segment.md': (output) => assert.match(output, /order_paid/),
  'docs/troubleshooting.md': (output) => assert.match(output, /match-1[^]*sarah\.j@example\.org[^]*"user":\{[^]*sarah@example\.com/),
};
/** Languages that need no run of their own: shapes on the wire, and text. Pages are run in a browser. */
const SHOWN = ['json', 'http', 'text', 'html', 'toml', 'yaml'];

describe('the documentation', () => {
  let trackMate;
  let home;
  before(async () => {
    trackMate = await startTrackMate();
    home = mkdtempSync(join(tmpdir(), 'trackmate-docs-'));
    writeFileSync(join(home, '.curlrc'), 'silent\nshow-error\nfail-with-body\n');
    symlinkSync(join(ROOT, 'node_modules'), join(home, 'node_modules'));
  });
  after(async () => {
    await trackMate?.close();
    rmSync(home, { recursive: true, force: true });
  });

  /** What a reader of one file has: a company of their own with its keys, and Sarah, whose id is $ID. */
  async function reader() {
    const company = await trackMate.companies({ name: 'Shop' });
    mkdirSync(join(home, '.trackmate'), { recursive: true });
    writeFileSync(join(home, '.trackmate/dev.json'), JSON.stringify(company));
    const profile = { company_id: company.companyId, sessionId: 'session_1760781600_0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f', email: 'sarah@example.com', name: 'Sarah Johnson' };
    const { body } = await trackMate.call('POST', '/api/profile', profile);
    return { TRACKMATE_API_KEY: company.serverKey, TRACKMATE_ADMIN_KEY: company.adminKey, ID: body.profileId };
  }

  const env = (more = {}) => ({ PATH: process.env.PATH, HOME: home, OPERATOR_KEY: trackMate.operatorKey, TRACKMATE_URL: trackMate.url, ...more });

  /** A shell runs the lines as they stand, hosts and the manager's path apart. */
  async function shell(lines, known) {
    const text = sentTo(trackMate.url, lines).replaceAll('npx trackmate', `'${trackmate()}'`);
    const { status, stdout, stderr } = await run('sh', ['-e', '-c', text], { cwd: home, env: env(known) });
    assert.equal(status, 0, `${lines}\n${stdout}\n${stderr}`);
    return stdout;
  }

  /** `npx trackmate listen` of a sample, on a free port in place of its own. → {at, text, stop}; `at` puts the free port into other lines. */
  async function secondTerminal(line) {
    const [, port] = /--port (\d+)/.exec(line);
    const child = spawn(trackmate(), ['listen', '--port', '0'], { cwd: home, env: env(), stdio: ['ignore', 'pipe', 'pipe'] });
    let shown = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (shown += text));
    const [, free] = await until('the listener is ready', () => /Listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(shown));
    return { at: (lines) => lines.replaceAll(`:${port}/`, `:${free}/`), text: () => shown, stop: () => child.kill() };
  }

  test('has only samples of languages that are run', () => {
    const known = [...SHOWN, 'sh', 'js', 'jsx', 'python', 'php'];
    for (const { file, line, language } of samples()) assert.ok(known.includes(language), `${file}:${line}: a fence of the language "${language}"`);
    assert.ok(samples().length > 20);
  });

  test('shows JSON that is JSON', () => {
    for (const { file, line, text } of samples('json')) assert.doesNotThrow(() => JSON.parse(text), `${file}:${line}`);
  });

  for (const file of FILES) {
    const lines = samples('sh').filter((sample) => sample.file === file && sample.info === '' && !sample.text.trim().split('\n').every(isRunElsewhere));
    if (!lines.length) continue;
    test(`has lines for a terminal that work: ${file}`, { skip: has('curl') ? false : 'curl is not installed' }, async () => {
      // `make` is what the other tests and the build are; that the command exists is what is looked at here. A file's lines share one shell, as a reader's do.
      const [made, typed, listened] = [[], [], []];
      for (const { text } of lines) for (const line of text.split(/(?<!\\)\n/)) {
        if (!isRunElsewhere(line)) (/^make /.test(line) ? made : /^npx trackmate listen\b/.test(line) ? listened : typed).push(line);
      }
      const makefile = readFileSync(join(ROOT, 'Makefile'), 'utf8');
      for (const line of made) assert.match(makefile, new RegExp(`^${line.split(/\s+/)[1]}:`, 'm'), line);
      const listener = listened.length ? await secondTerminal(listened[0]) : undefined;
      try {
        const output = typed.length ? await shell(listener ? listener.at(typed.join('\n')) : typed.join('\n'), await reader()) : '';
        assert.doesNotMatch(output, /"success":false/);
        RESULTS[file]?.(output, (name) => JSON.parse(readFileSync(join(home, name), 'utf8')));
        if (listener) await until(() => `the listener shows the event: ${listener.text()}`, () => listener.text().includes('payment_processed'), 20_000);
      } finally {
        listener?.stop();
      }
    });
  }

  test('names commands of wrangler that there are', async () => {
    const commands = samples('sh').filter(({ info }) => info === 'deploy').flatMap(({ text }) => [...text.matchAll(/wrangler ((?:[a-z0-9]+ ?)+)/g)].map(([, words]) => words.trim()));
    assert.ok(commands.length > 2);
    const known = new Map();
    for (const command of commands) {
      // As many words as are the command: what follows are names of the reader's.
      const words = command.split(' ');
      const depth = { login: 1, deploy: 1, d1: words[1] === 'migrations' ? 3 : 2 }[words[0]] ?? 2;
      const part = words.slice(0, depth).join(' ');
      if (!known.has(part)) known.set(part, await run(join(ROOT, 'node_modules/.bin/wrangler'), [...part.split(' '), '--help'], { env: env({ CI: '1', WRANGLER_SEND_METRICS: 'false' }) }));
      const { status, stdout } = known.get(part);
      assert.equal(status, 0, command);
      assert.match(stdout, new RegExp(`wrangler ${words[0]}`), command);
    }
  });

  test('has each binding, setting and secret of the deployment on the page that says how to deploy', () => {
    const config = readConfig({ config: join(ROOT, 'wrangler.toml') });
    const { queues, d1_databases: databases, ratelimits, assets, vars } = config;
    const bound = [...databases, ...queues.producers, assets].map(({ binding }) => binding).concat(ratelimits.map(({ name }) => name), Object.keys(vars));
    assert.ok(bound.length > 8);
    // Whatever else is bound is a kind that this page has yet to tell of.
    for (const kind of ['kv_namespaces', 'r2_buckets', 'services', 'hyperdrive', 'vectorize', 'analytics_engine_datasets', 'pipelines', 'workflows']) assert.deepEqual(config[kind] ?? [], [], kind);
    assert.deepEqual(config.durable_objects?.bindings ?? [], []);
    const sources = readdirSync(join(ROOT, 'edge/src'), { recursive: true }).filter((file) => file.endsWith('.rs'));
    const secrets = sources.flatMap((file) => [...readFileSync(join(ROOT, 'edge/src', file), 'utf8').matchAll(/secret\("(\w+)"\)/g)].map(([, name]) => name));
    assert.ok(secrets.length > 1);
    const text = readFileSync(join(ROOT, 'docs/deploy.md'), 'utf8');
    for (const one of new Set([...bound, ...secrets, 'OPERATOR_WEBHOOK_URL', 'OPERATOR_WEBHOOK_SECRET'])) assert.ok(text.includes(`\`${one}\``), `docs/deploy.md says nothing of ${one}`);
  });

  describe('has receivers that verify a delivery and refuse another', () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const body = '{"event":"match","timestamp":"2025-11-30T14:30:45.123Z","data":{}}';
    const headers = () => {
      const id = 'msg_1';
      const timestamp = String(Math.floor(Date.now() / 1000));
      const signature = createHmac('sha256', Buffer.from(secret.slice(6), 'base64')).update(`${id}.${timestamp}.${body}`).digest('base64');
      return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}`, 'x-webhook-signature': createHmac('sha256', secret).update(body).digest('hex') };
    };
    const wrong = { 'webhook-id': 'msg_1', 'webhook-timestamp': '1', 'webhook-signature': 'v1,AA==', 'x-webhook-signature': '0'.repeat(64) };
    const given = (headers) => JSON.stringify([body, headers, secret]);
    const ours = (language) => samples(language).filter(({ file, text }) => file === 'docs/webhooks.md' && text.includes('verify'));

    test('in JavaScript', async () => {
      const all = ours('js');
      assert.equal(all.length, 2);
      for (const [index, { text }] of all.entries()) {
        const path = join(home, `verify-${index}.mjs`);
        writeFileSync(path, text);
        const { verify } = await import(path);
        assert.equal(verify(body, headers(), secret).event, 'match');
        assert.throws(() => verify(body, wrong, secret));
        assert.throws(() => verify(`${body} `, headers(), secret));
      }
    });

    const interpreted = async (language, [command, ...args], text, caller) => {
      const path = join(home, `verify.${language}`);
      const ask = (headers) => {
        writeFileSync(path, `${text}\n${caller}`);
        return run(command, [...args, path], { input: given(headers) });
      };
      const { stdout, stderr } = await ask(headers());
      assert.equal(stdout.trim(), 'match', stderr);
      assert.notEqual((await ask(wrong)).status, 0);
    };
    test('in Python', { skip: has('python3') ? false : 'python3 is not installed' }, async () => {
      await interpreted('py', ['python3'], ours('python')[0].text, 'import sys\nbody, headers, secret = json.load(sys.stdin)\nprint(verify(body.encode(), headers, secret)["event"])\n');
    });
    test('in PHP', { skip: has('php') ? false : 'php is not installed' }, async () => {
      await interpreted('php', ['php', '-n'], ours('php')[0].text, '[$body, $headers, $secret] = json_decode(stream_get_contents(STDIN), true);\necho verify($body, $headers, $secret)["event"];\n');
    });
  });

  const servers = samples('js').filter(({ info }) => info === 'server');
  for (const { file, text } of servers) {
    test(`has a client of another vendor on a server whose events arrive: ${file}`, async () => {
      const folder = mkdtempSync(join(home, 'clients-'));
      symlinkSync(join(ROOT, 'tests/clients/node_modules'), join(folder, 'node_modules'));
      writeFileSync(join(folder, 'send.mjs'), sentTo(trackMate.url, text));
      const { TRACKMATE_API_KEY, TRACKMATE_ADMIN_KEY } = await reader();
      const { status, stdout, stderr } = await run(process.execPath, ['send.mjs'], { cwd: folder, env: env({ TRACKMATE_API_KEY }) });
      assert.equal(status, 0, stdout + stderr);
      const admin = { 'x-admin-id': TRACKMATE_ADMIN_KEY };
      const { users: [user] } = (await trackMate.call('GET', '/api/admin/users?externalId=u-1001', undefined, admin)).body;
      assert.deepEqual([user.email, user.traits.plan], ['ada@example.com', 'pro']);
      const { events } = (await trackMate.call('GET', `/api/admin/users/${user.id}/timeline`, undefined, admin)).body;
      assert.deepEqual(events.filter(({ eventType }) => eventType === 'order_paid').map(({ eventData }) => eventData.amount), [79.9]);
    });
  }
  test('has a client on a server of each guide that moves a company here', () => {
    assert.deepEqual(servers.map(({ file }) => file), ['docs/guides/posthog.md', 'docs/guides/segment.md']);
  });

  test('has a userHash that a company which asks for proof accepts', async () => {
    const [{ text }] = samples('js').filter(({ file }) => file === 'docs/identity.md');
    const path = join(home, 'user-hash.mjs');
    writeFileSync(path, text);
    const { userHash } = await import(path);
    const company = await trackMate.companies({ name: 'Careful' });
    const admin = { 'x-admin-id': company.adminKey };
    const { body } = await trackMate.call('PATCH', '/api/admin/settings', { identityVerification: 'required' }, admin);
    const identify = (proof) => trackMate.call('POST', '/api/profile', { company_id: company.companyId, sessionId: 'session_1760781600_1c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f', email: 'tom@example.com', userHash: proof });
    assert.equal((await identify(userHash('tom@example.com', body.settings.identitySecret))).status, 200);
    assert.equal((await identify(userHash('tom@example.com', 'another'))).status, 403);
  });

  // In plain PHP: an extension such as mbstring is not there everywhere.
  const CALLS = {
    node: [process.execPath, (path) => ['--input-type=module', '-e', `import { userHash } from ${JSON.stringify(`file://${path}`)}; process.stdout.write(userHash(process.argv[1]))`]],
    python: ['python3', (path) => ['-c', `import runpy, sys; print(runpy.run_path(${JSON.stringify(path)})["user_hash"](sys.argv[1]))`]],
    php: ['php', (path) => ['-n', '-r', `require ${JSON.stringify(path)}; echo userHash($argv[1]);`]],
  };
  for (const [language, { name, text }] of Object.entries(PROOFS)) {
    const [command, args] = CALLS[language];
    test(`and the dashboard a userHash in ${name} that is accepted, whatever letters an address has`, { skip: has(command) ? false : `${command} is not installed` }, async () => {
      const company = await trackMate.companies({ name: 'Careful' });
      const { body } = await trackMate.call('PATCH', '/api/admin/settings', { identityVerification: 'required' }, { 'x-admin-id': company.adminKey });
      const path = join(home, `proof-${language}.${{ node: 'mjs', python: 'py', php: 'php' }[language]}`);
      writeFileSync(path, text);
      for (const [number, email] of ['ada@example.com', ' Ada@EXAMPLE.com ', 'Ünal.Çelik@Example.com', 'ΣΟΦΟΣ@example.gr', 'ann@MÜNCHEN.de', 'Ann@XN--MNCHEN-3YA.de'].entries()) {
        const { stdout, stderr } = await run(command, [...args(path), email], { env: { ...process.env, TRACKMATE_IDENTITY_SECRET: body.settings.identitySecret } });
        const sent = { company_id: company.companyId, sessionId: `session_1760781600_${number}`, email, userHash: stdout.trim() };
        const answer = await trackMate.call('POST', '/api/profile', sent);
        assert.equal(answer.status, 200, `${email}: ${JSON.stringify(answer.body)} ${stderr}`);
      }
    });
  }

  test('is served, with links that lead somewhere and a menu on every page', async () => {
    const pages = new Map();
    for (const { name } of PAGES) {
      const path = name ? `/docs/${name}/` : '/docs/';
      const response = await fetch(trackMate.url + path);
      assert.equal(response.status, 200, path);
      pages.set(path, await response.text());
    }
    for (const [path, html] of pages) {
      const ids = (of) => [...pages.get(of).matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
      assert.equal(new Set(ids(path)).size, ids(path).length, `${path}: an id is given once`);
      for (const [, href] of html.matchAll(/<(?:a|img)[^>]* (?:href|src)="([^"]+)"/g)) {
        if (/^https?:/.test(href)) continue;
        const url = new URL(href, `http://x${path}`);
        if (!pages.has(url.pathname)) {
          await until(`${path} links to ${href}`, async () => (await fetch(trackMate.url + url.pathname)).ok, 3_000);
        } else if (url.hash) assert.ok(ids(url.pathname).includes(decodeURIComponent(url.hash.slice(1))), `${path} links to ${href}`);
      }
    }
  });

  test('is listed in llms.txt, page by page, with Markdown whose links lead somewhere', async () => {
    const fetched = async (path) => {
      const response = await fetch(new URL(path, trackMate.url));
      assert.equal(response.status, 200, path);
      return { type: response.headers.get('content-type'), text: await response.text() };
    };
    const { type, text } = await fetched('/llms.txt');
    assert.match(type, /^text\/plain/);
    assert.match(text, /^# TrackMate\n\n> \S.+\n\n## /);
    const entries = [...text.matchAll(/^- \[(.+)\]\((\/.+)\): (.+)$/gm)];
    assert.deepEqual(entries.map(([, title]) => title), PAGES.map(({ title }) => title));
    for (const [, title, path] of entries) {
      const source = await fetched(path);
      if (!path.endsWith('.md')) continue;
      assert.match(source.type, /^text\/markdown/, title);
      const prose = source.text.replaceAll(/^```[^]*?^```$/gm, '');
      for (const [, target] of prose.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) await fetched(new URL(target, `http://x${path}`).pathname);
    }
  });
});

test('each Markdown file of the documentation is a page, and the list of guides has each guide', () => {
  const served = PAGES.map(({ file }) => file);
  assert.deepEqual(FILES.filter((file) => file !== 'README.md' && !served.includes(file)), []);
  const list = readFileSync(join(ROOT, 'docs/guides/README.md'), 'utf8');
  const guides = readdirSync(join(ROOT, 'docs/guides')).filter((name) => name !== 'README.md');
  assert.ok(guides.length > 9);
  assert.deepEqual(guides.filter((name) => !list.includes(`](${name})`)), []);
});

const page = { name: 'x', title: 'Page', file: 'docs/x.md', about: '' };

test('the Markdown of a page keeps its code and its links to pages, and loses links to files that are not served', () => {
  const markdown = 'See [the SDK](sdk.md#calls), [the code](../edge/src/lib.rs) and [a site](https://example.com).\n\n```js\na[0](b)\n```\n';
  const served = 'See [the SDK](sdk.md#calls), the code and [a site](https://example.com).\n\n```js\na[0](b)\n```\n';
  assert.equal(servedMarkdown('docs/x.md', markdown), served);
});

test('a page does not show the comments that mark its generated tables', () => {
  const html = markdownPage(page, '# Page\n\n<!-- steps -->\n| step | rows |\n|---|---:|\n| one | 2 |\n<!-- /steps -->\n\n## Other\n\n<b>raw</b>\n');
  assert.doesNotMatch(html, /steps/);
  assert.match(html, /<td class="number">2<\/td>/);
  assert.match(html, /&lt;b&gt;raw/);
});

test('two headings of a page with the same text have different ids', () => {
  const html = markdownPage(page, '# Page\n\n## Added\n\n## Added\n');
  assert.deepEqual([...html.matchAll(/<h2 id="([^"]+)"/g)].map(([, id]) => id), ['added', 'added-1']);
});

test('the search finds a part by the beginnings of its words, titles first', () => {
  const html = markdownPage(page, '# Page\n\nErasing is final.\n\n## Rotate a secret\n\n`a < b` & keys\n\n## Other\n\nRotating keys and `MAX_S`.\n');
  const index = searchIndex([{ page, html }]);
  const found = (question) => find(index, question).map(({ href }) => href);
  assert.deepEqual(found('rotat'), ['/docs/x/#rotate-a-secret', '/docs/x/#other']);
  assert.deepEqual(found('KEYS rot'), ['/docs/x/#rotate-a-secret', '/docs/x/#other']);
  assert.deepEqual(found('max_s'), ['/docs/x/#other']);
  assert.deepEqual(found('erasing'), ['/docs/x/#page']);
  for (const nothing of ['', '  ', '?!', 'rotate absent', '.*']) assert.deepEqual(found(nothing), []);
});
