// The command-line manager as a process: its output, its exit codes, and its effects on the real
// Worker.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { commandLine, done, EXIT } from './support/cli.mjs';
import { startTrackMate, until } from './support/harness.mjs';
import { newCompany } from './support/people.mjs';
import { isSigned, isStandardSigned, startReceiver } from './support/receiver.mjs';

const RULE = '━'.repeat(60);

describe('the command line with the real Worker', () => {
  let cli;
  let trackMate;
  before(async () => {
    cli = commandLine();
    trackMate = await startTrackMate();
  });
  after(async () => {
    cli.close();
    await trackMate?.close();
  });
  const run = (...args) => cli.run(...args);
  const listen = (...args) => cli.listen(...args);

  /** A company, a receiver, and functions that run the binary with that company's key. */
  async function world(t, answer) {
    const company = await newCompany(trackMate);
    const receiver = await startReceiver(answer);
    t.after(receiver.close);
    const env = { TRACKMATE_URL: trackMate.url, TRACKMATE_ADMIN_KEY: company.adminKey };
    const webhooks = (...args) => run(['webhooks', ...args], { env });
    return {
      company,
      receiver,
      env,
      webhooks,
      json: async (...args) => done(await webhooks(...args, '--json')).json,
      add: async (...args) => done(await webhooks('add', `${receiver.url}/hook`, ...args, '--json')).json.webhook,
    };
  }

  test('a webhook is added, listed, tested, counted and removed', async (t) => {
    const w = await world(t);
    const added = done(
      await w.webhooks(
        'add',
        `${w.receiver.url}/hook`,
        'My App',
        'match,upload',
        '--header',
        'X-Webhook-Secret=hush',
        '--preset',
        'funnel',
        '--rate-limit',
        '50',
      ),
    );
    const [, id] = added.stdout.match(/ID: +(\S+)/);
    const [, secret] = added.stdout.match(/Secret: +(whsec_\S+)/);

    done(await w.webhooks('test', `${w.receiver.url}/hook`));
    done(await w.webhooks('test', id));
    assert.equal(w.receiver.requests.length, 2);
    assert.ok(w.receiver.requests.every((request) => isSigned(request, secret) && isStandardSigned(request, secret)));
    assert.equal(w.receiver.requests[0].headers['x-webhook-secret'], 'hush');

    await w.company.tryServer({ eventType: 'match', eventData: { confidence: 0.87 } });
    const [webhook] = await until('the count', async () => {
      const { webhooks } = await w.json('list');
      return webhooks[0].stats.success >= 1 && webhooks;
    });
    assert.deepEqual(
      [webhook.name, webhook.events, webhook.preset, webhook.rateLimit],
      ['My App', ['match', 'upload'], 'funnel', 50],
    );
    const { stdout: list } = done(await w.webhooks('list'));
    assert.ok(
      list.startsWith(
        `Configured Webhooks:\n${RULE}\n\n1. My App ✓\n   ID:             ${id}\n   URL:            ${w.receiver.url}/hook\n   Events:         match, upload\n`,
      ),
      list,
    );
    assert.match(list, /\n {3}Headers: +x-webhook-secret: \*\*\*\n {3}Success: +1\n {3}Failures: +0\n/i);
    assert.match(list, /\n {3}Last Triggered: \d+\/\d+\/\d{4}, \d+:\d\d:\d\d [AP]M\n/);
    assert.doesNotMatch(list, /hush|whsec_/);
    assert.match(done(await w.webhooks('stats')).stdout, /\nMy App +✓ +1 +0 +0 +100\.0 % +200 /);
    assert.equal((await w.json('stats')).webhooks.length, 1);

    done(await w.webhooks('remove', id, '--yes'));
    assert.equal((await w.webhooks('remove', id, '--yes')).code, EXIT.notFound);
    assert.equal((await w.webhooks('test', `${w.receiver.url}/hook`)).code, EXIT.notFound);
    assert.match(done(await w.webhooks('list')).stdout, /None yet/);
  });

  test('login stores a checked key in a profile, which other commands use', async (t) => {
    const w = await world(t);
    const { companyId, adminKey } = w.company;
    const login = (...args) => run(['login', '--url', trackMate.url, ...args], { input: `${adminKey}\n` });
    assert.equal((await run(['login', '--url', trackMate.url], { input: 'tm_admin_wrong' })).code, EXIT.notAuthorised);
    assert.equal((await run(['whoami', '--profile', 'shop'])).code, EXIT.usage);
    done(await login('--profile', 'shop'));
    const file = join(cli.folder, '.config/trackmate/config.json');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), {
      profiles: { shop: { url: trackMate.url, adminKey, companyId } },
    });
    const { stdout } = done(await run(['whoami', '--profile', 'shop']));
    assert.ok(stdout.includes(companyId) && !stdout.includes(adminKey), stdout);
    assert.equal(done(await run(['whoami', '--json'], { env: { TRACKMATE_PROFILE: 'shop' } })).json.companyId, companyId);
    assert.equal((await run(['whoami', '--profile', 'shpo'])).code, EXIT.usage);
    assert.equal((await run(['whoami'])).code, EXIT.usage);
    rmSync(file);
  });

  test('on a terminal, what cannot be undone is done only after a yes; a script is not asked', async (t) => {
    const w = await world(t);
    const [{ id }, { id: other }] = [await w.add('Precious'), await w.add('Other')];
    const ask = (input, ...command) => run(['webhooks', ...command], { env: w.env, input: `${input}\n`, terminal: true });
    for (const refused of [await ask('n', 'remove', id), await ask('', 'remove', id), await ask('no', 'enable', id, '--dismiss-held')]) {
      assert.equal(refused.code, EXIT.failed, refused.stdout);
      assert.match(refused.stdout, /\? .*\[y\/N\] .*nothing was changed/);
    }
    assert.equal((await w.json('list')).webhooks.length, 2);
    done(await ask('y', 'remove', id));
    done(await w.webhooks('remove', other));
    assert.equal((await w.json('list')).webhooks.length, 0);
  });

  test('test fails if the receiver rejects the delivery, and shows its response', async (t) => {
    const w = await world(t, () => ({ status: 500, body: 'out of order' }));
    const { id } = await w.add('Broken');
    const { code, stdout } = await w.webhooks('test', id);
    assert.equal(code, EXIT.failed);
    assert.match(stdout, /not accepted ✗\n {3}Status: +500\n[^]*Response: +out of order/);
    const json = await w.webhooks('test', id, '--json');
    assert.deepEqual([json.code, json.json.delivered], [EXIT.failed, false]);
  });

  test('enable and disable switch one webhook or all', async (t) => {
    const w = await world(t);
    const { id } = await w.add('Switched');
    done(await w.webhooks('disable', id));
    assert.match(done(await w.webhooks('list')).stdout, /1\. Switched ✗/);
    await w.company.tryServer({ eventType: 'held' });
    assert.match(done(await w.webhooks('stats')).stdout, /\nSwitched +✗ +0 +0 +1 /);
    done(await w.webhooks('enable', id));
    await until('what was held', () => w.receiver.requests.length === 1);

    done(await w.webhooks('disable'));
    assert.match(done(await w.webhooks('list')).stdout, /All webhooks are switched off/);
    assert.equal((await w.json('enable')).settings.webhooksEnabled, true);
    assert.doesNotMatch(done(await w.webhooks('list')).stdout, /switched off/);

    done(await w.webhooks('disable', id));
    await w.company.tryServer({ eventType: 'dismissed' });
    done(await w.webhooks('enable', id, '--dismiss-held', '--yes'));
    await until(
      'its end',
      async () => (await w.json('deliveries', id, '--status', 'dismissed')).deliveries.length === 1,
    );
    assert.equal(w.receiver.requests.length, 1);
  });

  test('after rotate, deliveries have the signatures of both secrets', async (t) => {
    const w = await world(t);
    const { id, secret: old } = await w.add('Rotated');
    const rotated = done(await w.webhooks('rotate', id, '--grace-hours', '1'));
    const [, secret] = rotated.stdout.match(/Secret: +(whsec_\S+)/);
    assert.notEqual(secret, old);
    await w.company.tryServer({ eventType: 'match' });
    await until('a delivery', () => w.receiver.requests.length === 1);
    const { headers, body } = w.receiver.requests[0];
    for (const each of [old, secret]) {
      const args = [
        'verify',
        '--secret',
        each,
        '--signature',
        headers['webhook-signature'],
        '--id',
        headers['webhook-id'],
        '--timestamp',
        headers['webhook-timestamp'],
      ];
      done(await run(args, { input: body }));
    }
  });

  test('listen accepts either secret during a rotation', async (t) => {
    const w = await world(t);
    const { id, secret: old } = await w.add('Listened');
    const { webhook } = await w.json('rotate', id);
    await w.company.tryServer({ eventType: 'match' });
    await until('a delivery', () => w.receiver.requests.length === 1);
    const { headers, body } = w.receiver.requests[0];
    for (const secret of [old, webhook.secret]) {
      const { url } = await listen(t, ['--secret', secret]);
      const { host, connection, 'content-length': _, 'transfer-encoding': __, ...onward } = headers;
      assert.equal((await fetch(url, { method: 'POST', headers: onward, body })).status, 200);
    }
  });

  test('deliveries lists failed ones, recover and resend send them again', async (t) => {
    let healed = false;
    const w = await world(t, () => (healed ? 200 : 404));
    const { id } = await w.add('Refusing', 'e.*');
    for (const name of ['e.1', 'e.2', 'e.3']) await w.company.tryServer({ eventType: name });
    const of = (status, count) =>
      until(`${count} ${status}`, async () => {
        const { deliveries } = await w.json('deliveries', id, '--status', status);
        return deliveries.length === count && deliveries;
      });
    await of('failed_permanent', 3);
    const { stdout: page } = done(await w.webhooks('deliveries', id, '--limit', '2'));
    assert.equal(page.match(/failed_permanent +1 +404/g).length, 2);
    const [, cursor] = page.match(/More: --cursor (\S+)/);
    assert.equal((await w.json('deliveries', id, '--limit', '2', '--cursor', cursor)).deliveries.length, 1);

    healed = true;
    assert.deepEqual(await w.json('recover', id, '--since', '1h'), {
      success: true,
      requeued: 3,
      hasMore: false,
      nextCursor: null,
    });
    const [delivered] = await of('delivered', 3);
    assert.equal(done(await w.webhooks('recover', id, '--since', '1h')).stdout, '0 requeued\n');
    assert.equal(w.receiver.requests.length, 6);

    done(await w.webhooks('resend', id, delivered.id));
    await until('it once more', () => w.receiver.requests.length === 7);
    assert.equal((await w.webhooks('resend', id, 'nothing')).code, EXIT.notFound);
  });

  test('plan infers, checks, sets and shows a tracking plan', async (t) => {
    const { company: c, env } = await world(t);
    const plans = (args, input) => run(['plan', ...args], { env, input });
    await c.track(
      c.session(),
      { eventType: 'paid', eventData: { amount: 1 } },
      { eventType: 'paid', eventData: { amount: 2, note: 'x' } },
    );
    const { stdout: plan } = done(await plans(['infer']));
    assert.deepEqual(JSON.parse(plan).events.paid.required, ['amount']);
    writeFileSync(join(cli.folder, 'plan.json'), plan);
    const events = [
      { eventType: 'paid', eventData: { amount: 3 } },
      { eventType: 'paid', eventData: {} },
      { eventType: 'sold' },
    ];
    const input = events.map((event) => JSON.stringify(event)).join('\n');
    const checked = await plans(['check', '-', '--plan', 'plan.json'], input);
    assert.equal(checked.code, EXIT.failed);
    assert.match(checked.stdout, /^2\. paid: eventData\.amount is missing.*\n3\. sold: .*no event of this name\n$/);
    assert.match(checked.stderr, /2 of 3 events violate the plan/);
    assert.equal((await plans(['set', '--mode', 'reject'])).code, EXIT.failed, 'there is no plan yet');
    assert.match(
      done(await plans(['set', 'plan.json', '--mode', 'reject'])).stdout,
      /^Mode: reject, 1 events\n {2}paid {2}amount\*: number, note: string\n$/,
    );
    assert.deepEqual((await c.track(c.session(), ...events)).body.rejected.length, 2);
    assert.equal(
      done(await plans(['check', '-'], JSON.stringify(events.slice(0, 1)))).stdout,
      'All 1 events match the plan.\n',
    );
    const shown = await until('the counts', async () => {
      const { stdout } = done(await plans(['show']));
      return stdout.includes('unknown_event') && stdout;
    });
    assert.match(shown, /paid +eventData\.amount +missing_field +1 /);
    assert.equal(done(await plans(['set', '--mode', 'off', '--json'])).json.plan.mode, 'off');
  });

  test('a rejected key is named by its source and not shown', async (t) => {
    const w = await world(t);
    const refused = async (key) => {
      const { code, stdout, stderr } = await run(['webhooks', 'list'], { env: { ...w.env, TRACKMATE_ADMIN_KEY: key } });
      assert.deepEqual([code, stdout], [EXIT.notAuthorised, '']);
      assert.match(stderr, /the key is from TRACKMATE_ADMIN_KEY, the address \S+ is from TRACKMATE_URL/);
      assert.ok(!stderr.includes(key), stderr);
    };
    await refused('tm_admin_wrong');
    await refused(w.company.serverKey);
    const json = await run(['webhooks', 'list', '--json'], { env: { ...w.env, TRACKMATE_ADMIN_KEY: 'wrong' } });
    assert.equal(JSON.parse(json.stderr).code, 'invalid_key');
  });

  test('a rejected request shows the API’s problem code', async (t) => {
    const w = await world(t);
    const { code, stderr } = await w.webhooks('add', 'https://10.0.0.1/hook', 'Private');
    assert.equal(code, EXIT.failed);
    assert.match(stderr, /\(invalid_url, field url, request \S+\)/);
  });

  test('settings come from the user’s file, else from the folder’s, with a warning if others can read it', async (t) => {
    const w = await world(t);
    const home = mkdtempSync(join(cli.folder, 'home-'));
    const keep = (path, mode) => {
      mkdirSync(join(home, path, '..'), { recursive: true });
      writeFileSync(join(home, path), JSON.stringify({ url: trackMate.url, adminKey: w.company.adminKey }));
      chmodSync(join(home, path), mode);
    };
    const list = (more = []) => run(['webhooks', 'list', ...more], { env: { HOME: home }, cwd: home });
    assert.match((await list()).stderr, /is missing: pass --url/);
    keep('.trackmate/dev.json', 0o600);
    assert.equal(done(await list()).stderr, '');
    assert.match(
      (await list(['--key', 'wrong'])).stderr,
      /the key is from --key, the address \S+ is from \.trackmate\/dev\.json/,
    );
    keep('.config/trackmate/config.json', 0o644);
    assert.match(
      done(await list()).stderr,
      /other users of this machine can read the key in .*config\.json\. Fix: chmod 600/,
    );
  });
});
