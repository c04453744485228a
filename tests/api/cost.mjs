// What requests cost, by D1's own counts: the rules that keep the bill flat.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../support/harness.mjs';
import { assertFlat, newCompany } from '../support/people.mjs';
import { newWebhook } from '../support/webhook.mjs';

const rows = (n, name = 'page_view') => Array.from({ length: n }, (_, i) => ({ eventType: name, eventData: { i } }));

export default (trackMate) =>
  describe('the cost', () => {
    const world = {};
    const company = async () => (world.company ??= await newCompany(trackMate()));

    test('of ingest is one round trip and two rows an event, and at most three rows a request', async () => {
      const c = await company();
      const session = c.session();
      // A name that is new, or was not seen for an hour, is a row more.
      await c.track(c.session(), ...rows(1));
      for (const identified of [false, true]) {
        if (identified) await c.identify(session, 'cost@example.com');
        for (const n of [1, 10, 100, 500]) {
          const { cost, body } = await c.track(session, ...rows(n));
          assert.equal(body.accepted, n);
          assert.equal(cost.trips, 1);
          assert.ok(cost.written <= 2 * n + 3, `${n} events wrote ${cost.written} rows`);
        }
      }
    });

    test('of names is a row for each that is new, in the same round trip, and none for one that was seen within the hour', async () => {
      const c = await company();
      const session = c.session();
      await c.track(session, ...rows(1));
      const fresh = () => Array.from({ length: 20 }, (_, i) => ({ eventType: `name${i}` }));
      const first = await c.track(session, ...fresh());
      const again = await c.track(session, ...fresh());
      assert.deepEqual([first.cost.trips, again.cost.trips], [1, 1]);
      assert.equal(first.cost.written - again.cost.written, 20);
      assert.ok(again.cost.written <= 2 * 20 + 3);
    });

    test('of server events is one round trip and the same rows, if somebody has the identifier or there is none', async () => {
      const c = await company();
      const { profileId } = (await c.identify(c.session(), 'server-cost@example.com')).body;
      // An isolate that does not know the key reads it first, as does the first event of a person.
      const first = await c.server({ userId: profileId }, 'page_view');
      assert.ok(first.cost.trips <= 2, `${first.cost.trips} trips`);
      for (const identifier of [{ userId: profileId }, { email: 'server-cost@example.com' }, { sessionId: c.session() }, undefined]) {
        for (const n of [1, 100]) {
          const { cost, status, body } = await c.tryServer({ identifier, events: rows(n) });
          assert.deepEqual([status, body.accepted, cost.trips], [200, n, 1]);
          assert.ok(cost.written <= 2 * n + 3, `${n} events wrote ${cost.written} rows`);
        }
      }
    });

    test('of server events that create a person is two round trips, and of repeats no row', async () => {
      const c = await company();
      const identifier = { email: 'server-new@example.com' };
      const events = rows(10).map((event, i) => ({ ...event, messageId: `server-new-${i}` }));
      const first = await c.tryServer({ identifier, events });
      assert.deepEqual([first.body.created, first.body.accepted, first.cost.trips], [true, 10, 2]);
      const again = await c.tryServer({ identifier, events });
      assert.deepEqual([again.body.duplicates, again.cost.written], [10, 0]);
      assert.ok(again.cost.trips <= 3, `${again.cost.trips} trips`);
    });

    test('of a vendor’s batch from a server is one round trip, however many known people its events are about', async () => {
      const c = await company();
      const headers = { authorization: `Basic ${Buffer.from(`${c.serverKey}:`).toString('base64')}` };
      const send = async (batch) => {
        const { body, cost } = await c.call('POST', '/v1/batch', { batch }, headers);
        assert.equal(body.accepted, batch.length, JSON.stringify(body));
        return cost;
      };
      const people = (n, item) => Array.from({ length: n }, (_, i) => item(`vendor-cost-${i}`));
      const tracks = (n) => people(n, (userId) => ({ type: 'track', event: 'page_view', userId }));
      await send(tracks(500));
      for (const n of [1, 20, 100, 500]) {
        const { trips, written } = await send(tracks(n));
        assert.equal(trips, 1, `${n} people`);
        assert.ok(written <= 5 * n, `${n} people wrote ${written} rows`);
        const visitors = people(n, (anonymousId) => ({ type: 'track', event: 'page_view', anonymousId }));
        assert.equal((await send(visitors)).trips, 1, `${n} visitors`);
        const identifies = people(n, (userId) => ({ type: 'identify', userId, traits: { plan: `plan ${n}` } }));
        assert.ok((await send(identifies)).trips <= 4, `${n} identifies`);
        const mixed = [...identifies, ...tracks(n)].slice(0, 500).map((item, i) => ({ ...item, traits: { mixed: `${n} ${i}` } }));
        assert.ok((await send(mixed)).trips <= 5, `${n} identifies and tracks`);
      }
    });

    test('of a duplicate is no row at all', async () => {
      const c = await company();
      const session = c.session();
      const events = rows(50).map((event, i) => ({ ...event, messageId: `${session}-${i}` }));
      await c.track(session, ...events);
      assert.deepEqual((await c.track(session, ...events)).cost.written, 0);
      await c.identify(session, 'dup@example.com', { messageId: `${session}-i` });
      assert.deepEqual((await c.identify(session, 'dup@example.com', { messageId: `${session}-i` })).cost.written, 0);
    });

    test('of identify and of the first page of a timeline does not grow with the history', async () => {
      const c = await company();
      // A company's first identify also adds its name to the catalogue.
      await c.identify(c.session(), 'first@example.com');
      const costs = [];
      for (const prior of [10, 1_000, 100_000]) {
        const session = c.session();
        for (let sent = 0; sent < prior; sent += 500) await c.track(session, ...rows(Math.min(500, prior - sent)));
        const who = (n) => `history-${prior}-${n}@example.com`;
        const first = await c.identify(session, who(1));
        const again = await c.identify(session, who(1));
        const other = await c.identify(session, who(2));
        costs.push([first, again, other].map(({ cost }) => [cost.trips, cost.read, cost.written]));
        for (const { cost } of [first, again, other]) {
          assert.equal(cost.trips, 1);
          assert.ok(cost.written <= 6, `identify wrote ${cost.written} rows`);
        }
        for (const order of ['asc', 'desc']) {
          const page = await c.get(`/api/admin/users/${first.body.profileId}/timeline?limit=50&order=${order}`);
          assert.equal(page.body.summary.totalEvents, prior + 2);
          assert.ok(page.cost.read <= 500, `a page of 50 read ${page.cost.read} rows`);
        }
      }
      for (const [n, cost] of costs.flat().entries()) {
        const [trips, read, written] = costs[0][n % 3];
        assert.deepEqual([cost[0], cost[2]], [trips, written]);
        assertFlat(cost[1], read);
      }
    });

    test('of the first page, newest or oldest, and of a page in the middle stays flat for a person of many sessions', async () => {
      const c = await company();
      const email = 'sessions@example.com';
      for (let n = 0; n < 600; n += 50) {
        await Promise.all(Array.from({ length: 50 }, (_, i) => c.identify(c.session(), email, { timestamp: new Date(Date.UTC(2025, 0, 1, n + i)).toISOString() })));
      }
      // The server session lasts as long as the person does.
      await c.tryServer({ identifier: { email }, events: [{ eventType: 'first', timestamp: '2025-01-01T00:00:01Z' }, { eventType: 'last' }] });
      const { id } = await c.user(email);
      for (const order of ['asc', 'desc']) {
        let cursor = '';
        for (let n = 0; n < 6; n += 1) {
          const page = await c.get(`/api/admin/users/${id}/timeline?limit=50&order=${order}${cursor && `&cursor=${cursor}`}`);
          cursor = page.body.pagination.nextCursor;
          assert.deepEqual(page.body.summary.sessions, { total: 601, client: 600, server: 1 });
          assert.equal(page.body.events.length, 50);
          assert.ok(page.cost.read <= 500, `page ${n} (${order}) of 50 read ${page.cost.read} rows`);
        }
      }
      // Nor do other people's sessions cost a neighbour anything.
      const { profileId } = (await c.identify(c.session(), 'neighbour@example.com')).body;
      const small = await c.get(`/api/admin/users/${profileId}/timeline?limit=50&order=asc`);
      assert.ok(small.cost.read <= 20, `a page of one event read ${small.cost.read} rows`);
    });

    test('of a page is a few rows of each session, however many of them overlap', async () => {
      const c = await company();
      const email = 'overlap@example.com';
      const [sessions, each] = [400, 12];
      const at = (n) => new Date(Date.UTC(2025, 0, 1) + n * 1000).toISOString();
      for (let n = 0; n < sessions; n += 50) {
        await Promise.all(Array.from({ length: 50 }, async (_, i) => {
          const session = c.session();
          await c.identify(session, email, { timestamp: at(n + i) });
          await c.track(session, ...rows(each - 1).map((event, k) => ({ ...event, timestamp: at((k + 1) * sessions + n + i) })));
        }));
      }
      const { id } = await c.user(email);
      for (const order of ['asc', 'desc']) {
        const seen = [];
        let cursor = '';
        for (let n = 0; n < 3; n += 1) {
          const page = await c.get(`/api/admin/users/${id}/timeline?limit=50&order=${order}${cursor && `&cursor=${cursor}`}`);
          cursor = page.body.pagination.nextCursor;
          seen.push(...page.body.events.map((event) => Date.parse(event.timestamp)));
          assert.ok(page.cost.read <= 2000 && page.cost.trips <= 3, `page ${n} (${order}) of 50 read ${page.cost.read} rows in ${page.cost.trips} trips`);
        }
        const start = Date.parse(at(0));
        const expected = Array.from({ length: 150 }, (_, n) => start + (order === 'asc' ? n : sessions * each - 1 - n) * 1000);
        assert.deepEqual(seen, expected, 'whole pages, in order');
      }
    });

    test('of figures does not grow with the events of past hours once they were counted, and a late event is counted exactly', async () => {
      const c = await newCompany(trackMate());
      const d1 = await trackMate().d1();
      const [sessions, each, hour] = [1500, 20, 3_600_000];
      // A whole hour, so that days cut no hour in two.
      const to = Math.floor(Date.now() / hour) * hour - hour;
      const step = Math.floor((20 * 86_400_000) / sessions);
      const many = `with recursive n (i) as (select 0 union all select i + 1 from n where i < ${sessions * each - 1})
        insert into events (company, source, message_id, session, ts, type, data, request, received_at)
        select ?1, 0, 'm' || i, 's' || (i / ${each}), (?2 - (i / ${each}) * ${step} + i % ${each}) * 1000, 'e' || (i % 7), '{}', 1, 1 from n`;
      await d1.prepare(many).bind(c.companyId, to - 60_000).run();
      const links = `insert into links (company, session, at, id, events, first_ts, last_ts)
        select ?1, session, 0, '', count(*), min(ts), max(ts) from events where company = ?1 group by session`;
      await d1.prepare(links).bind(c.companyId).run();
      const iso = (ms) => new Date(ms).toISOString();
      // Ranges that differ, as the same one is remembered for a minute.
      const figures = async (n) => {
        const { body, cost } = await c.get(`/api/admin/stats?interval=day&from=${iso(to - 21 * 86_400_000)}&to=${iso(to + n)}`);
        return { events: body.totals.events, sessions: body.totals.sessions, names: body.topEvents, cost };
      };
      const first = await figures(1);
      assert.deepEqual([first.events, first.sessions, first.names.length], [sessions * each, sessions, 7]);
      assert.ok(first.cost.read >= 2 * sessions * each, JSON.stringify(first.cost));
      const second = await figures(2);
      assert.deepEqual({ ...second, cost: null }, { ...first, cost: null });
      // A row of each session and hour, and the first slice.
      const most = sessions + 21 * 24 + 3500;
      assert.ok(second.cost.read <= most && second.cost.written <= 2, JSON.stringify(second.cost));
      const late = await c.track('s700', { eventType: 'late', timestamp: iso(to - 700 * step) });
      assert.equal(late.cost.written, 2 + 3, 'the event, its session, its name, and the hour that it changes');
      const third = await figures(3);
      assert.deepEqual([third.events, third.names.length], [sessions * each + 1, 8]);
      assert.ok(third.cost.read <= most + 100 && third.cost.written <= 4, JSON.stringify(third.cost));
    });

    test('of a walk through a timeline grows with what is shown', async () => {
      const c = await company();
      const session = c.session();
      for (let n = 0; n < 6; n += 1) await c.track(session, ...rows(500));
      const { profileId } = (await c.identify(session, 'walk@example.com')).body;
      for (const order of ['asc', 'desc']) {
        let read = 0;
        for (let cursor = ''; cursor !== null; ) {
          const page = await c.get(`/api/admin/users/${profileId}/timeline?limit=500&order=${order}${cursor && `&cursor=${cursor}`}`);
          read += page.cost.read;
          cursor = page.body.pagination.nextCursor;
        }
        assert.ok(read <= 3 * 3000, `3 001 events in pages of 500 read ${read} rows`);
      }
    });

    test('of an event does not grow with how often its session was identified', async () => {
      const c = await company();
      const session = c.session();
      const reads = [];
      for (const identifies of [3, 100]) {
        for (let n = 0; n < identifies; n += 1) await c.identify(session, 'often@example.com');
        reads.push([(await c.track(session, ...rows(1))).cost.read, (await c.identify(session, 'often@example.com')).cost.read]);
      }
      for (const [n, read] of reads[1].entries()) assertFlat(read, reads[0][n]);
    });

    test('of a delivery that succeeds at once is three rows, and at most one of its webhook', async (t) => {
      const w = await newWebhook(t, trackMate(), { events: ['bought'] });
      const settled = async () => Number(/\bwritten=(\d+)/.exec((await w.c.call('GET', '/healthz')).headers.get('x-isolate'))[1]);
      await w.send('bought');
      await w.ended('delivered', 1);
      const before = await settled();
      const { cost } = await w.c.tryServer({ events: rows(10, 'bought') });
      assert.ok(cost.written <= 10 * 2 + 3 + 10 * 2, `10 events and their deliveries wrote ${cost.written} rows`);
      await w.ended('delivered', 11);
      const written = await until('the rows of the settlings', async () => {
        const rest = (await settled()) - before - cost.written;
        return rest >= 10 && rest;
      });
      assert.ok(written <= 10 * 2, `10 deliveries wrote ${written} rows when they were settled`);
    });

    test('of an identify that comes late has a bound that knows no history', async () => {
      const c = await company();
      const session = c.session();
      const at = (n) => new Date(Date.UTC(2025, 0, 1, 0, 0, n)).toISOString();
      await c.identify(session, 'late1@example.com', { timestamp: at(0) });
      await c.track(session, ...rows(500).map((event, n) => ({ ...event, timestamp: at(n + 1) })));
      const { cost } = await c.identify(session, 'late2@example.com', { timestamp: at(250) });
      assert.equal(cost.trips, 1);
      assert.ok(cost.written <= 9, `a late identify wrote ${cost.written} rows`);
    });
  });
