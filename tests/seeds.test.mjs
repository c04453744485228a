// The seeds as they were written: their command lines run by a shell, their receivers as processes, against the real Worker. A line is changed only
// where it says "put yours here" (a host, a key, an id). How a route behaves beyond that is in tests/api.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { trackmate } from './support/cli.mjs';
import { startTrackMate, until } from './support/harness.mjs';
import { newCompany } from './support/people.mjs';
import { python, skip as noPython } from './support/python.mjs';
import { isSigned, startReceiver } from './support/receiver.mjs';
import { freePort } from './support/wrangler.mjs';

const file = (name) => fileURLToPath(new URL(`seeds/${name}`, import.meta.url));
const missing = (command) => (spawnSync(command, ['--version']).status === 0 ? false : `${command} is not installed`);
const here = { skip: missing('curl') };

/** Seed 004's event, data in the seed's order. */
const MATCH = {
  best_model: 'ray_ban_glasses.glb',
  confidence: 0.87,
  source_image: 'ray_ban_glasses.jpg',
  model_url: 'https://jigu.s3.eu-west-1.wasabisys.com/ray_ban_glasses.glb?...',
  timestamp: '2025-11-30T14:30:45.123Z',
  images_count: 3,
};
/** Seed 003's user. */
const USER = {
  id: 'clx123...',
  manychatId: '1234567890',
  instagramUsername: 'johndoe',
  instagramId: '9876543210',
  firstName: 'John',
  lastName: 'Doe',
  fullName: 'John Doe',
  email: 'john@example.com',
  phone: '+1234567890',
  whatsappPhone: '+1234567890',
  gender: 'male',
  locale: 'en_US',
  timezone: 'America/New_York',
  profilePic: 'https://...',
  optIns: { messenger: true, instagram: true, whatsapp: false, telegram: false },
  exportConsent: { given: true, at: '2025-11-06T10:00:00.000Z' },
  tags: [{ id: 'clx456...', name: 'vip', appliedAt: '2025-11-06T09:00:00.000Z' }],
  customFields: { favorite_drink: 'Cappuccino', visit_count: '5', loyalty_points: '150' },
  interactions: { messagesCount: 25, commentsCount: 8, storiesCount: 3, totalCount: 36, lastUpdated: '2025-11-06T10:00:00.000Z' },
  stats: { bookingsCount: 3, qrScansCount: 12, conversationsCount: 2, lastBooking: '2025-11-05T14:30:00.000Z', lastSynced: '2025-11-06T10:30:00.000Z' },
  timestamps: { subscribedAt: '2025-10-01T10:00:00.000Z', createdAt: '2025-10-01T10:00:00.000Z', updatedAt: '2025-11-06T10:30:00.000Z' },
};
const BOOKING = { startTime: '2025-11-07T10:00:00Z', endTime: '2025-11-07T11:00:00Z', status: 'pending', tool: { name: 'Laser' }, user: { firstName: 'John', email: 'john@example.com' } };
/** Seed 003's catalogue with its payloads. */
const CATALOGUE = {
  'user.created': { user: USER },
  'user.updated': { user: USER, changes: { email: { old: 'j@example.com', new: 'john@example.com' } } },
  'booking.created': { booking: BOOKING, user: USER },
  'booking.updated': { booking: BOOKING, changes: { status: { old: 'pending', new: 'confirmed' } } },
  'booking.cancelled': { booking: BOOKING },
  'booking.completed': { booking: BOOKING },
  'qr.scanned': { qrCode: { code: 'Q1' }, user: USER, scannedBy: 'scanner-1' },
  'qr.validated': { qrCode: { code: 'Q1' }, user: USER },
  'tag.added': { user: USER, tag: 'vip' },
  'tag.removed': { user: USER, tag: 'vip' },
  'customfield.updated': { user: USER, field: { name: 'visit_count', old: '4', new: '5' } },
};

describe('the seeds', () => {
  let trackMate;
  let home;
  before(async () => {
    trackMate = await startTrackMate();
    home = mkdtempSync(join(tmpdir(), 'trackmate-seeds-'));
    // Of curl's own settings, not of the line: no progress on stderr, and the status behind the answer.
    writeFileSync(join(home, '.curlrc'), 'silent\nwrite-out = "\\n%{http_code}"\n');
  });
  after(() => {
    rmSync(home, { recursive: true, force: true });
    return trackMate?.close();
  });

  /** Runs a line in a shell → {code, stdout, stderr}. */
  async function shell(line, env = {}) {
    const child = spawn('sh', ['-c', line], { cwd: home, env: { PATH: process.env.PATH, HOME: home, CURL_HOME: home, TZ: 'UTC', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const text = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr']) child[stream].setEncoding('utf8').on('data', (part) => (text[stream] += part));
    const [code] = await once(child, 'close');
    return { code, ...text };
  }

  /** Runs a curl line → {status, body}. */
  async function curl(line) {
    const { code, stdout, stderr } = await shell(line);
    assert.equal(code, 0, `${line}\n${stderr}`);
    const end = stdout.lastIndexOf('\n');
    return { status: Number(stdout.slice(end + 1)), body: JSON.parse(stdout.slice(0, end)) };
  }

  /** Runs a receiver until the test ends → {url, told}: `told(name)` are the arguments of the calls that reached that name. */
  async function receiver(t, command, args, { port, secret = '' } = {}) {
    port ??= await freePort();
    const TOLD = join(mkdtempSync(join(home, 'told-')), 'lines');
    writeFileSync(TOLD, '');
    const child = spawn(command, args(port), { env: { ...process.env, PORT: String(port), WEBHOOK_SECRET: secret, TOLD }, stdio: ['ignore', 'pipe', 'ignore'] });
    t.after(() => child.kill('SIGKILL'));
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (part) => (out += part));
    const url = `http://127.0.0.1:${port}`;
    await until(`${command} answers`, () => fetch(url).then((answer) => answer.text().then(() => true), () => false));
    const lines = () => `${out}${readFileSync(TOLD)}`.split('\n').filter((line) => line.startsWith('["'));
    return { url, told: (name) => lines().map((line) => JSON.parse(line)).filter(([said]) => said === name).map(([, ...rest]) => rest) };
  }
  const inExpress = (t, more) => receiver(t, process.execPath, () => [file('receivers.cjs')], more);

  /** The end of the only delivery of a subscription. */
  const ended = async (company, webhook) =>
    (
      await until('an end of the delivery', async () => {
        const deliveries = await company.deliveries(webhook.id);
        return deliveries[0]?.finishedAt && deliveries;
      })
    )[0];

  describe('of the funnel (002)', () => {
    const REGISTRATION = {
      email: 'contact@example.com',
      name: 'Contact Name',
      funnel: { projectId: '6f1c1b1e-0000-4000-8000-000000000001', projectName: 'Human-readable name', pageId: '6f1c1b1e-0000-4000-8000-000000000002', pageUrl: 'https://funnel.example/full?page=url' },
      visitor: { id: 'visitor-1', userAgent: 'Browser user agent', referrer: 'https://referring.example/' },
      utm: { source: 'UTM source', medium: 'UTM medium', campaign: 'UTM campaign', term: 'UTM term', content: 'UTM content' },
    };

    test('a contact reaches the CRM in the seed’s shape and order, and its signature is also that of the payload parsed and written again', here, async (t) => {
      const c = await newCompany(trackMate);
      const crm = await startReceiver();
      t.after(crm.close);
      const set = await curl(`curl -X PATCH ${trackMate.url}/api/admin/settings -H "Content-Type: application/json" -H "X-Admin-ID: ${c.adminKey}" \\
        -d '{"webhook_enabled": true, "crm_webhook_url": "${crm.url}/webhook", "webhook_secret": "optional-secret-key"}'`);
      assert.equal(set.status, 200, JSON.stringify(set.body));
      const { status } = await curl(`curl -X POST ${trackMate.url}/api/contacts -H "Content-Type: application/json" -d '${JSON.stringify({ company_id: c.companyId, ...REGISTRATION })}'`);
      assert.equal(status, 200);
      await until('the CRM', () => crm.requests.length === 1);
      const [request] = crm.requests;
      assert.deepEqual(Object.keys(request.json).slice(0, 3), ['event', 'timestamp', 'data']);
      assert.equal(JSON.stringify(request.json.data), JSON.stringify(REGISTRATION));
      assert.equal(request.json.timestamp, new Date(request.json.timestamp).toISOString());
      assert.ok(isSigned({ ...request, body: JSON.stringify(request.json) }, 'optional-secret-key'));
    });

    /** What the log says of a contact that the CRM refused → {delivery, url}. */
    async function refused(t) {
      const c = await newCompany(trackMate);
      const crm = await startReceiver(() => 422);
      t.after(crm.close);
      const url = `${crm.url}/webhook`;
      await c.call('PATCH', '/api/admin/settings', { webhook_enabled: true, crm_webhook_url: url }, c.admin);
      await c.call('POST', '/api/contacts', { company_id: c.companyId, ...REGISTRATION });
      return { delivery: await ended(c, { id: 'wh_funnel' }), url };
    }

    test('the log of a contact’s webhook shows where it went, how often, and what came of it', async (t) => {
      const { delivery, url } = await refused(t);
      assert.deepEqual([delivery.event, delivery.status, delivery.attempts.length], ['registration.submitted', 'failed_permanent', 1], 'a 4xx is not tried again');
      const [attempt] = delivery.attempts;
      assert.deepEqual([attempt.url, attempt.statusCode, attempt.success, attempt.error, attempt.attempt], [url, 422, false, 'the receiver answered 422', 1]);
      assert.ok(Date.now() - Date.parse(delivery.finishedAt) < 60_000);
    });

    test('the log of a contact’s webhook shows the payload', async (t) => {
      const { delivery } = await refused(t);
      assert.ok(JSON.stringify(delivery).includes(REGISTRATION.funnel.pageUrl), `the log has only ${Object.keys(delivery)}`);
    });
  });

  describe('of the subscriptions (003)', () => {
    test('curl makes, lists, shows, changes, tests and deletes a subscription', here, async (t) => {
      const c = await newCompany(trackMate);
      const target = await startReceiver();
      t.after(target.close);
      const { status, body } = await curl(`curl -X POST ${trackMate.url}/api/admin/webhooks \\
  -H "Content-Type: application/json" \\
  -H "X-Admin-ID: ${c.adminKey}" \\
  -d '{
  "name": "My CRM Webhook",
  "url": "https://your-crm.com/webhooks/flowkick",
  "events": ["user.created", "user.updated", "booking.created"],
  "description": "Sync users and bookings to our CRM",
  "retryAttempts": 3,
  "retryDelay": 60,
  "timeoutMs": 10000
}'`);
      assert.deepEqual([status, body.success], [200, true], JSON.stringify(body));
      const { id, secret, createdAt, ...shown } = body.webhook;
      assert.ok(id && secret.length >= 32 && Date.now() - Date.parse(createdAt) < 60_000);
      const { name, url, events, active } = shown;
      assert.deepEqual([name, url, events, active], ['My CRM Webhook', 'https://your-crm.com/webhooks/flowkick', ['user.created', 'user.updated', 'booking.created'], true]);
      assert.deepEqual([shown.description, shown.retryAttempts, shown.retryDelay, shown.timeoutMs], ['Sync users and bookings to our CRM', 3, 60, 10_000]);

      const list = await curl(`curl ${trackMate.url}/api/admin/webhooks -H "X-Admin-ID: ${c.adminKey}"`);
      assert.deepEqual(list.body.webhooks.map((w) => [w.id, w.active]), [[id, true]]);
      const changed = await curl(`curl -X PATCH ${trackMate.url}/api/admin/webhooks/${id} -H "Content-Type: application/json" -H "X-Admin-ID: ${c.adminKey}" -d '{
  "active": true,
  "events": ["user.created", "user.updated", "booking.created", "qr.scanned"]
}'`);
      assert.deepEqual([changed.status, changed.body.webhook.events.length, changed.body.webhook.url], [200, 4, url]);
      // The host that the seed leaves to its reader: from here on it is ours.
      await curl(`curl -X PATCH ${trackMate.url}/api/admin/webhooks/${id} -H "Content-Type: application/json" -H "X-Admin-ID: ${c.adminKey}" -d '{"url": "${target.url}/hook"}'`);
      const tested = await curl(`curl -X POST ${trackMate.url}/api/admin/webhooks/${id}/test \\
  -H "X-Admin-ID: ${c.adminKey}"`);
      assert.deepEqual([tested.status, tested.body.success, tested.body.delivered], [200, true, true]);
      assert.ok(isSigned(target.requests[0], secret));
      const one = await curl(`curl ${trackMate.url}/api/admin/webhooks/${id} -H "X-Admin-ID: ${c.adminKey}"`);
      assert.deepEqual([one.body.webhook.id, Array.isArray(one.body.deliveries)], [id, true]);
      const deleted = await curl(`curl -X DELETE ${trackMate.url}/api/admin/webhooks/${id} -H "X-Admin-ID: ${c.adminKey}"`);
      assert.deepEqual([deleted.status, deleted.body.success], [200, true]);
      assert.deepEqual((await curl(`curl ${trackMate.url}/api/admin/webhooks -H "X-Admin-ID: ${c.adminKey}"`)).body.webhooks, []);
      assert.equal((await curl(`curl ${trackMate.url}/api/admin/webhooks -H "X-Admin-ID: your-admin-id"`)).status, 401);
    });

    test('curl saves an export as CSV and as JSON, and the guide’s queries find whom they should', here, async () => {
      const c = await newCompany(trackMate);
      const user = { firstName: 'John', exportConsent: true, tags: { add: ['vip'] } };
      await c.server({ email: 'john@example.com' }, 'booking.created', { user, eventData: { booking: { id: 'b1' } } });
      await c.server({ email: 'jane@example.com' }, 'made', { user: { ...user, firstName: 'Jane', exportConsent: false } });
      const csv = await shell(`curl -X GET "${trackMate.url}/api/admin/export/users/csv?createdAfter=2025-01-01&limit=10" \\
  -H "X-Admin-ID: ${c.adminKey}" \\
  --output users.csv`);
      assert.match(csv.stdout, /200$/);
      const lines = readFileSync(join(home, 'users.csv'), 'utf8').trimEnd().split('\r\n');
      assert.deepEqual([lines.length, lines[0].slice(0, 17)], [3, 'id,email,fullName']);
      const json = await shell(`curl -X GET "${trackMate.url}/api/admin/export/users/json?includeBookings=true" \\
  -H "X-Admin-ID: ${c.adminKey}" \\
  --output users.json`);
      assert.match(json.stdout, /200$/);
      assert.equal(JSON.parse(readFileSync(join(home, 'users.json'), 'utf8')).users.length, 2);
      const get = (path) => fetch(`${trackMate.url}${path}`, { headers: c.admin }).then((answer) => answer.text());
      const consented = await get('/api/admin/export/users/csv?createdAfter=2025-01-01&hasTag=vip&exportConsentOnly=true');
      assert.ok(consented.includes('john@example.com') && !consented.includes('jane@example.com'));
      assert.equal(JSON.parse(await get('/api/admin/export/users/json?createdAfter=2025-01-01&includeBookings=true&includeQRCodes=true')).users.length, 2);
      const listed = JSON.parse(await get('/api/admin/users?limit=50&offset=0&createdAfter=2025-01-01&hasTag=vip&search=john'));
      assert.deepEqual([listed.users.map((u) => u.email), listed.pagination.total], [['john@example.com'], 1]);
      assert.deepEqual(JSON.parse(await get('/api/admin/exports')).exports.map((e) => `${e.kind} ${e.format} ${e.rows}`), ['users json 2', 'users csv 1', 'users json 2', 'users csv 2']);
    });

    test('the verifying receiver takes every event of the catalogue as it was sent, and refuses what another secret signed', async (t) => {
      const c = await newCompany(trackMate);
      const port = await freePort();
      const url = `http://127.0.0.1:${port}/webhooks/flowkick`;
      const webhook = await c.subscribe(url, Object.keys(CATALOGUE), { retryAttempts: 1 });
      const stranger = await c.subscribe(url, ['user.created'], { retryAttempts: 1 });
      const { told } = await inExpress(t, { port, secret: webhook.secret });
      for (const [eventType, eventData] of Object.entries(CATALOGUE)) await c.server(undefined, eventType, { eventData });
      await until('the whole catalogue', () => told('verified').length === Object.keys(CATALOGUE).length);
      for (const [{ event, timestamp, data, metadata }] of told('verified')) {
        assert.equal(JSON.stringify(data), JSON.stringify(CATALOGUE[event]), event);
        assert.equal(timestamp, new Date(timestamp).toISOString());
        assert.deepEqual([typeof metadata.source, metadata.action], ['string', event.split('.')[1]]);
      }
      const { status, attempts } = await ended(c, stranger);
      assert.deepEqual([status, attempts.map((a) => [a.statusCode, a.responseBody])], ['failed_permanent', [[401, '{"error":"Invalid signature"}']]]);
    });

    test('the receivers of the use cases find every field they read', async (t) => {
      const c = await newCompany(trackMate);
      const { url, told } = await inExpress(t);
      const uses = { hubspot: ['user.*'], sheets: ['booking.created'], analytics: ['user.updated'] };
      const webhooks = await Promise.all(Object.entries(uses).map(([path, events]) => c.subscribe(`${url}/${path}`, events, { retryAttempts: 1 })));
      for (const eventType of ['user.created', 'user.updated', 'booking.created']) await c.server(undefined, eventType, { eventData: CATALOGUE[eventType] });
      for (const webhook of webhooks) assert.equal((await ended(c, webhook)).status, 'delivered', webhook.url);
      await until('both of the user', () => told('hubspot.contacts.createOrUpdate').length === 2);
      const [[contact]] = told('hubspot.contacts.createOrUpdate');
      assert.deepEqual(contact, {
        email: 'john@example.com',
        properties: { firstname: 'John', lastname: 'Doe', phone: '+1234567890', instagram_username: 'johndoe', favorite_drink: 'Cappuccino', visit_count: '5', tags: 'vip' },
      });
      const [[row]] = told('sheets.spreadsheets.values.append');
      assert.deepEqual(row.resource.values, [['John', 'john@example.com', BOOKING.startTime, BOOKING.endTime, 'pending', 'Laser']]);
      const [[{ timestamp, ...activity }]] = told('analyticsDB.trackUserActivity');
      assert.deepEqual(activity, {
        userId: 'clx123...', instagramUsername: 'johndoe', messagesCount: 25, commentsCount: 8, storiesCount: 3, totalInteractions: 36, bookingsCount: 3, qrScansCount: 12,
      });
    });
  });

  describe('of the manager (004)', () => {
    for (const [language, command, start, here] of [
      ['Express', process.execPath, () => [file('receivers.cjs')], {}],
      ['Flask', python, () => [file('match.py')], { skip: noPython }],
      ['PHP', 'php', (port) => ['-S', `127.0.0.1:${port}`, file('match.php')], { skip: missing('php') }],
    ]) {
      test(`the receiver in ${language} is told of a match, an upload and a rebuild`, here, async (t) => {
        const c = await newCompany(trackMate);
        const { url, told } = await receiver(t, command, start);
        const webhook = await c.subscribe(`${url}/api/webhook`, ['match', 'upload', 'rebuild']);
        await c.server(undefined, 'upload', { eventData: { model_name: 'new_glasses.glb', has_thumbnail: true, uploaded_by: 'api_key_name' } });
        await c.server(undefined, 'rebuild', { eventData: { models_count: 167, success: true } });
        await c.server(undefined, 'match', { eventData: MATCH });
        const deliveries = await until('three ends', async () => {
          const list = await c.deliveries(webhook.id);
          return list.length === 3 && list.every((d) => d.finishedAt) && list;
        });
        assert.deepEqual(deliveries.map((d) => [d.status, JSON.parse(d.attempts[0].responseBody)]), Array(3).fill(['delivered', { received: true }]));
        await until('the match', () => told('notifyUser').length > 0);
        assert.deepEqual([told('saveMatchResult'), told('notifyUser')], [[[MATCH]], [[MATCH]]]);
      });
    }

    test('the receivers of the use cases, and the one that answers before it works, find every field they read', async (t) => {
      const c = await newCompany(trackMate);
      const { url, told } = await inExpress(t);
      const webhooks = await Promise.all(['shop', 'tracking', 'inventory', 'crm', 'first'].map((path) => c.subscribe(`${url}/${path}`, ['match'], { retryAttempts: 1 })));
      await c.server(undefined, 'match', { eventData: MATCH });
      for (const webhook of webhooks) assert.equal((await ended(c, webhook)).status, 'delivered', webhook.url);
      assert.deepEqual(told('addToCart'), [['user', { product: MATCH.best_model, confidence: 0.87, modelUrl: MATCH.model_url }]]);
      assert.deepEqual(told('sendEmail')[0][1].confidence, '87%');
      assert.deepEqual(told('analytics.track'), [['Model Matched', { model: MATCH.best_model, confidence: 0.87, images_count: 3, timestamp: MATCH.timestamp }]]);
      assert.deepEqual([told('notifySupplier'), told('incrementPopularity')], [[[MATCH.best_model]], [[MATCH.best_model]]]);
      assert.deepEqual(told('crm.createLead'), [[{ source: 'AI Glasses Finder', product_interest: MATCH.best_model, confidence: 0.87, timestamp: MATCH.timestamp }]]);
      const [[processed]] = await until('the work after the answer', () => told('processWebhook').length > 0 && told('processWebhook'));
      assert.deepEqual(processed.data, MATCH);
    });

    test('the receiver that asks for a token in a header takes only what carries it', async (t) => {
      const c = await newCompany(trackMate);
      const { url } = await inExpress(t);
      const headers = { Authorization: 'Bearer your-token-here', 'X-Custom-Header': 'custom-value' };
      const guarded = await c.subscribe(`${url}/guarded`, ['match'], { headers: { ...headers, 'X-Webhook-Secret': 'your-secret-token-here' } });
      const bare = await c.subscribe(`${url}/guarded`, ['match'], { headers });
      await c.server(undefined, 'match', { eventData: MATCH });
      assert.equal((await ended(c, guarded)).status, 'delivered');
      const { status, attempts } = await ended(c, bare);
      assert.deepEqual([status, attempts.map((a) => a.responseBody)], ['failed_permanent', ['{"error":"Unauthorized"}']]);
    });

    test('curl reaches the receiver by the line that the guide checks it with', here, async (t) => {
      const { url } = await inExpress(t);
      const { status, body } = await curl(`curl -X POST ${url}/api/webhook \\
     -H "Content-Type: application/json" \\
     -d '{"test": true}'`);
      assert.deepEqual([status, body], [200, { received: true }]);
    });

    test('the manager’s command lines work as they stand, `trackmate webhooks` in place of the script', async (t) => {
      const c = await newCompany(trackMate);
      const target = await startReceiver();
      t.after(target.close);
      const bin = trackmate();
      const env = { PATH: `${dirname(bin)}:${process.env.PATH}`, TRACKMATE_URL: trackMate.url, TRACKMATE_ADMIN_KEY: c.adminKey };
      const manage = async (line) => {
        const { code, stdout, stderr } = await shell(`trackmate webhooks ${line}`, env);
        assert.equal(code, 0, `${line}\n${stdout}${stderr}`);
        return stdout;
      };
      // Adding sends nothing, so the hosts may stay those of the guide.
      const added = [
        ['add "https://your-app.com/api/webhook" "My App"', 'https://your-app.com/api/webhook', 'My App', ['*']],
        ['add "https://api.example.com/webhook" "My App"', 'https://api.example.com/webhook', 'My App', ['*']],
        ['add "https://api.example.com/webhook" "My App" match,upload', 'https://api.example.com/webhook', 'My App', ['match', 'upload']],
        ['add "https://app1.com/webhook" "App 1"', 'https://app1.com/webhook', 'App 1', ['*']],
        ['add "https://app2.com/webhook" "App 2"', 'https://app2.com/webhook', 'App 2', ['*']],
        ['add "https://abc123.ngrok.io/webhook" "Test"', 'https://abc123.ngrok.io/webhook', 'Test', ['*']],
        ['add "https://webhook.site/your-unique-id" "Test"', 'https://webhook.site/your-unique-id', 'Test', ['*']],
        ['add "https://requestbin.com/your-bin" "Test"', 'https://requestbin.com/your-bin', 'Test', ['*']],
      ];
      for (const [line] of added) await manage(line);
      const { webhooks } = (await c.get('/api/admin/webhooks')).body;
      const shown = webhooks.map(({ url, name, events }) => JSON.stringify([url, name, events])).toSorted();
      assert.deepEqual(shown, added.map(([, ...rest]) => JSON.stringify(rest)).toSorted());

      const list = await manage('list');
      assert.ok(list.startsWith(`Configured Webhooks:\n${'━'.repeat(60)}\n\n1. `), list);
      const block = (events) => new RegExp(`\\n\\d+\\. My App ✓\\n   ID:             \\S+\\n   URL:            https://api\\.example\\.com/webhook\\n   Events:         ${events}\\n(?:   .*\\n)*?   Success:        0\\n   Failures:       0\\n   Last Triggered: `);
      assert.match(list, block('match, upload'));
      for (const { id } of webhooks) await manage(`remove ${id}`);
      assert.deepEqual((await c.get('/api/admin/webhooks')).body.webhooks, []);

      await manage(`add "${target.url}/api/webhook" "My App"`);
      await manage(`test "${target.url}/api/webhook"`);
      assert.equal(target.requests.length, 1);
      await manage('disable');
      await c.server(undefined, 'match', { eventData: MATCH });
      await manage('enable');
      await until('what came while all were off', () => target.requests.some((r) => r.json.event === 'match'));
      await until('the count', async () => /\nMy App +✓ +1 +0 /.test(await manage('stats')));
    });
  });
});
