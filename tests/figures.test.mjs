// The figures of a company with more events than one request may count: the sweep counts their hours, and then a
// request has little left to count. It runs with few slices a request, little more than on the free plan.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startTrackMate } from './support/harness.mjs';
import { assertProblem, newCompany } from './support/people.mjs';

const HOUR = 3_600_000;
const EVENTS = 120_000;
const SESSIONS = 2_400;
const SLICES = 60;
/** More runs of the sweep than it takes. */
const RUNS = 20;
const iso = (ms) => new Date(ms).toISOString();

/** Writes events of the two days before, fifty a session, as if they had arrived at their time. */
async function fill(d1, companyId, now) {
  const insert = `with recursive n (i) as (select 0 union all select i + 1 from n where i + 1 < ?2)
    insert into events (company, source, message_id, session, ts, type, data, request, received_at)
    select ?1, 0, 'm' || i, 's' || (i / 50), (cast(?3 as integer) - 3600000 - (i / 50) * 72000 + i % 50) * 1000, 'e' || (i % 7), '{}', 1, 0 from n`;
  await d1.prepare(insert).bind(companyId, EVENTS, now).run();
  const links = `insert into links (company, session, at, id, events, first_ts, last_ts)
    select company, session, 0, '', count(*), min(ts), max(ts) from events where company = ?1 and type <> 'first' group by session`;
  await d1.prepare(links).bind(companyId).run();
}

describe('figures of more events than a request may count', () => {
  let [trackMate, d1] = [];
  const now = Date.now();
  const range = `/api/admin/stats?from=${iso((Math.floor(now / HOUR) - 60) * HOUR)}&to=${iso(now)}&interval=hour`;
  const hours = (c) => d1.prepare('select count(*) as n from event_hours where company = ?1 and counts is not null').bind(c.companyId).first('n');
  const round = (c) => d1.prepare('select round, due_at, begun_at from hour_counts where company = ?1').bind(c.companyId).first();

  before(async () => {
    trackMate = await startTrackMate({ COUNT_SLICES_MAX: String(SLICES) });
    d1 = await trackMate.d1();
  });
  after(() => trackMate?.close());

  /** A company with these events. */
  async function large() {
    const c = await newCompany(trackMate);
    await c.track(c.session(), { eventType: 'first' });
    await fill(d1, c.companyId, now);
    return c;
  }

  /** Runs the sweep until the company's round has ended. Returns the number of runs. */
  async function sweepAll(c) {
    for (let runs = 1; runs <= RUNS; runs += 1) {
      await trackMate.sweep();
      const { round: rest, begun_at: begun } = await round(c);
      if (rest === null && begun > 0) return runs;
    }
    throw new Error(`the round had not ended after ${RUNS} runs`);
  }

  test('a range that is refused as too large is counted by the sweep, and then answered', async () => {
    const c = await large();
    assertProblem(await c.call('GET', range, undefined, c.admin), 409, 'limit_reached');
    const runs = await sweepAll(c);
    assert.ok(runs > 1, 'each run of the sweep has a limit');
    const { body, cost } = await c.get(range);
    const { events, sessions } = body.totals;
    assert.deepEqual([events, sessions], [EVENTS, SESSIONS]);
    assert.ok(cost.trips <= SLICES / 2, JSON.stringify(cost));
    assert.ok(cost.read < EVENTS / 2, JSON.stringify(cost));
    const rest = await d1.prepare("select sum(counts ->> '$.browser') as n from event_hours where company = ?1").bind(c.companyId).first('n');
    assert.ok(rest > EVENTS * 0.9 && rest <= EVENTS, `${rest} events are counted in hours`);
    // Nothing new happened: a later round finds nothing, and costs its turn alone.
    await d1.prepare('update hour_counts set due_at = 0, begun_at = ?2 where company = ?1').bind(c.companyId, now + 9 * HOUR).run();
    const before = await hours(c);
    await trackMate.sweep();
    assert.equal(await hours(c), before);
    assert.ok((await round(c)).due_at > now + 5 * HOUR);
  });

  test('hours are counted before anybody asks, and a late event of one is in the next answer', async () => {
    const c = await large();
    await d1.prepare('update hour_counts set since = ?2 where company = ?1').bind(c.companyId, Math.floor(now / HOUR) - 60).run();
    await sweepAll(c);
    const first = await c.get(range);
    assert.equal(first.body.totals.events, EVENTS);
    const before = await hours(c);
    await c.track('s9', { eventType: 'late', timestamp: iso(now - 20 * HOUR) });
    assert.equal(await hours(c), before - 1);
    const shifted = range.replace(iso(now), iso(now + 1));
    assert.equal((await c.get(shifted)).body.totals.events, EVENTS + 1);
  });

  test('a company whose events fit into one slice has no stored hours', async () => {
    const c = await newCompany(trackMate);
    const times = Array.from({ length: 40 }, (_, n) => iso(now - (n + 2) * HOUR));
    await c.track(c.session(), ...times.map((timestamp) => ({ eventType: 'view', timestamp })));
    await d1.prepare('update hour_counts set since = ?2 where company = ?1').bind(c.companyId, Math.floor(now / HOUR) - 60).run();
    await sweepAll(c);
    const all = await d1.prepare('select count(*) as n from event_hours where company = ?1').bind(c.companyId).first('n');
    assert.equal(all, 0);
  });
});
