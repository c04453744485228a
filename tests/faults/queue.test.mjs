// What a queue may do to its messages (lose, double, delay, damage), done to the wake-ups through the real queue: a message is a hint and D1 is the truth.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startTrackMate, until } from '../support/harness.mjs';
import { newCompany } from '../support/people.mjs';
import { startReceiver } from '../support/receiver.mjs';

const RETRY_S = 3600;

describe('a wake-up', () => {
  let trackMate;
  let d1;
  let queue;
  before(async () => {
    trackMate = await startTrackMate();
    [d1, queue] = [await trackMate.d1(), await trackMate.queue()];
  });
  after(() => trackMate?.close());

  const text = ({ c, webhook }, id, v = 2) => JSON.stringify({ v, c: c.companyId, s: webhook.id, d: id });
  const send = (...bodies) => queue.sendBatch(bodies.map((body) => (typeof body === 'string' ? { body, contentType: 'text' } : body)));

  /** A subscription whose receiver fails the first attempt of everything; the second is an hour away. → its deliveries' ids, and more */
  async function waiting(t, names, answer = () => 200) {
    const c = await newCompany(trackMate);
    const failed = new Set();
    const receiver = await startReceiver((request) => {
      const id = request.headers['webhook-id'];
      if (failed.has(id)) return answer(request);
      failed.add(id);
      return 503;
    });
    t.after(receiver.close);
    const webhook = await c.subscribe(receiver.url, ['*'], { retryDelay: RETRY_S, timeoutMs: 10_000 });
    await c.tryServer({ events: names.map((eventType) => ({ eventType })) });
    const list = () => c.deliveries(webhook.id);
    const first = await until('the first attempts', async () => {
      const deliveries = await list();
      return deliveries.length === names.length && deliveries.every((d) => d.attempts.length === 1) && deliveries;
    });
    const ids = names.map((name) => first.find((d) => d.event === name).id);
    return {
      c,
      webhook,
      ids,
      receiver,
      /** As if the hour were over. */
      due: (...due) => d1.batch(due.map((id) => d1.prepare('update deliveries set due_at = 1 where company = ?1 and id = ?2').bind(c.companyId, id))),
      delivery: async (id) => (await list()).find((d) => d.id === id),
      attempts: (id) => receiver.requests.filter((r) => r.headers['webhook-id'] === id).length,
    };
  }
  /** Waits until a message sent now was worked off, and with it all that were sent before. */
  async function workedOff(t) {
    const marker = await waiting(t, ['marker']);
    await marker.due(...marker.ids);
    await send(text(marker, marker.ids[0]));
    await until('the marker', () => marker.attempts(marker.ids[0]) === 2);
  }

  test('among garbage, strangers and versions to come does its work, and they do none', async (t) => {
    const w = await waiting(t, ['good', 'best', 'other']);
    const [good, best, other] = w.ids;
    await w.due(...w.ids);
    const stranger = await newCompany(trackMate);
    await send(
      'no JSON',
      text(w, good),
      '{}',
      '[]',
      'null',
      '',
      text(w, other, 1),
      text(w, other, 3),
      JSON.stringify({ v: 2, c: w.c.companyId }),
      JSON.stringify({ v: 2, c: w.c.companyId, d: other }),
      JSON.stringify({ v: 2, c: w.c.companyId, s: w.webhook.id, d: 7 }),
      text({ ...w, c: stranger }, other),
      text({ ...w, webhook: { id: 'wh_other' } }, other),
      text(w, 'nothing'),
      text(w, best),
    );
    await send({ body: { v: 2, c: w.c.companyId, s: w.webhook.id, d: other }, contentType: 'json' }, { body: 7, contentType: 'json' }, { body: new Uint8Array([0xff, 0]), contentType: 'bytes' });
    await until('both good ones', () => w.attempts(good) === 2 && w.attempts(best) === 2);
    await workedOff(t);
    assert.equal(w.attempts(other), 1, 'what is no wake-up wakes nothing');
    assert.equal((await w.delivery(other)).status, 'pending');
  });

  test('that is doubled while its attempt runs, and after it, makes no second attempt', async (t) => {
    let release;
    const held = new Promise((resolve) => (release = resolve));
    const w = await waiting(t, ['slow'], () => held.then(() => 200));
    const [id] = w.ids;
    await w.due(id);
    // One batch, of which several are handled at a time: all but the first find the attempt under way.
    await send(...Array(10).fill(text(w, id)));
    await until('the attempt', () => w.attempts(id) === 2);
    await send(...Array(10).fill(text(w, id)));
    release();
    await until('its end', async () => (await w.delivery(id)).status === 'delivered');
    await send(...Array(10).fill(text(w, id)));
    await workedOff(t);
    assert.equal(w.attempts(id), 2);
    assert.deepEqual((await w.delivery(id)).attempts.map((a) => a.statusCode), [503, 200]);
  });

  test('that comes an hour early attempts nothing, and one that comes late attempts what was not attempted since', async (t) => {
    const w = await waiting(t, ['early', 'late']);
    const [early, late] = w.ids;
    await send(text(w, early));
    await w.due(late);
    await send({ body: text(w, late), contentType: 'text', delaySeconds: 2 });
    await until('the late one', () => w.attempts(late) === 2);
    await until('its end', async () => (await w.delivery(late)).status === 'delivered');
    await workedOff(t);
    assert.equal(w.attempts(early), 1);
    const { status, nextAttemptAt } = await w.delivery(early);
    assert.equal(status, 'pending');
    assert.ok(Date.parse(nextAttemptAt) > Date.now() + (RETRY_S - 60) * 1000, nextAttemptAt);
  });

  test('that is lost is made good by the sweep, and the sweep’s own are not taken twice', async (t) => {
    const names = Array.from({ length: 8 }, (_, n) => `e${n}`);
    const w = await waiting(t, names);
    await w.due(...w.ids);
    // Nobody sends a message. Three sweeps at once, as after an outage of cron.
    await Promise.all([trackMate.sweep(), trackMate.sweep(), trackMate.sweep()]);
    await until('all of them', () => w.ids.every((id) => w.attempts(id) >= 2));
    await workedOff(t);
    assert.deepEqual(w.ids.filter((id) => w.attempts(id) !== 2), []);
  });

  test('for a delivery that cannot be worked off leaves the others of its batch alone', async (t) => {
    const names = ['a', 'broken data', 'b', 'c', 'd'];
    const w = await waiting(t, names);
    const at = (name) => w.ids[names.indexOf(name)];
    const others = [await waiting(t, ['broken address']), await waiting(t, ['broken headers'])];
    const ofSubscription = (id, set, value) =>
      d1.prepare(`update subscriptions set ${set} = ?2 where (company, id) = (select company, subscription from deliveries where id = ?1)`).bind(id, value).run();
    // What no request could have stored: a consumer meets it all the same, by a fault of ours or of the disk.
    await d1.prepare("update events set data = '{\"cut' where company = ?1 and type = 'broken data'").bind(w.c.companyId).run();
    await d1.prepare('update deliveries set body = null where company = ?1 and id = ?2').bind(w.c.companyId, at('broken data')).run();
    await ofSubscription(others[0].ids[0], 'url', 'nonsense');
    await ofSubscription(others[1].ids[0], 'headers', '{"a b\\n":"c');
    await w.due(...w.ids);
    for (const other of others) await other.due(...other.ids);
    await send(
      text(w, at('a')),
      text(w, at('broken data')),
      text(w, at('b')),
      text(others[0], others[0].ids[0]),
      text(w, at('c')),
      text(others[1], others[1].ids[0]),
      text(w, at('d')),
    );
    await until('the good ones', async () => (await Promise.all(['a', 'b', 'c', 'd'].map((name) => w.delivery(at(name))))).every((d) => d.status === 'delivered'));
    const address = await until('the end of the broken address', async () => {
      const delivery = await others[0].delivery(others[0].ids[0]);
      return delivery.finishedAt && delivery;
    });
    assert.equal(address.status, 'failed_permanent');
    assert.match(address.attempts[1].error, /not a URL/);
    await workedOff(t);
    assert.equal(w.attempts(at('broken data')), 1, 'what cannot be built is not sent');
    for (const name of ['a', 'b', 'c', 'd']) assert.equal(w.attempts(at(name)), 2, name);
  });
});
