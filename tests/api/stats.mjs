// The figures of the overview: to the last unit those of the lists and exports they are of, over a history that is made by chance. `SEED` repeats one.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { randomFrom } from '../support/chaos.mjs';
import { until } from '../support/harness.mjs';
import { assertProblem, newCompany } from '../support/people.mjs';
import { startReceiver } from '../support/receiver.mjs';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const STEPS = { hour: HOUR, day: DAY };
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 32);
const iso = (ms) => new Date(ms).toISOString();
const sum = (numbers) => numbers.reduce((all, n) => all + n, 0);

export default (trackMate) =>
  describe('the figures of a range', () => {
    const world = {};
    after(() => world.receiver?.close());

    /** Four days of a shop: people on shared browsers, servers, an undo, a merge, an erasure; webhooks that take, refuse and wait. */
    const history = async () => {
      if (world.c) return world;
      const random = randomFrom(seed);
      const among = (list) => list[Math.floor(random() * list.length)];
      const c = await newCompany(trackMate());
      const receiver = await startReceiver(({ path }) => (path === '/refuses' ? 400 : 200));
      const now = Date.now();
      const time = () => now - Math.floor(random() * 4 * DAY);
      const webhooks = [
        await c.subscribe(`${receiver.url}/takes`, ['page_view', 'paid', 'user.*'], { name: 'takes' }),
        await c.subscribe(`${receiver.url}/refuses`, ['paid'], { name: 'refuses' }),
        await c.subscribe(`${receiver.url}/waits`, ['booking.created'], { name: 'waits', active: false }),
        await c.subscribe(`${receiver.url}/idle`, ['never'], { name: 'idle' }),
      ];
      const sessions = Array.from({ length: 6 }, () => c.session());
      const people = ['ada', 'bob', 'eve', 'kim'].map((name) => `${name}@example.com`);
      const names = ['page_view', 'page_view', 'product_viewed', 'added_to_cart', ...Array.from({ length: 12 }, (_, n) => `rare_${n}`)];
      const found = [];
      for (let n = 0; n < 60; n += 1) {
        const timestamp = iso(time());
        const kind = random();
        if (kind < 0.5) await c.track(among(sessions), ...Array.from({ length: 1 + Math.floor(random() * 6) }, () => ({ eventType: among(names), timestamp: iso(time()) })));
        else if (kind < 0.7) found.push((await c.identify(among(sessions), among(people), { timestamp, messageId: `identify-${n}` })).body);
        else if (kind < 0.8) await c.server({ email: among(people) }, among(['paid', 'booking.created']), { timestamp, eventData: { amount: 1, booking: { id: `b${n}` } } });
        else if (kind < 0.9) await c.server({ sessionId: among(sessions) }, 'paid', { timestamp, eventData: { amount: 1 } });
        else await c.server(undefined, 'rebuild', { timestamp });
      }
      const ids = async () => (await c.get('/api/admin/users?limit=100')).body.users.map((user) => user.id);
      for (const email of people) await c.server({ email }, 'paid', { timestamp: iso(time()) });
      const [into, from, gone] = await ids();
      assert.equal((await c.call('POST', '/api/admin/identity/merge', { into, from }, c.admin)).status, 200);
      await c.call('POST', '/api/admin/identity/undo', { messageId: 'identify-0' }, c.admin);
      const undone = found.length ? (await c.get(`/api/admin/users/${into}/identities`)).body.links : [];
      for (const { messageId } of undone.slice(0, 1)) await c.call('POST', '/api/admin/identity/undo', { messageId }, c.admin);
      assert.equal((await c.call('DELETE', `/api/admin/users/${gone}`, undefined, c.admin)).status, 200);
      // Whatever chance has made: something waits, of somebody who stays.
      await c.server({ userId: into }, 'booking.created', { timestamp: iso(time()), eventData: { booking: { id: 'b-last' } } });
      const all = async () => (await Promise.all(webhooks.map((w) => deliveries(c, w.id)))).flat();
      await until('every delivery to end or be held', async () => (await all()).every((d) => d.status !== 'pending'));
      return Object.assign(world, { c, receiver, webhooks, now, random, all });
    };

    /** All deliveries of a webhook, page by page. */
    const deliveries = async (c, id) => {
      const found = [];
      for (let cursor = ''; cursor !== null; ) {
        const { body } = await c.get(`/api/admin/webhooks/${id}/deliveries?limit=50&cursor=${cursor}`);
        found.push(...body.deliveries);
        cursor = body.pagination.nextCursor;
      }
      return found;
    };

    /** What the API's own lists say of a range. */
    const counted = async ({ c, all }, from, to, step) => {
      const range = `from=${iso(from)}&to=${iso(to)}`;
      const { events } = (await c.get(`/api/admin/export/events/json?${range}`)).body;
      assert.equal((await c.get(`/api/admin/export/events/count?${range}`)).body.rows, events.length);
      const created = (await c.get(`/api/admin/users?limit=1000&createdAfter=${iso(from)}&createdBefore=${iso(to)}`)).body.users.map((user) => Date.parse(user.timestamps.createdAt));
      const sent = (await all()).filter((d) => Date.parse(d.createdAt) >= from && Date.parse(d.createdAt) < to);
      const within = (times, at) => times.filter((time) => time >= at && time < Math.min(at + step, to)).length;
      const of = (...statuses) => sent.filter((d) => statuses.includes(d.status));
      const took = of('delivered').map((d) => Math.min(...d.attempts.filter((a) => a.success).map((a) => Date.parse(a.at) + a.durationMs)) - Date.parse(d.createdAt)).sort((a, b) => a - b);
      const rank = (percent) => took[Math.ceil((took.length * percent) / 100) - 1];
      const names = Object.entries(Object.groupBy(events, (e) => e.eventType)).map(([name, same]) => ({ name, count: same.length }));
      const [arrived, failed] = [of('delivered'), of('exhausted', 'failed_permanent')];
      const at = (list) => list.map((d) => Date.parse(d.createdAt));
      return {
        totals: {
          events: events.length,
          browserEvents: events.filter((e) => e.source === 'browser').length,
          serverEvents: events.filter((e) => e.source === 'webhook').length,
          people: (await c.get('/api/admin/users?limit=1')).body.pagination.total,
          activePeople: new Set(events.map((e) => e.userId).filter(Boolean)).size,
          newPeople: created.length,
          sessions: new Set(events.filter((e) => e.source === 'browser').map((e) => e.sessionId)).size,
          deliveries: sent.length,
          delivered: arrived.length,
          failed: failed.length,
          pending: of('pending').length,
          held: of('held').length,
          dismissed: of('dismissed').length,
        },
        series: Array.from({ length: Math.ceil((to - from) / step) }, (_, n) => from + n * step).map((start) => ({
          at: iso(start),
          events: within(events.map((e) => Date.parse(e.timestamp)), start),
          newPeople: within(created, start),
          deliveries: within(at(sent), start),
          delivered: within(at(arrived), start),
          failed: within(at(failed), start),
        })),
        topEvents: names.sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1)).slice(0, 10),
        latencyMs: took.length ? { p50: rank(50), p90: rank(90), p99: rank(99) } : null,
        successRate: arrived.length + failed.length ? arrived.length / (arrived.length + failed.length) : null,
      };
    };

    test(`are those of exports, lists and deliveries (SEED=${seed})`, async () => {
      const w = await history();
      const ranges = [['hour', w.now - 4 * DAY, w.now + HOUR], ['day', w.now - 5 * DAY, w.now + DAY], ['hour', w.now - 9 * DAY, w.now - 8 * DAY]];
      for (let n = 0; n < 12; n += 1) {
        const from = w.now - Math.floor(w.random() * 4 * DAY);
        ranges.push([n % 2 ? 'hour' : 'day', from, from + 1 + Math.floor(w.random() * 2 * DAY)]);
      }
      for (const [interval, from, to] of ranges) {
        const { body, cost } = await w.c.get(`/api/admin/stats?from=${iso(from)}&to=${iso(to)}&interval=${interval}`);
        const { webhooks, ...told } = body;
        assert.deepEqual(told, { success: true, from: iso(from), to: iso(to), interval, ...(await counted(w, from, to, STEPS[interval])) }, `SEED=${seed} ${interval} ${iso(from)} ${iso(to)}`);
        for (const name of ['events', 'newPeople', 'deliveries', 'delivered', 'failed']) assert.equal(sum(told.series.map((span) => span[name])), told.totals[name], name);
        assert.equal(cost.trips, 2, 'the key, and one batch');
      }
    });

    test('show the webhooks that are held or failing, as their list does', async () => {
      const { c } = await history();
      const { webhooks } = (await c.get('/api/admin/stats')).body;
      assert.deepEqual(webhooks.map((w) => w.name).sort(), ['refuses', 'waits']);
      const list = (await c.get('/api/admin/webhooks')).body.webhooks;
      for (const told of webhooks) {
        const { id, name, active, circuit, disabledReason, stats } = list.find((w) => w.id === told.id);
        assert.deepEqual(told, { id, name, active, circuit, held: stats.held, failed: stats.failed, disabledReason });
      }
    });

    test('are of the last 24 hours or 30 days unless asked otherwise, without a gap, and of no company but the key’s', async () => {
      const { c } = await history();
      const asked = Date.now();
      const day = (await c.get('/api/admin/stats')).body;
      assert.deepEqual([day.interval, day.series.length, Date.parse(day.to) - Date.parse(day.from), Date.parse(day.to) % HOUR], ['hour', 24, DAY, 0]);
      assert.ok(Date.parse(day.to) > asked);
      const month = (await c.get('/api/admin/stats?interval=day')).body;
      assert.deepEqual([month.series.length, Date.parse(month.to) % DAY], [30, 0]);
      const stranger = await newCompany(trackMate());
      const nothing = (await stranger.get('/api/admin/stats?interval=day')).body;
      assert.ok(Object.values(nothing.totals).every((n) => n === 0));
      assert.deepEqual([nothing.topEvents, nothing.latencyMs, nothing.successRate, nothing.webhooks], [[], null, null, []]);
    });

    test('are refused for what is no range', async () => {
      const { c } = await history();
      for (const [query, code, field] of [
        ['interval=week', 'invalid_field', 'interval'],
        ['from=yesterday', 'invalid_timestamp', 'from'],
        ['to=x', 'invalid_timestamp', 'to'],
        ['from=2025-01-02&to=2025-01-02', 'invalid_field', 'from'],
        ['from=2025-01-01&to=2025-02-02&interval=hour', 'invalid_field', 'from'],
        ['from=2024-01-01&to=2025-03-01', 'invalid_field', 'from'],
      ]) assertProblem(await c.call('GET', `/api/admin/stats?${query}`, undefined, c.admin), 400, code, field);
    });

    test('by the days of a zone stay on their days when its clocks change', async () => {
      const c = await newCompany(trackMate());
      const noons = { '2025-10-31T16:00:00Z': '2025-10-31T04:00:00.000Z', '2025-11-02T17:00:00Z': '2025-11-02T04:00:00.000Z', '2025-11-15T17:00:00Z': '2025-11-15T05:00:00.000Z' };
      for (const timestamp of Object.keys(noons)) await c.server({ email: 'toronto@example.com' }, 'x', { timestamp });
      const query = 'from=2025-10-30T04:00:00Z&to=2025-11-17T05:00:00Z&interval=day&zone=America/Toronto';
      const { series, totals } = (await c.get(`/api/admin/stats?${query}`)).body;
      assert.equal(series.length, 18);
      assert.deepEqual(series.filter((span) => span.events).map((span) => [span.at, span.events]), Object.values(noons).map((at) => [at, 1]));
      assert.deepEqual([totals.events, series.find((span) => span.newPeople)?.at], [3, noons['2025-10-31T16:00:00Z']]);
      const utc = (await c.get('/api/admin/stats?interval=day&zone=UTC')).body;
      assert.deepEqual([utc.series.length, utc.to.slice(10)], [30, 'T00:00:00.000Z']);
      assertProblem(await c.call('GET', '/api/admin/stats?zone=Nowhere/City', undefined, c.admin), 400, 'invalid_field', 'zone');
    });

    test('and the counts of exports are read in slices, between which others come in, and are exact beyond one', async () => {
      const c = await newCompany(trackMate());
      const d1 = await trackMate().d1();
      const [now, n] = [Date.now(), 25_000];
      const fill = (text) => d1.prepare(`with recursive n(i) as (select 0 union all select i + 1 from n where i < ${n - 1}) ${text}`).bind(c.companyId, now - HOUR).run();
      // Ten sessions, of which slices end in the middle; one is of the year before.
      await fill(`insert into events (company, source, message_id, session, ts, type, data, request, received_at)
        select ?1, 0, 'm' || i, 's' || (i / 2500), (cast(?2 as integer) - iif(i / 2500 = 4, 31622400000, 0)) * 1000 + i, 'e' || (i % 3), '{}', 0, cast(?2 as integer) from n`);
      const links = `insert into links (company, session, at, id, events, first_ts, last_ts)
        select ?1, session, 0, '', count(*), min(ts), max(ts) from events where company = ?1 group by session`;
      await d1.prepare(links).bind(c.companyId).run();
      await fill(`insert into profiles (company, id, traits, server_session, created_at, updated_at, last_ts) select ?1, 'usr_' || i, '{}', 'w' || i, cast(?2 as integer), 0, 0 from n`);
      await fill(`insert into links (company, session, at, id, profile, events, server_events, first_ts, last_ts)
        select ?1, 'l' || i, 1, 'i' || i, 'usr_' || (i / 2), 1, 1, cast(?2 as integer) * 1000, cast(?2 as integer) * 1000 from n`);
      for (const id of ['wh_a', 'wh_b']) {
        const insert = `insert into subscriptions (company, id, name, url, events, secret, active, retry_attempts, retry_delay_s, timeout_ms, created_at)
          values (?1, ?2, ?2, 'https://crm.example/', '[]', '', 0, 3, 1, 1000, 0)`;
        await d1.prepare(insert).bind(c.companyId, id).run();
      }
      await fill(`insert into deliveries (company, id, subscription, source, message_id, event, state, attempts, due_at, created_at, finished_at, attempt_at, attempt_success, attempt_duration_ms)
        select ?1, format('%012x%020x', cast(?2 as integer) + i / 100, i), iif(i % 2, 'wh_a', 'wh_b'), 0, 'm' || i, 'e', iif(i % 5, 'delivered', 'exhausted'), 1, 1, cast(?2 as integer) + i / 100, cast(?2 as integer),
          cast(?2 as integer) + i / 100, i % 5 > 0, i % 10 from n where i < 3000`);
      const inSlices = async (path) => {
        const { status, body, cost } = await c.get(path);
        assert.equal(status, 200);
        assert.ok(cost.trips > 2 && cost.read / (cost.trips - 1) <= 25_000, `${path}: ${JSON.stringify(cost)}`);
        return body;
      };
      const { totals, topEvents, latencyMs } = await inSlices(`/api/admin/stats?from=${iso(now - DAY)}&to=${iso(now)}`);
      const shown = { events: totals.events, sessions: totals.sessions, people: totals.people, newPeople: totals.newPeople, activePeople: totals.activePeople };
      assert.deepEqual(shown, { events: 22_500, sessions: 9, people: n, newPeople: n, activePeople: n / 2 });
      assert.deepEqual([totals.deliveries, totals.delivered, totals.failed, latencyMs], [3000, 2400, 600, { p50: 4, p90: 9, p99: 9 }]);
      assert.deepEqual([topEvents.length, sum(topEvents.map((name) => name.count))], [3, 22_500]);
      assert.equal((await inSlices('/api/admin/export/events/count')).rows, n);
      assert.equal((await inSlices('/api/admin/export/users/count')).rows, n);
      assert.equal((await inSlices(`/api/admin/export/users/count?createdAfter=${iso(now)}`)).rows, 0);
      await c.track('s0', { eventType: 'one-more', timestamp: iso(now - 2 * HOUR) });
      const again = await c.get(`/api/admin/stats?from=${iso(now - DAY)}&to=${iso(now)}`);
      assert.deepEqual([again.body.totals, again.body.topEvents], [totals, topEvents], 'within a minute, the figures are remembered');
      assert.ok(again.cost.trips === 2 && again.cost.read < 100, JSON.stringify(again.cost));
    });

    test('and the count of an export are its rows, with the same filters', async () => {
      const { c } = await history();
      const [{ id }] = (await c.get('/api/admin/users?limit=1')).body.users;
      await c.call('POST', `/api/admin/users/${id}/tags`, { tags: ['vip'] }, c.admin);
      const at = iso(Date.now() - 2 * DAY);
      const queries = {
        users: ['', 'hasTag=vip', `createdAfter=${at}`, `createdBefore=${at}`, 'search=example', 'exportConsentOnly=true', 'customField[a]=b', 'optedIn=whatsapp', `snapshot=${at}`, 'includeBookings=true'],
        events: ['', `from=${at}`, `to=${at}`, 'eventType=page_view', `userId=${id}`, `userId=${id}&eventType=paid&from=${at}`, `snapshot=${at}`],
      };
      for (const [kind, asked] of Object.entries(queries)) {
        for (const query of asked) {
          const { rows } = (await c.get(`/api/admin/export/${kind}/json?${query}`)).body;
          assert.deepEqual((await c.get(`/api/admin/export/${kind}/count?${query}`)).body, { success: true, rows }, `${kind} ${query}`);
        }
        assertProblem(await c.call('GET', `/api/admin/export/${kind}/count?hasTga=vip`, undefined, c.admin), 400, 'invalid_field');
      }
      assertProblem(await c.call('GET', '/api/admin/export/events/count?userId=nobody', undefined, c.admin), 404, 'unknown_user');
    });
  });
