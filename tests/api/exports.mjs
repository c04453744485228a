// Exports: every format, filter and column, the hash of what was handed over, what an interruption leaves, and the spreadsheet that runs nothing.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { until } from '../support/harness.mjs';
import { assertProblem, newCompany } from '../support/people.mjs';

const run = promisify(execFile);
const COUNT = 700;
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const noSoffice = spawnSync('soffice', ['--version']).status === 0 ? false : 'soffice (apt-get install libreoffice-calc-nogui) is not installed';

/** Reads CSV → rows of cells. */
function parse(text) {
  const rows = [[]];
  let cell = '';
  let quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const c = text[i];
    if (quoted && c === '"' && text[i + 1] === '"') cell += text[(i += 1)];
    else if (c === '"') quoted = !quoted;
    else if (!quoted && (c === ',' || c === '\n')) {
      rows.at(-1).push(cell.replace(/\r$/, ''));
      cell = '';
      if (c === '\n') rows.push([]);
    } else cell += c;
  }
  assert.deepEqual([rows.pop(), cell, quoted], [[], '', false], 'ends with the end of a line');
  return rows;
}

/** Rows as objects by the titles. */
function records(text) {
  const [titles, ...rows] = parse(text);
  return rows.map((row) => Object.fromEntries(titles.map((title, i) => [title, row[i]])));
}

export default (trackMate) =>
  describe('an export', () => {
    const world = {};

    /** Downloads → {status, headers, text, id}. */
    async function download(c, path) {
      const response = await fetch(`${trackMate().url}/api/admin/export/${path}`, { headers: c.admin });
      const bytes = Buffer.from(await response.arrayBuffer());
      return { status: response.status, headers: response.headers, bytes, text: bytes.toString(), id: response.headers.get('x-export-id') };
    }
    const entry = async (c, id) => (await c.get(`/api/admin/exports/${id}`)).body.export;
    const refused = async (c, path) => c.call('GET', `/api/admin/export/${path}`, undefined, c.admin);

    /** Writes events with so many random bytes each straight into the database. */
    async function manyEvents(c, count, bytes) {
      const d1 = await trackMate().d1();
      const insert = `with recursive n (i) as (select 1 union all select i + 1 from n where i < ?2)
        insert into events (company, source, message_id, session, ts, type, data, request, received_at)
        select ?1, 1, 'big' || i, 's', i, 'big', json_object('note', hex(randomblob(?3))), 1, 1 from n`;
      await d1.prepare(insert).bind(c.companyId, count, bytes).run();
    }

    /** A company of users with names that a spreadsheet would run among them. */
    async function people() {
      if (world.c) return world.c;
      const c = await newCompany(trackMate());
      const names = ['x;=1+1', 'x\t=1+1', 'x\n=1+1', '\r=1', '\n=1', '=1+1', '+47 999', '-2', '@SUM(A1)', '\t=x', '  =HYPERLINK("http://x","y")', '＝1+1', 'Ann, "A"', 'é\r\nline', 'plain', '\u3000=1', '\ufeff=1'];
      const make = (n) =>
        c.server({ email: `p${n}@example.com` }, 'made', {
          timestamp: new Date(Date.UTC(2025, 0, 1) + n * 60_000).toISOString(),
          user: {
            firstName: ['Ann-Marie', '=1+1', 'Ann, "A"', '@x', 'plain'][n % 5],
            note: names[n % names.length],
            phone: `+47${n}`,
            points: n % 2 ? -n : `${n}`,
            exportConsent: n % 3 === 0,
            optIns: { whatsapp: n % 5 === 0 },
            customFields: { level: n % 4, 'odd "name"': '=cmd' },
            tags: { add: n % 4 === 0 ? ['vip', 'a;b'] : ['new'] },
          },
        });
      for (let n = 0; n < COUNT; n += 20) await Promise.all(Array.from({ length: 20 }, (_, i) => make(n + i)));
      return (world.c = c);
    }

    test('has the same users in every format, as the API shows them, in one order', async () => {
      const c = await people();
      const [csv, json, ndjson] = await Promise.all(['csv', 'json', 'ndjson'].map((format) => download(c, `users/${format}`)));
      assert.match(csv.headers.get('content-type'), /^text\/csv; charset=utf-8/);
      assert.match(ndjson.headers.get('content-type'), /^application\/x-ndjson/);
      assert.match(csv.headers.get('content-disposition'), new RegExp(`^attachment; filename="trackmate-${c.companyId}-users-\\d{4}-\\d\\d-\\d\\d\\.csv"$`));
      assert.match(csv.headers.get('x-export-snapshot'), ISO);
      const document = JSON.parse(json.text);
      assert.deepEqual([document.success, document.rows, document.users.length, document.after], [true, COUNT, COUNT, null]);
      assert.deepEqual([document.exportId, document.snapshot], [json.id, json.headers.get('x-export-snapshot')]);
      const lines = ndjson.text.trimEnd().split('\n').map((line) => JSON.parse(line));
      assert.deepEqual(lines, document.users);
      const ids = lines.map((user) => user.id);
      assert.deepEqual(ids, ids.toSorted(), 'in the order of ids');
      const rows = records(csv.text);
      assert.deepEqual(rows.map((row) => row.id), ids);
      for (const [i, row] of rows.entries()) {
        const user = lines[i];
        assert.deepEqual([row.email, row['optIns.whatsapp'], row['exportConsent.given']], [user.email, String(user.optIns.whatsapp), String(user.exportConsent.given)]);
        assert.equal(row.tags, user.tags.map((tag) => tag.name).join(';'));
        assert.equal(row.phone, user.phone, 'a telephone number is no formula');
        assert.deepEqual(JSON.parse(row.customFields), user.customFields);
      }
      const shown = (await c.get(`/api/admin/users/${ids[7]}`)).body.user;
      assert.deepEqual(lines[7], shown);
    });

    test('takes the filters of the list of users, and hands out what the list shows', async () => {
      const c = await people();
      const filters = ['createdAfter=2025-01-01T05:00:00Z', 'createdBefore=2025-01-01T05:00:00Z', 'updatedAfter=2025-01-01', 'hasTag=vip', 'hasTag=vip&hasTag=a;b', 'customField[level]=2', 'optedIn=whatsapp', 'search=plain',
        'exportConsentOnly=true', 'exportConsentOnly=true&hasTag=new&createdAfter=2025-01-01T05:00:00Z'];
      for (const filter of filters) {
        const listed = (await c.get(`/api/admin/users?limit=1000&${filter}`)).body;
        const { text, id } = await download(c, `users/ndjson?${filter}`);
        const ids = text.trimEnd().split('\n').map((line) => JSON.parse(line).id);
        assert.equal(ids.length, listed.pagination.total, filter);
        assert.deepEqual(ids.slice(0, 1000), listed.users.map((user) => user.id), filter);
        const { filters: kept } = await entry(c, id);
        assert.equal(Object.keys(kept).length, new Set(filter.split('&').map((part) => part.split('=')[0])).size);
        assert.doesNotMatch(JSON.stringify(kept), /plain|"2"/, 'what may name a person is not kept');
      }
    });

    test('takes no parameter that it does not know: a slip would hand out everybody', async () => {
      const c = await people();
      for (const path of ['users/csv?hasTags=vip', 'users/csv?sortBy=createdAt', 'users/csv?offset=5', 'users/csv?customField[level=2', 'users/csv?email=p1@example.com', 'events/csv?hasTag=vip']) {
        assertProblem(await refused(c, path), 400, 'invalid_field');
      }
      assertProblem(await refused(c, 'users/csv?fields=id,nothing'), 400, 'invalid_field', 'fields');
      assertProblem(await refused(c, 'users/csv?optedIn=sms'), 400, 'invalid_field', 'optedIn');
      assertProblem(await refused(c, 'users/csv?limit=0'), 400, 'invalid_field', 'limit');
      assertProblem(await refused(c, 'users/csv?snapshot=2100-01-01'), 400, 'invalid_field', 'snapshot');
      assertProblem(await refused(c, 'users/csv?snapshot=x'), 400, 'invalid_timestamp', 'snapshot');
      assertProblem(await refused(c, 'events/csv?after=browser:nothing'), 400, 'invalid_cursor', 'after');
      assertProblem(await refused(c, 'events/csv?userId=nobody'), 404, 'unknown_user');
      assertProblem(await refused(c, 'users/xml'), 404, 'not_found');
      assertProblem(await c.call('GET', '/api/admin/export/users/csv', undefined, c.key), 401, 'missing_key');
      assertProblem(await c.call('POST', '/api/admin/export/users/csv', {}, c.admin), 405, 'method_not_allowed');
    });

    test('has the columns asked for, in their order, whatever the format', async () => {
      const c = await people();
      const fields = ['traits.points', 'customFields.level', 'email', 'customFields.odd "name"', 'lastActive'];
      const query = `fields=${encodeURIComponent(fields.join(','))}&limit=40`;
      const [titles, ...rows] = parse((await download(c, `users/csv?${query}`)).text);
      assert.deepEqual([titles, rows.length], [fields, 40]);
      const objects = (await download(c, `users/ndjson?${query}`)).text.trimEnd().split('\n').map((line) => JSON.parse(line));
      assert.deepEqual(Object.keys(objects[0]), fields);
      for (const [i, [points, level, email, odd]] of rows.entries()) {
        const object = objects[i];
        assert.deepEqual([points, level, email, odd], [String(object['traits.points']), object['customFields.level'], object.email, "'=cmd"]);
      }
      assert.ok(rows.some(([points]) => /^-\d+$/.test(points)), 'a negative number stays a number');
    });

    test('is on record with who asked, what for, how much it was and the hash of its very bytes, compressed or not', async () => {
      const c = await people();
      for (const path of ['users/csv', 'users/json?hasTag=vip', 'events/ndjson']) {
        const plain = await download(c, path);
        const raw = await new Promise((resolve, reject) =>
          get(`${trackMate().url}/api/admin/export/${path}${path.includes('?') ? '&' : '?'}limit=600`, { headers: c.admin }, (answer) => {
            const parts = [];
            answer.on('data', (part) => parts.push(part)).on('end', () => resolve({ bytes: Buffer.concat(parts), id: answer.headers['x-export-id'] }));
          }).on('error', reject),
        );
        for (const { bytes, id } of [plain, raw]) {
          const e = await entry(c, id);
          assert.deepEqual([e.state, e.bytes, e.sha256], ['complete', bytes.length, sha256(bytes)], path);
          assert.equal(e.rows, path.endsWith('csv') ? parse(bytes.toString()).length - 1 : e.rows);
          assert.ok(c.adminKey.startsWith(e.key.prefix) && e.key.id.startsWith('key_') && !JSON.stringify(e).includes(c.adminKey));
          assert.deepEqual([e.next, e.fields, e.kind, e.format], [null, null, ...path.split('?')[0].split('/')]);
          assert.ok(Date.parse(e.endedAt) >= Date.parse(e.startedAt));
        }
      }
      const first = (await c.get('/api/admin/exports?limit=2')).body;
      const second = (await c.get(`/api/admin/exports?limit=2&cursor=${first.pagination.nextCursor}`)).body;
      const times = [...first.exports, ...second.exports].map((e) => e.id);
      assert.deepEqual(times, times.toSorted().reverse(), 'newest first');
      assertProblem(await c.call('GET', '/api/admin/exports/exp_nothing', undefined, c.admin), 404, 'not_found');
    });

    test('of one snapshot has the same bytes while nothing changes, and counts what did', async () => {
      const c = await people();
      const before = await download(c, 'users/csv');
      const snapshot = before.headers.get('x-export-snapshot');
      const again = await download(c, `users/csv?snapshot=${snapshot}`);
      assert.deepEqual([again.text === before.text, again.headers.get('x-export-snapshot')], [true, snapshot]);
      assert.deepEqual([(await entry(c, before.id)).changedDuring, (await entry(c, again.id)).changedDuring], [0, 0]);
      await until('a later millisecond', () => Date.now() > Date.parse(snapshot) + 1);
      const { id } = await c.user('p5@example.com');
      await c.call('PATCH', `/api/admin/users/${id}`, { firstName: 'Other' }, c.admin);
      await c.server({ email: 'late@example.com' }, 'late');
      const later = await download(c, `users/csv?snapshot=${snapshot}`);
      assert.equal((await entry(c, later.id)).changedDuring, 1);
      assert.ok(!later.text.includes('late@example.com') && later.text.includes('Other'));
      assert.ok((await download(c, 'users/csv')).text.includes('late@example.com'));
      await c.call('PATCH', `/api/admin/users/${id}`, { firstName: 'plain' }, c.admin);
    });

    test('goes on behind a row, and the parts make the whole', async () => {
      const c = await people();
      const whole = await download(c, 'users/csv');
      const snapshot = whole.headers.get('x-export-snapshot');
      const rows = records(whole.text);
      const first = await download(c, `users/csv?snapshot=${snapshot}&limit=333`);
      const rest = await download(c, `users/csv?snapshot=${snapshot}&after=${rows[332].id}`);
      assert.equal(first.text + rest.text, whole.text);
      const events = (await download(c, 'events/ndjson')).text;
      const lines = events.trimEnd().split('\n');
      const { source, messageId } = JSON.parse(lines[99]);
      const half = await download(c, `events/ndjson?after=${encodeURIComponent(`${source}:${messageId}`)}`);
      assert.equal(half.text, `${lines.slice(100).join('\n')}\n`);
    });

    test('that is longer than one invocation may read fails, or ends where the next part begins if that was asked for', async () => {
      const most = 50 + 11 * 500; // the harness allows twelve pages
      const c = await newCompany(trackMate());
      await manyEvents(c, 6000, 10);
      const whole = fetch(`${trackMate().url}/api/admin/export/events/csv`, { headers: c.admin });
      const id = (await whole).headers.get('x-export-id');
      await assert.rejects(async () => (await whole).text(), 'a broken transfer, not a short file');
      const broken = await entry(c, id);
      assert.deepEqual([broken.state, broken.rows, broken.next !== null], ['partial', most, true]);
      const part = await download(c, 'events/ndjson?partial=true');
      const partial = await entry(c, part.id);
      assert.deepEqual([partial.state, partial.rows, partial.sha256], ['partial', most, sha256(part.bytes)]);
      const more = `snapshot=${partial.snapshot}&after=${encodeURIComponent(partial.next)}`;
      const rest = await download(c, `events/ndjson?${more}&partial=true`);
      assert.deepEqual([(await entry(c, rest.id)).state, (await entry(c, rest.id)).after], ['complete', partial.next]);
      const ids = (part.text + rest.text).trimEnd().split('\n').map((line) => JSON.parse(line).messageId);
      assert.deepEqual([ids.length, new Set(ids).size], [6000, 6000]);
      const json = JSON.parse((await download(c, 'events/json?partial=true')).text);
      assert.deepEqual([json.rows, json.after], [most, partial.next]);
    });

    test('ends at the next page when its key is revoked', async () => {
      const c = await newCompany(trackMate());
      await manyEvents(c, 5500, 8000);
      const { key } = (await c.call('POST', '/api/admin/keys', { scope: 'admin' }, c.admin)).body;
      const headers = { 'x-admin-id': key.key, 'accept-encoding': 'identity' };
      const response = await fetch(`${trackMate().url}/api/admin/export/events/ndjson`, { headers });
      const id = response.headers.get('x-export-id');
      const reader = response.body.getReader();
      await reader.read();
      assert.equal((await c.call('DELETE', `/api/admin/keys/${key.id}`, undefined, c.admin)).status, 200);
      // What was read ahead still comes; it is asked again some seconds after it began.
      const began = Date.now();
      await until('it would ask', () => Date.now() - began > 2500);
      const rest = async () => {
        for (;;) if ((await reader.read()).done) return;
      };
      await rest().catch(() => null);
      await until('an end', async () => (await entry(c, id)).state !== 'running');
      const e = await entry(c, id);
      assert.ok(e.state === 'aborted' && e.rows < 5500, JSON.stringify(e));
    });

    test('that nobody reads to its end is aborted, and one whose invocation died is found by the sweep', async () => {
      const c = await newCompany(trackMate());
      // 90 MB that no compression and no buffer between here and there swallows.
      await manyEvents(c, 5500, 8000);
      const controller = new AbortController();
      const response = await fetch(`${trackMate().url}/api/admin/export/events/ndjson`, { headers: { ...c.admin, 'accept-encoding': 'identity' }, signal: controller.signal });
      const id = response.headers.get('x-export-id');
      await response.body.getReader().read();
      assert.equal((await entry(c, id)).state, 'running');
      controller.abort();
      await until('an end', async () => (await entry(c, id)).state !== 'running');
      const e = await entry(c, id);
      assert.equal(e.state, 'aborted');
      assert.ok(e.rows > 0 && e.rows < 5500 && e.sha256 && e.next, JSON.stringify(e));

      const d1 = await trackMate().d1();
      const dead = (await download(c, 'events/ndjson?limit=5')).id;
      await d1.prepare("update exports set state = 'running', ended_at = null, touched_at = ? where company = ? and id = ?").bind(Date.now() - 16 * 60_000, c.companyId, dead).run();
      await trackMate().sweep();
      assert.equal((await entry(c, dead)).state, 'aborted');
      assert.match((await entry(c, dead)).endedAt, ISO);
    });

    test('of events has each with its owner, and takes time, type and user', async () => {
      const c = await newCompany(trackMate());
      const session = c.session();
      const at = (minute) => new Date(Date.UTC(2025, 5, 1, 10, minute)).toISOString();
      await c.track(session, { eventType: 'page_view', eventData: { n: 1, path: '=x' }, timestamp: at(0) }, { eventType: 'click', eventData: { n: -2 }, timestamp: at(9) });
      const { profileId } = (await c.identify(session, 'one@example.com', { timestamp: at(5) })).body;
      await c.identify(session, 'two@example.com', { timestamp: at(8) });
      await c.server({ userId: profileId }, 'paid', { timestamp: at(20), eventData: { amount: 5.5 } });
      await c.server(undefined, 'rebuild', { timestamp: at(30) });
      const rows = async (query = '') => (await download(c, `events/ndjson${query}`)).text.trimEnd().split('\n').filter(Boolean).map((line) => JSON.parse(line));
      const all = await rows();
      const owners = Object.fromEntries(all.map((e) => [`${e.eventType} ${e.timestamp}`, e.userId]));
      assert.equal(owners[`page_view ${at(0)}`], profileId);
      assert.equal(owners[`paid ${at(20)}`], profileId);
      assert.equal(owners[`rebuild ${at(30)}`], null);
      assert.ok(owners[`click ${at(9)}`] && owners[`click ${at(9)}`] !== profileId, 'the second person owns what came after');
      assert.deepEqual(Object.keys(all[0]), ['messageId', 'eventType', 'timestamp', 'source', 'sessionId', 'userId', 'receivedAt', 'bot', 'eventData', 'context']);
      const names = async (query) => (await rows(query)).map((e) => e.eventType).toSorted();
      assert.deepEqual(await names(`?userId=${profileId}`), ['identify', 'page_view', 'paid']);
      assert.deepEqual(await names('?eventType=click'), ['click']);
      assert.deepEqual(await names(`?from=${at(9)}&to=${at(30)}`), ['click', 'paid']);
      const csv = records((await download(c, 'events/csv?fields=eventType,eventData.n,eventData.path,eventData')).text);
      const view = csv.find((row) => row.eventType === 'page_view');
      assert.deepEqual([view['eventData.n'], view['eventData.path'], JSON.parse(view.eventData)], ['1', "'=x", { n: 1, path: '=x' }]);
      assert.equal(csv.find((row) => row.eventType === 'click')['eventData.n'], '-2');

      // All there is of one person, in one document.
      const person = await c.call('GET', `/api/admin/users/${profileId}/export`, undefined, c.admin);
      assert.deepEqual([person.body.user.id, person.body.summary.totalEvents, person.body.events.length, person.body.rows], [profileId, 3, 3, 3]);
      assert.deepEqual(new Set(person.body.events.map((e) => e.userId)), new Set([profileId]));
      assertProblem(await c.call('GET', '/api/admin/users/nobody/export', undefined, c.admin), 404, 'unknown_user');
    });

    test('of a person with many sessions has each event once', async () => {
      const c = await newCompany(trackMate());
      let profileId;
      for (let n = 0; n < 8; n += 1) {
        const session = c.session();
        await c.track(session, ...Array.from({ length: 150 }, (_, i) => ({ eventType: `e${n}`, eventData: { i } })));
        ({ profileId } = (await c.identify(session, 'many@example.com')).body);
      }
      await c.track(c.session(), { eventType: 'of nobody' });
      const events = JSON.parse((await download(c, `events/json?userId=${profileId}`)).text).events;
      assert.deepEqual([events.length, new Set(events.map((e) => e.messageId)).size], [8 * 151, 8 * 151]);
    });

    test('as CSV begins with a byte order mark where it is asked for, which its hash counts', async () => {
      const c = await people();
      const query = 'fields=id,tags&limit=3';
      const [plain, marked] = [await download(c, `users/csv?${query}`), await download(c, `users/csv?${query}&bom=true`)];
      assert.deepEqual(marked.bytes, Buffer.concat([Buffer.from('\ufeff'), plain.bytes]));
      const { sha256: hash, bytes, next } = await entry(c, marked.id);
      assert.deepEqual([hash, bytes], [sha256(marked.bytes), marked.bytes.length]);
      const rest = await download(c, `users/csv?fields=id,tags&bom=true&after=${next ?? plain.text.split('\r\n')[3].split(',')[0]}`);
      assert.ok(!rest.text.startsWith('\ufeff') && !rest.text.startsWith('id'), 'what goes on has neither mark nor titles');
      assertProblem(await refused(c, 'users/csv?bom=yes'), 400, 'invalid_field', 'bom');
    });

    test('of hostile names opens in LibreOffice without a single formula, its numbers numbers', { skip: noSoffice, timeout: 120_000 }, async () => {
      const c = await people();
      const { bytes } = await download(c, `users/csv?fields=${encodeURIComponent('firstName,traits.note,phone,traits.points,customFields.odd "name",email')}`);
      const marked = await download(c, `users/csv?fields=${encodeURIComponent('id,traits.note,phone')}&bom=true`);
      const folder = mkdtempSync(join(tmpdir(), 'trackmate-csv-'));
      try {
        writeFileSync(join(folder, 'hostile.csv'), bytes);
        // The same cells without the apostrophes: what the test is worth.
        writeFileSync(join(folder, 'naive.csv'), bytes.toString().replaceAll(/(^|[,;\t\n"])'/gm, '$1'));
        const open = (name, signs, charset, columns) =>
          run('soffice', [`-env:UserInstallation=file://${folder}/profile`, '--headless', '--convert-to', 'fods:OpenDocument Spreadsheet Flat XML', `--infilter=CSV:${signs},34,${charset},1,${columns},0,false,true,false`, '--outdir', folder, join(folder, `${name}.csv`)]);
        // A comma file, and as spreadsheets of other countries open it: at its semicolons, at its tabs, at all three.
        for (const [signs, isWhole] of [['44', true], ['59', false], ['9', false], ['44/59/9', true]]) {
          for (const name of ['hostile', 'naive']) {
            await open(name, signs, 76, '');
          }
          const opened = (name) => readFileSync(join(folder, `${name}.fods`), 'utf8');
          const formulas = (name) => opened(name).match(/table:formula=/g)?.length ?? 0;
          assert.ok(formulas('naive') > 0, `LibreOffice runs what is not neutralised, parted at ${signs}`);
          assert.equal(formulas('hostile'), 0, `parted at ${signs}`);
          if (isWhole) assert.match(opened('hostile'), /office:value-type="float" office:value="-\d+"/);
        }
        // With its mark nobody has to say that it is UTF-8 (0: find out), and a column of text keeps its plus signs.
        writeFileSync(join(folder, 'marked.csv'), marked.bytes);
        await open('marked', '44', 0, '3/2');
        const text = readFileSync(join(folder, 'marked.fods'), 'utf8');
        assert.equal(text.match(/<text:p>\+47\d+<\/text:p>/g).length, COUNT, 'every telephone number is as it was');
        assert.ok(text.includes('>é') && !text.includes('Ã'), 'no sign is another');
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  });
