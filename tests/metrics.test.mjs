// The metrics of a deployment, as an operator's Prometheus sees them.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startTrackMate, until } from './support/harness.mjs';
import { assertProblem, newCompany } from './support/people.mjs';
import { newWebhook } from './support/webhook.mjs';
import { freePort } from './support/wrangler.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (file) => readFileSync(join(ROOT, file), 'utf8');
const has = (command) => spawnSync(command, ['--version']).status === 0;
const without = (command) => (has(command) ? false : `${command} is not installed`);
const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

describe('the metrics', () => {
  let trackMate;
  let operator;
  before(async () => {
    trackMate = await startTrackMate({ METRICS_S: '1' });
    operator = { authorization: `Bearer ${trackMate.operatorKey}` };
  });
  after(() => trackMate?.close());

  const scrape = (headers = {}) => trackMate.call('GET', '/metrics', undefined, { ...operator, ...headers });
  /** The samples: name with labels → value. */
  const samples = async () => {
    const lines = (await scrape()).body.split('\n').filter((line) => line && !line.startsWith('#'));
    return Object.fromEntries(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]));
  };
  const value = async (name) => (await samples())[name] ?? 0;

  test('are given to the operator only', async () => {
    const c = await newCompany(trackMate);
    assertProblem(await trackMate.call('GET', '/metrics'), 401, 'missing_key');
    assertProblem(await trackMate.call('GET', '/metrics', undefined, { authorization: `Bearer ${c.adminKey}` }), 401, 'invalid_key');
    assertProblem(await trackMate.call('POST', '/metrics', {}, operator), 405, 'method_not_allowed');
  });

  test('come in the format that the client accepts', async () => {
    const open = await scrape({ accept: 'application/openmetrics-text;version=1.0.0,*/*;q=0.1' });
    assert.deepEqual([open.status, open.headers.get('content-type')], [200, OPEN_METRICS]);
    assert.match(open.body, /\n# EOF\n$/);
    const text = await scrape();
    assert.deepEqual([text.status, text.headers.get('content-type')], [200, 'text/plain; version=0.0.4; charset=utf-8']);
    assert.doesNotMatch(text.body, /EOF/);
  });

  test('count events, duplicates and rejections by source and code, and problems by code', async () => {
    const c = await newCompany(trackMate);
    const names = {
      stored: 'trackmate_events_total{source="browser",outcome="stored"}',
      duplicate: 'trackmate_events_total{source="browser",outcome="duplicate"}',
      server: 'trackmate_events_total{source="server",outcome="stored"}',
      rejected: 'trackmate_items_rejected_total{source="browser",code="missing_field"}',
      refused: 'trackmate_problems_total{code="unknown_company"}',
    };
    const start = await samples();
    const grown = async () => {
      const now = await samples();
      return Object.fromEntries(Object.entries(names).map(([key, name]) => [key, (now[name] ?? 0) - (start[name] ?? 0)]));
    };
    const session = c.session();
    const seen = { eventType: 'seen', messageId: 'm-1' };
    await c.events(session, [seen, { eventType: 'other' }, { eventData: {} }, { eventData: {} }]);
    await c.events(session, [seen]);
    await c.server({ email: 'metrics@example.com' }, 'paid');
    await c.call('POST', '/api/events', { company_id: 'TM-NOBODY', sessionId: session, events: [seen] });
    const expected = { stored: 2, duplicate: 1, server: 1, rejected: 2, refused: 1 };
    await until('the isolate writes what it counted', async () => (await grown()).refused === 1);
    const found = await until('all are written', async () => {
      const now = await grown();
      return now.server === 1 && now;
    });
    assert.deepEqual(found, expected);
    assert.ok((await value('trackmate_d1_round_trips_total')) > 4);
  });

  test('show what the sweep measured: open deliveries by state, when it ran and the size of the database', async (t) => {
    const w = await newWebhook(t, trackMate, { answer: () => 500, events: ['late'], retryDelay: 3600 });
    await w.send('late');
    await w.send('late');
    const attempted = async () => (await w.c.deliveries(w.webhook.id)).filter((delivery) => delivery.attempts.length === 1);
    await until('both first attempts', async () => (await attempted()).length === 2);
    const held = "update deliveries set state = 'held' where company = ?1 and id = (select min(id) from deliveries where company = ?1)";
    await w.d1.prepare(held).bind(w.c.companyId).run();
    await w.patch({ active: false });
    const before = Date.now();
    await trackMate.sweep();
    const found = await samples();
    assert.equal(found['trackmate_deliveries{state="held"}'], 1);
    assert.equal(found['trackmate_deliveries{state="pending"}'], 1);
    assert.equal(found.trackmate_delivery_oldest_due_age_seconds, 0);
    assert.equal(found.trackmate_gauges_exact, 1);
    assert.ok(found.trackmate_sweep_last_run_timestamp_seconds * 1000 >= before);
    assert.ok(found.trackmate_sweep_duration_seconds < 60);
    assert.ok(found.trackmate_database_size_bytes > 10_000);
    assert.equal(found.trackmate_database_size_limit_bytes, 1e10);
    await until('the attempts are counted', async () => (await value('trackmate_delivery_attempts_total{state="pending"}')) === 2);
  });

  test('cost one round trip and a few rows, whatever is stored', async () => {
    const totals = async () => Object.fromEntries([...(await trackMate.call('GET', '/healthz')).headers.get('x-isolate').matchAll(/(trips|read|written)=(\d+)/g)].map(([, name, n]) => [name, Number(n)]));
    let [last, same] = [null, 0];
    const start = await until('nothing else is under way', async () => {
      const now = await totals();
      same = now.trips === last?.trips ? same + 1 : 0;
      last = now;
      return same > 12 && now;
    });
    await scrape();
    const end = await totals();
    assert.equal(end.trips - start.trips, 1);
    assert.ok(end.read - start.read <= 20, `${end.read - start.read} rows`);
    assert.equal(end.written, start.written);
  });

  test('of the dashboard, the alerts and the documentation are metrics that there are', async () => {
    const source = read('edge/src/domain/metrics.rs');
    const gauges = [...source.matchAll(/"(trackmate_\w+)",?\s*\n?\s*"/g)].map(([, name]) => name);
    const counters = [...source.matchAll(/name: "(trackmate_\w+)"/g)].map(([, name]) => `${name}_total`);
    const known = new Set([...gauges, ...counters]);
    assert.ok(known.size > 15, [...known].join(' '));
    for (const file of ['deploy/grafana/trackmate.json', 'deploy/prometheus/alerts.yml', 'docs/monitor.md']) {
      const named = new Set([...read(file).matchAll(/trackmate_\w+/g)].map(([name]) => name));
      assert.deepEqual([...named].filter((name) => !known.has(name)), [], file);
    }
    const documented = read('docs/monitor.md');
    for (const name of known) assert.ok(documented.includes(`\`${name}\``), `docs/monitor.md has no ${name}`);
    const alerts = [...read('deploy/prometheus/alerts.yml').matchAll(/alert: (\w+)/g)].map(([, name]) => name);
    for (const name of alerts) assert.ok(documented.includes(`| \`${name}\` |`), `docs/monitor.md does not explain ${name}`);
  });

  test('pass promtool check metrics, and so do the configuration and the alerts', { skip: without('promtool') }, async () => {
    const { body } = await scrape();
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' });
    assert.deepEqual([checked.status, checked.stdout, checked.stderr], [0, '', '']);
    const folder = join(ROOT, 'deploy/prometheus');
    const rules = spawnSync('promtool', ['check', 'rules', 'alerts.yml'], { cwd: folder, encoding: 'utf8' });
    assert.equal(rules.status, 0, rules.stderr);
    const config = spawnSync('promtool', ['check', 'config', '--syntax-only', 'prometheus.yml'], { cwd: folder, encoding: 'utf8' });
    assert.equal(config.status, 0, config.stderr + config.stdout);
  });

  test('are scraped by a real Prometheus, with the shipped configuration', { skip: without('prometheus') }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'trackmate-prometheus-'));
    const port = await freePort();
    const { host } = new URL(trackMate.url);
    const config = read('deploy/prometheus/prometheus.yml').replace('scheme: https', 'scheme: http').replace('your-trackmate.example', host).replace('1m', '1s');
    writeFileSync(join(folder, 'prometheus.yml'), config);
    writeFileSync(join(folder, 'alerts.yml'), read('deploy/prometheus/alerts.yml'));
    writeFileSync(join(folder, 'operator-key'), trackMate.operatorKey);
    const prometheus = spawn('prometheus', [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' });
    const exited = new Promise((resume) => prometheus.once('exit', resume));
    t.after(async () => {
      prometheus.kill();
      await exited;
      rmSync(folder, { recursive: true, force: true });
    });
    const query = async (text) => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(text)}`).catch(() => null);
      return (await answer?.json())?.data?.result ?? [];
    };
    const up = await until('the first scrape', async () => (await query('up{job="trackmate"} == 1'))[0]);
    assert.equal(up.value[1], '1');
    const stored = await until('a counter', async () => (await query('trackmate_events_total{source="browser",outcome="stored"}'))[0]);
    assert.ok(Number(stored.value[1]) > 0);
    const dashboard = JSON.parse(read('deploy/grafana/trackmate.json'));
    for (const { expr } of dashboard.panels.flatMap(({ targets }) => targets)) {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expr)}`);
      assert.equal(answer.status, 200, expr);
    }
  });
});
