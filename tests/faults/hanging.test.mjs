// Receivers that hang for as long as their timeouts allow, with more deliveries than one isolate attempts at a time: nobody's retry waits for them.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hang, startChaos } from '../support/chaos.mjs';
import { startTrackMate, until } from '../support/harness.mjs';
import { newCompany } from '../support/people.mjs';
import { startReceiver } from '../support/receiver.mjs';

const EVENTS = 50;
const WEBHOOKS = 4;
const DEAD = 1050;
/** A retry is due after a second and leaves within two of that; a busy machine may take as long again. */
const RETRY_MS_MAX = 6000;

describe('a receiver that hangs with a timeout of 30 s', () => {
  let trackMate;
  before(async () => {
    trackMate = await startTrackMate();
  });
  after(() => trackMate?.close());

  /** A webhook whose receiver refuses every first attempt. → its company and how long after those the second ones came, ms */
  async function refusing(t, c, more) {
    const firsts = new Map();
    const waits = [];
    const receiver = await startReceiver(({ headers, at }) => {
      const id = headers['webhook-id'];
      if (!firsts.has(id)) return firsts.set(id, at) && 503;
      waits.push(at - firsts.get(id));
      return 200;
    });
    t.after(receiver.close);
    await c.subscribe(receiver.url, ['mine'], more);
    return { firsts, waits, send: () => c.tryServer({ eventType: 'mine' }) };
  }

  test('holds up nobody’s retry: of another company, of a funnel, of the same company', async (t) => {
    const [c, other] = [await newCompany(trackMate), await newCompany(trackMate)];
    const hanging = await startChaos(() => hang);
    t.after(hanging.close);
    for (let n = 0; n < WEBHOOKS; n += 1) await c.subscribe(`${hanging.url}/${n}`, ['hang'], { retryAttempts: 5, timeoutMs: 30_000 });
    const bystanders = {
      'another company': await refusing(t, other),
      'a funnel': await refusing(t, await newCompany(trackMate), { preset: 'funnel', retryDelay: undefined }),
      'the same company': await refusing(t, c),
    };
    // The sweep wakes these too, again and again, and its company's share of the isolate is taken.
    const dead = `with recursive n (i) as (select 1 union all select i + 1 from n where i < ?2)
      insert into deliveries (company, id, subscription, source, message_id, event, state, due_at, created_at)
      select ?1, format('%012x%020x', 1, i), 'wh_deleted', 1, 'm' || i, 'e', 'pending', 1, 1 from n`;
    await (await trackMate.d1()).prepare(dead).bind(c.companyId, DEAD).run();
    for (let n = 0; n < EVENTS; n += 10) await c.tryServer({ events: Array.from({ length: 10 }, () => ({ eventType: 'hang' })) });
    await until('the first that hang', () => hanging.requests.length >= WEBHOOKS);
    for (let round = 0; round < 3; round += 1) {
      await trackMate.sweep();
      for (const { send } of Object.values(bystanders)) await send();
      for (const [who, { waits }] of Object.entries(bystanders)) await until(`a retry of ${who}`, () => waits.length > round, 30000);
    }
    for (const [who, { waits }] of Object.entries(bystanders)) {
      t.diagnostic(`${who}: ${waits} ms`);
      assert.ok(waits.every((ms) => ms < RETRY_MS_MAX), `${who} waited ${waits} ms`);
    }
  });
});
