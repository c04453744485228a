// `trackmate export`, `exports` and `audit` against the real Worker, over connections that break
// and bytes that change.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { trackmate } from './support/cli.mjs';
import { startTrackMate } from './support/harness.mjs';
import { newCompany } from './support/people.mjs';

const EVENTS = 20_000;
/** Rows of one request: the first page has 50 rows, the others 500. */
const PART = 50 + 29 * 500;
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

describe('the command-line export', () => {
  let trackMate;
  let bin;
  let folder;
  let c;
  before(async () => {
    bin = trackmate();
    folder = mkdtempSync(join(tmpdir(), 'trackmate-export-'));
    trackMate = await startTrackMate({ EXPORT_PAGES_MAX: '30' });
    c = await newCompany(trackMate);
    for (let n = 0; n < 60; n += 1)
      await c.server({ email: `p${n}@example.com` }, 'made', {
        user: { firstName: `=P${n}`, tags: { add: n % 2 ? ['vip'] : ['new'] } },
      });
    const d1 = await trackMate.d1();
    const many = `with recursive n (i) as (select 1 union all select i + 1 from n where i < ?2)
      insert into events (company, source, message_id, session, ts, type, data, request, received_at)
      select ?1, 0, 'm' || i, 's' || (i / 1000), i, 'view', json_object('note', hex(randomblob(400))), 1, 1 from n`;
    await d1.prepare(many).bind(c.companyId, EVENTS).run();
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
    return trackMate?.close();
  });

  /** Runs the binary to its end. Returns {code, stdout, stderr, json}. */
  async function run(args, url = trackMate.url, key = c.adminKey) {
    const child = spawn(bin, args, {
      cwd: folder,
      env: { HOME: folder, TZ: 'UTC', TRACKMATE_URL: url, TRACKMATE_ADMIN_KEY: key },
    });
    const text = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'])
      child[stream].setEncoding('utf8').on('data', (part) => (text[stream] += part));
    const [code] = await once(child, 'close');
    return {
      code,
      ...text,
      get json() {
        return JSON.parse(text.stdout);
      },
    };
  }
  const done = (result) => {
    assert.equal(result.code, 0, result.stdout + result.stderr);
    return result;
  };
  const path = (name) => join(folder, name);
  const read = (name) => readFileSync(path(name));
  const api = async (route) =>
    Buffer.from(await (await fetch(`${trackMate.url}/api/admin/export/${route}`, { headers: c.admin })).arrayBuffer());

  /**
   * A proxy to TrackMate. Each chunk of a file passes through `spoil`, which may change it, or
   * throw to break the connection.
   */
  async function proxy(t, spoil) {
    const server = createServer((incoming, outgoing) => {
      const target = request(
        new URL(incoming.url, trackMate.url),
        { method: incoming.method, headers: { ...incoming.headers, host: new URL(trackMate.url).host } },
        (answer) => {
          outgoing.writeHead(answer.statusCode, answer.headers);
          let seen = 0;
          // Data that was already written is still sent, even to a slow reader.
          const cut = () => outgoing.socket?.destroySoon();
          answer.on('error', cut);
          answer.on('data', (piece) => {
            try {
              outgoing.write(answer.headers['x-export-id'] ? spoil(piece, (seen += piece.length)) : piece);
            } catch {
              answer.destroy();
              cut();
            }
          });
          answer.on('end', () => outgoing.end());
        },
      );
      incoming.pipe(target);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.closeAllConnections() ?? server.close());
    return `http://127.0.0.1:${server.address().port}`;
  }

  test('export saves the API’s bytes in each format, verified, without progress output', async () => {
    for (const format of ['csv', 'json', 'ndjson']) {
      const { json, stderr } = done(
        await run(['export', 'users', '--format', format, '-o', `users.${format}`, '--json']),
      );
      const bytes = read(`users.${format}`);
      assert.deepEqual(
        [json.rows, json.bytes, json.sha256, json.changedDuring, stderr],
        [60, bytes.length, sha256(bytes), 0, ''],
      );
      if (format !== 'json') assert.equal(bytes.toString(), (await api(`users/${format}`)).toString());
      else assert.equal(JSON.parse(bytes).users.length, 60);
      assert.ok(!existsSync(path(`users.${format}.part`)) && !existsSync(path(`users.${format}.part.json`)));
      assert.equal(statSync(path(`users.${format}`)).mode & 0o077, 0, 'only its owner can read the file');
    }
    const filtered = done(
      await run([
        'export',
        'users',
        '-o',
        'vip.csv',
        '--filter',
        'hasTag=vip',
        '--filter',
        'search=p',
        '--fields',
        'email,firstName',
        '--limit',
        '10',
      ]),
    );
    assert.match(
      filtered.stdout,
      /^vip\.csv: 10 rows, \d+ B, verified\nSHA-256 [0-9a-f]{64}\nSnapshot \S+ \(exp_\w+\)\n$/,
    );
    const lines = read('vip.csv').toString().split('\r\n');
    assert.deepEqual([lines[0], lines.length], ['email,firstName', 12]);
    assert.match(lines[1], /^p\d+@example\.com,'=P\d*[13579]$/);
  });

  test('export --resume continues from a verified mark, and the file is complete', async (t) => {
    let broken = 0;
    const url = await proxy(t, (piece, seen) => {
      if (broken === 0 && seen > 8_000_000) throw new Error(`cut ${(broken += 1)}`);
      return piece;
    });
    const first = await run(['export', 'events', '-o', 'events.csv', '--json'], url);
    assert.deepEqual([first.code, broken, existsSync(path('events.csv'))], [5, 1, false], first.stderr);
    assert.match(JSON.parse(first.stderr).message, /broke off after \d+\.\d MB.*continue with --resume/);
    const there = statSync(path('events.csv.part')).size;
    assert.ok(there > 1_000_000);

    const again = await run(['export', 'events', '-o', 'events.csv'], url);
    assert.deepEqual([again.code, again.stdout], [2, '']);
    assert.match(again.stderr, /continue with --resume/);
    const other = await run(['export', 'events', '-o', 'events.csv', '--resume', '--filter', 'eventType=view'], url);
    assert.equal(other.code, 2, other.stderr);

    const { json, stderr } = done(await run(['export', 'events', '-o', 'events.csv', '--resume', '--json'], url));
    assert.match(stderr, /^resuming after \d+ rows/);
    const rows = Number(stderr.match(/after (\d+) rows/)[1]);
    assert.ok(rows >= 5000, `the mark at ${rows} rows`);
    const whole = read('events.csv');
    assert.deepEqual([json.rows, json.sha256, json.exports.length], [EVENTS + 60, sha256(whole), json.exports.length]);
    const lines = whole.toString().split('\r\n');
    assert.deepEqual(
      [lines.length, new Set(lines).size],
      [EVENTS + 60 + 2, EVENTS + 60 + 2],
      'a header line, each event once, a final line break',
    );
    assert.ok(!existsSync(path('events.csv.part')) && !existsSync(path('events.csv.part.json')));
  });

  test('export fetches a long export in parts', async () => {
    const { json } = done(await run(['export', 'events', '--format', 'ndjson', '-o', 'all.ndjson', '--json']));
    assert.deepEqual([json.rows, json.exports.length], [EVENTS + 60, 2]);
    const ids = read('all.ndjson')
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).messageId);
    assert.equal(new Set(ids).size, EVENTS + 60);
    const { json: list } = done(await run(['exports', '--limit', '2', '--json']));
    assert.deepEqual(
      list.exports.map((e) => [e.state, e.rows]),
      [
        ['complete', EVENTS + 60 - PART],
        ['partial', PART],
      ],
    );
    // A JSON document cannot be continued, so the export fails.
    const document = await run(['export', 'events', '--format', 'json', '-o', 'all.json']);
    assert.deepEqual([document.code, existsSync(path('all.json'))], [5, false], document.stderr);
  });

  test('export saves no file whose hash differs from the record', async (t) => {
    const url = await proxy(t, (piece) => {
      const changed = Buffer.from(piece);
      changed[changed.length - 5] ^= 1;
      return changed;
    });
    const { code, stderr } = await run(['export', 'users', '-o', 'changed.csv'], url);
    assert.equal(code, 1);
    assert.match(stderr, /the hashes differ/);
    assert.ok(!existsSync(path('changed.csv')));
  });

  test('a wrong or rejected export command fails and leaves no file', async () => {
    for (const args of [
      ['export', 'users'],
      ['export', 'people', '-o', 'x'],
      ['export', 'users', '-o', 'x', '--filter', 'after=1'],
      ['export', 'users', '-o', 'none.csv', '--resume'],
      ['export', 'users', '-o', 'none.json', '--format', 'json', '--resume'],
    ]) {
      assert.equal((await run(args)).code, 2, args.join(' '));
    }
    const unknown = await run(['export', 'users', '-o', 'x.csv', '--filter', 'hasTags=vip']);
    assert.deepEqual([unknown.code, existsSync(path('x.csv.part'))], [1, false]);
    assert.match(unknown.stderr, /no parameter of this name: hasTags/);
    assert.equal((await run(['export', 'users', '-o', 'x.csv'], trackMate.url, 'wrong')).code, 3);
    writeFileSync(path('broken.csv.part.json'), '{');
    assert.equal((await run(['export', 'users', '-o', 'broken.csv', '--resume'])).code, 2);
  });

  test('exports and audit list past exports and changes', async () => {
    const { stdout } = done(await run(['exports', '--limit', '3']));
    assert.match(
      stdout,
      /^ID +Started +By +Export +State +Rows +Bytes +SHA-256\nexp_\w+ +\S+ \S+ [AP]M +tm_admin_\w{4}… /,
    );
    assert.match(stdout, /More: --cursor \S+\n$/);
    const audit = done(await run(['audit', '--action', 'export.users', '--since', '2h']));
    assert.match(
      audit.stdout,
      /^Time +By +Action +Target +Outcome\n(.*\n)* ?.* tm_admin_\w{4}… +export\.users +exp_\w+ +ok/,
    );
    assert.equal((await run(['audit', '--action', 'nothing'])).code, 1);
    const { json } = done(await run(['audit', '--json', '--limit', '2']));
    assert.equal(json.entries.length, 2);
  });
});
