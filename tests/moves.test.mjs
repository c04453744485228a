// A company moves between the databases of a deployment while it works.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { startTrackMate, until } from './support/harness.mjs';
import { assertProblem, newCompany } from './support/people.mjs';
import { startReceiver } from './support/receiver.mjs';

const EVENTS = 20_000;
const FREEZE_MS_MAX = 5_000;
const pause = (ms) => new Promise((resume) => setTimeout(resume, ms));

describe('a company', () => {
  let trackMate;
  let operator;
  before(async () => {
    trackMate = await startTrackMate({ MOVE_AFTER_MS: '0', MOVE_PURGE_AFTER_MS: '0' }, null, { cells: 3 });
    const headers = { authorization: `Bearer ${trackMate.operatorKey}` };
    operator = (method, path, body) => trackMate.call(method, `/api/operator/${path}`, body, headers);
    await trackMate.sweep();
  });
  after(() => trackMate.close());

  /** Waits for the end of a move. → the move. */
  const ended = (company) =>
    until(`the end of the move of ${company}`, async () => {
      const { move } = (await operator('GET', `companies/${company}/move`)).body;
      return move.endedAt && move;
    });

  test('does not move where it may not, and the answer says why', async () => {
    const { companyId } = await newCompany(trackMate);
    const { cells } = (await operator('GET', 'cells')).body;
    assert.deepEqual(cells.map(({ cell, state }) => [cell, state]), [['CELL_1', 'open'], ['CELL_2', 'open'], ['DB', 'open']]);
    const home = (await trackMate.d1()).prepare('select cell from places where company = ?');
    const from = (await home.bind(companyId).first('cell')) ?? 'DB';
    const move = (to, company = companyId) => operator('POST', `companies/${company}/move`, { to });
    assertProblem(await move('CELL_9'), 409, 'conflict', 'to');
    assertProblem(await move(from), 409, 'conflict', 'to');
    assertProblem(await move('CELL_1', 'TM-NOBODY'), 404, 'unknown_company');
    assertProblem(await operator('DELETE', `companies/${companyId}/move`), 409, 'conflict');
    const other = ['CELL_1', 'CELL_2'].find((cell) => cell !== from);
    assert.equal((await operator('PATCH', `cells/${other}`, { state: 'closed' })).status, 200);
    const closed = await move(other);
    assertProblem(closed, 409, 'conflict', 'to');
    assert.match(closed.body.message, /closed/);
    assert.equal((await operator('PATCH', `cells/${other}`, { state: 'open' })).status, 200);
    assertProblem(await operator('PATCH', 'cells/CELL_9', { state: 'open' }), 404, 'not_found');
    assert.equal((await operator('GET', `companies/${companyId}/move`)).body.move, null);
  });

  test(`with ${EVENTS} events moves there and back under load: nothing is lost, nothing is there twice, and it stops for a moment only`, async (t) => {
    const c = await newCompany(trackMate, { cell: 'DB' });
    const receiver = await startReceiver();
    t.after(() => receiver.close());
    await c.subscribe(`${receiver.url}/hook`, ['paid']);
    const history = c.session();
    await c.track(history, { eventType: 'first' });
    await (await trackMate.d1()).prepare(
      `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${EVENTS})
       insert into events (company, source, message_id, session, ts, type, data, request, received_at)
       select ?1, 0, 'old-' || i, ?2, 1760000000000000 + i * 1000, 'viewed', '{"path":"/a/long/path/of/a/page"}', 1, 1760000000000 from n`,
    ).bind(c.companyId, history).run();

    const sent = { paid: [], viewed: [] };
    let [working, queued] = [true, 0];
    /** Many clients send at the same time, each one request after the other. */
    const clients = (count, send) => Array.from({ length: count }, async (_, n) => {
      for (; working; await pause(50)) await send(n);
    });
    const load = [
      ...clients(6, async (n) => {
        const messageId = randomUUID();
        const { body } = await c.track(`${history.slice(0, -2)}${n}0`, { eventType: 'seen', messageId });
        queued += JSON.stringify(body).includes('queued') ? 1 : 0;
        sent.viewed.push(messageId);
      }),
      ...clients(3, async (n) => {
        const messageId = randomUUID();
        await c.server({ email: `p${n}@example.com` }, 'paid', { messageId, eventData: { amount: 1, currency: 'USD' } });
        sent.paid.push(messageId);
      }),
    ];
    for (const to of ['CELL_1', 'DB']) {
      const begun = await operator('POST', `companies/${c.companyId}/move`, { to });
      assert.equal(begun.status, 200, JSON.stringify(begun.body));
      assert.equal(begun.body.move.phase, 'copying');
      const move = await ended(c.companyId);
      const frozenMs = Date.parse(move.switchedAt) - Date.parse(move.frozenAt);
      t.diagnostic(`to ${to}: ${move.rows} rows, ${Date.parse(move.switchedAt) - Date.parse(move.beganAt)} ms, stopped for ${frozenMs} ms`);
      assert.deepEqual([move.phase, move.target, move.error], ['done', to, null]);
      assert.ok(move.rows >= EVENTS);
      assert.ok(frozenMs < FREEZE_MS_MAX, `${frozenMs} ms`);
      const left = (await trackMate.d1(move.source)).prepare('select count(*) as n from events where company = ?');
      assert.equal(await left.bind(c.companyId).first('n'), 0);
    }
    working = false;
    await Promise.all(load);
    const all = [...sent.paid, ...sent.viewed];
    t.diagnostic(`${all.length} requests under load, ${queued} of pages waited in the outage buffer`);
    const d1 = await trackMate.d1();
    const stored = d1.prepare('select count(*) as n from events where company = ?1 and message_id in (select value from json_each(?2))');
    await until('all accepted events are stored', async () => (await stored.bind(c.companyId, JSON.stringify(all)).first('n')) === all.length);
    assert.equal(await d1.prepare("select count(*) as n from events where company = ? and message_id like 'old-%'").bind(c.companyId).first('n'), EVENTS);
    const came = () => receiver.requests.length;
    await until(() => `${sent.paid.length} deliveries, ${came()} came`, async () => {
      await trackMate.sweep();
      return came() >= sent.paid.length;
    });
    assert.equal(new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size, sent.paid.length, 'each event was delivered');
    assert.equal(receiver.requests.length, sent.paid.length, 'and once');
    const actions = (await c.get('/api/admin/audit')).body.entries.map(({ action }) => action);
    assert.equal(actions.filter((action) => action === 'company.move').length, 2);
  });

  test('whose move is aborted works on where it was', async () => {
    const c = await newCompany(trackMate, { cell: 'DB' });
    await c.track(c.session(), { eventType: 'first' });
    await operator('POST', `companies/${c.companyId}/move`, { to: 'CELL_2' });
    const aborted = await operator('DELETE', `companies/${c.companyId}/move`);
    const move = await ended(c.companyId);
    assert.ok(aborted.status === 200 ? move.phase === 'aborted' : move.phase === 'done', move.phase);
    await c.track(c.session(), { eventType: 'second' });
    const shown = (await operator('GET', 'moves')).body.moves.map(({ company }) => company);
    assert.equal(shown[0], c.companyId);
  });
});
