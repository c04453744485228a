// What an erasure leaves on the disk: every file of a Worker's state, searched for the bytes of a person who was erased.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { until } from '../support/harness.mjs';
import { newCompany } from '../support/people.mjs';
import { startReceiver } from '../support/receiver.mjs';
import { freePort, newState, startWrangler } from '../support/wrangler.mjs';

/** As they are typed, and as an index or a lookup key would have them. */
const SECRETS = ['Zuleika.Quixworth@Vexillum.example', 'Zuleika', 'Quixworth', '+4799887766', 'vexillum', 'umbrellatag', 'umbrellafield', 'Knatterton', 'longfellow'];

/** Where D1 keeps its database. What the local runtime traces beside it has the addresses of requests, as Workers Logs have in production: SECURITY.md says so. */
const folder = (state) => join(state, 'v3/d1/miniflare-D1DatabaseObject');

/** Which of the texts the database's files hold, case aside. */
function found(state) {
  const texts = readdirSync(folder(state)).map((name) => readFileSync(join(folder(state), name)).toString('latin1').toLowerCase());
  return SECRETS.filter((secret) => texts.some((text) => text.includes(secret.toLowerCase())));
}

/** Takes the log into the database; `vacuum` writes that anew first, without its free pages, which D1 does on no request. */
async function settle(state, vacuum) {
  for (const name of readdirSync(folder(state)).filter((file) => file.endsWith('.sqlite'))) {
    const database = new DatabaseSync(join(folder(state), name));
    if (vacuum) database.exec('vacuum');
    // A process that was killed may hold the file a moment longer.
    await until('the log is taken in', () => database.prepare('pragma wal_checkpoint(truncate)').get().busy === 0);
    database.close();
  }
}

test('of an erased person no byte is in any row, index or log of the database, though the Worker was killed in the midst of it', async (t) => {
  const state = newState(t);
  // The receiver says back what it was sent, so that the log of attempts has it too.
  const receiver = await startReceiver(({ body }) => ({ status: 503, body: body.toString() }));
  t.after(receiver.close);
  let trackMate = await startWrangler(state, await freePort());
  t.after(() => trackMate.kill());
  const c = await newCompany(trackMate);
  const webhook = await c.subscribe(`${receiver.url}/hook`, ['*'], { retryAttempts: 5, retryDelay: 3600 });
  await c.subscribe(`${receiver.url}/held`, ['*'], { active: false });
  const [session, email] = [c.session(), SECRETS[0]];
  await c.track(session, { eventType: 'form', eventData: { typed: 'Quixworth' }, messageId: 'Knatterton-1' });
  const said = { name: 'Zuleika Quixworth', phone: '+4799887766', messageId: 'Knatterton-2' };
  const { profileId } = (await c.identify(session, email, said)).body;
  const user = { tags: { add: ['umbrellatag'] }, customFields: { umbrellafield: 'umbrellafield' }, traits: { firstName: 'Zuleika' } };
  await c.server({ email }, 'order', { eventData: { to: email }, user });
  await c.call('POST', '/api/contacts', { company_id: c.companyId, sessionId: session, email, name: 'Zuleika Quixworth' }, {});
  assert.equal((await c.get('/api/admin/users?search=zuleika')).body.users.length, 1);
  await c.identify(c.session(), 'somebody.else@example.com', { name: 'Else' });
  await until('attempts that say it back', async () => {
    const deliveries = await c.deliveries(webhook.id);
    return deliveries.length >= 8 && deliveries.every((d) => d.attempts[0]?.responseBody) && JSON.stringify(deliveries).includes(email);
  });

  const { receipt } = (await c.call('DELETE', `/api/admin/users/${profileId}`, undefined, c.admin)).body;
  assert.ok(receipt.complete && receipt.counts.attempts >= 7, JSON.stringify(receipt));
  // Sent once more, nothing of it is kept but its message id, as of any other address: else a stranger could tell.
  await c.identify(session, email, { ...said, messageId: 'sent-again' });

  // Somebody of whom there is too much for one request, and then the Worker dies.
  const long = c.session();
  const events = Array.from({ length: 500 }, (_, n) => ({ eventType: 'page_view', eventData: { n, page: 'longfellow' } }));
  for (let n = 0; n < 36; n += 1) await c.track(long, ...events);
  const { profileId: longId } = (await c.identify(long, 'longfellow@example.com')).body;
  const begun = (await c.call('DELETE', `/api/admin/users/${longId}`, undefined, c.admin)).body.receipt;
  assert.equal(begun.complete, false);
  await trackMate.kill();
  trackMate = await startWrangler(state, await freePort());
  const ended = await until('the sweep of the next Worker is through', async () => {
    await trackMate.sweep();
    const { body } = await trackMate.call('GET', `/api/admin/users/${longId}/erasure`, undefined, c.admin);
    return body.receipt.complete && body.receipt;
  });
  assert.equal(ended.counts.events, 18_002);
  await trackMate.kill();

  await settle(state, false);
  t.diagnostic(`in free pages before they are used again: ${found(state).join(', ') || 'nothing'}`);
  await settle(state, true);
  assert.deepEqual(found(state), []);
});
