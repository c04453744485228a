// Alerts for the operator: signed webhooks about the deployment, and what companies see of it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startTrackMate } from './support/harness.mjs';
import { newCompany } from './support/people.mjs';
import { isSigned, isStandardSigned, startReceiver } from './support/receiver.mjs';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const HOUR_MS = 60 * 60 * 1000;

describe('the operator’s webhook', () => {
  let trackMate;
  let receiver;
  let d1;
  let status = 200;
  before(async () => {
    receiver = await startReceiver(() => status);
    const probe = await startTrackMate();
    const c = await newCompany(probe);
    const { storage } = (await probe.call('GET', '/api/operator/companies', undefined, { authorization: `Bearer ${probe.operatorKey}` })).body;
    assert.equal((await c.get('/api/admin/settings')).body.databaseFullPercent, undefined, 'there is room');
    await probe.close();
    // An empty database fills nine tenths of what this deployment may have.
    trackMate = await startTrackMate({
      OPERATOR_WEBHOOK_URL: `${receiver.url}/ops`,
      OPERATOR_WEBHOOK_SECRET: SECRET,
      D1_BYTES_MAX: String(Math.round(storage.bytes / 0.9)),
    });
    d1 = await trackMate.d1();
  });
  after(async () => {
    await trackMate?.close();
    await receiver?.close();
  });

  /** Runs the sweep. → The alerts that it sent. */
  const sweep = async () => {
    const before = receiver.requests.length;
    await trackMate.sweep();
    return receiver.requests.slice(before);
  };
  const change = (job, path, value) => d1.prepare('update progress set place = json_set(place, ?2, cast(?3 as integer)) where job = ?1').bind(job, path, value).run();
  /** Lets everything that was sent be of two hours ago. */
  const age = async () => {
    const { sent } = JSON.parse(await d1.prepare("select place from progress where job = 'alerts'").first('place'));
    for (const name of Object.keys(sent)) await change('alerts', `$.sent."${name}".at`, sent[name].at - 2 * HOUR_MS);
  };

  test('gets a filling database once, signed as all webhooks are, and companies see it in their settings', async () => {
    const [alert, ...more] = await sweep();
    assert.equal(more.length, 0);
    assert.deepEqual([alert.path, alert.json.event, alert.json.data.percent, alert.json.data.state], ['/ops', 'operator.database_filling', 85, 'firing']);
    assert.ok(alert.json.data.bytes > 0.85 * alert.json.data.bytesMax);
    assert.ok(isSigned(alert, SECRET) && isStandardSigned(alert, SECRET));
    assert.equal(alert.headers['webhook-id'], alert.json.metadata.messageId);
    assert.match(alert.headers['user-agent'], /^TrackMate\//);
    assert.deepEqual(await sweep(), [], 'nothing changed');
    const c = await newCompany(trackMate);
    assert.equal((await c.get('/api/admin/settings')).body.databaseFullPercent, 85);
  });

  test('gets a late run of the sweep, and when it is over', async () => {
    await change('gauges', '$.at', Date.now() - HOUR_MS);
    const [late] = await sweep();
    assert.deepEqual([late.json.event, late.json.data.state], ['operator.sweep_late', 'firing']);
    assert.ok(Math.abs(late.json.data.lateSeconds - 3600) < 60);
    assert.deepEqual(await sweep(), []);
    await age();
    await change('alerts', '$.late_at', Date.now() - HOUR_MS);
    const [over] = await sweep();
    assert.deepEqual([over.json.event, over.json.data.state], ['operator.sweep_late', 'resolved']);
  });

  test('gets lost messages again with the same id until it accepts them, and not at every sweep', async () => {
    await age();
    await d1.prepare(`insert into progress (job, place) values ('counters', '{"lost":2}') on conflict (job) do update set place = json_set(place, '$.lost', 2)`).run();
    status = 500;
    const [refused] = await sweep();
    assert.deepEqual([refused.json.event, refused.json.data], ['operator.messages_lost', { messages: 2 }]);
    assert.deepEqual(await sweep(), [], 'a minute passes first');
    await change('alerts', '$.sent."operator.messages_lost".next', 0);
    status = 200;
    const [accepted] = await sweep();
    assert.equal(accepted.headers['webhook-id'], refused.headers['webhook-id']);
    await age();
    assert.deepEqual(await sweep(), [], 'they are reported once');
  });
});

test('an operator’s webhook with an address that no delivery may have gets nothing, and the sweep goes on', async (t) => {
  const trackMate = await startTrackMate({ OPERATOR_WEBHOOK_URL: 'https://169.254.169.254/latest', OPERATOR_WEBHOOK_SECRET: SECRET, D1_BYTES_MAX: '1000' });
  t.after(() => trackMate.close());
  await trackMate.sweep();
  const d1 = await trackMate.d1();
  const { sent } = JSON.parse(await d1.prepare("select place from progress where job = 'alerts'").first('place'));
  assert.deepEqual([sent['operator.database_filling'].failures, sent['operator.database_filling'].level], [1, 0]);
  assert.ok(JSON.parse(await d1.prepare("select place from progress where job = 'gauges'").first('place')).at > 0);
});
