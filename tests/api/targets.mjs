// Where deliveries may not go, asked at every door: to make a webhook, to change one, to set the funnel's, to test one, and to send. The pure rule and its own
// tests are edge/src/domain/target.rs; here a real URL parser and a real fetch stand before and behind it.
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { describe, test } from 'node:test';
import { until } from '../support/harness.mjs';
import { assertProblem, newCompany } from '../support/people.mjs';

/** Every way found to write a place that is not on the public internet, or not a webhook's. */
const FORBIDDEN = {
  'loopback, dotted': 'https://127.0.0.1/',
  'loopback, any of its net': 'https://127.8.9.1/',
  'loopback, short': 'https://127.1/',
  'loopback, one number': 'https://2130706433/',
  'loopback, hex': 'https://0x7f000001/',
  'loopback, hex parts': 'https://0x7f.0.0.0x1/',
  'loopback, octal': 'https://0177.0.0.1/',
  'loopback, one octal number': 'https://017700000001/',
  'loopback, mixed': 'https://0x7f.1/',
  'loopback, with a dot behind': 'https://127.0.0.1./',
  'loopback, percent-encoded': 'https://%31%32%37.0.0.1/',
  'loopback, full-width digits': 'https://１２７.０.０.１/',
  'loopback, circled digits': 'https://①②⑦.⓪.⓪.①/',
  'loopback, ideographic full stops': 'https://127。0。0。1/',
  'loopback, IPv6': 'https://[::1]/',
  'loopback, IPv6 in full': 'https://[0:0:0:0:0:0:0:1]/',
  'loopback, mapped': 'https://[::ffff:127.0.0.1]/',
  'loopback, mapped in hex': 'https://[::ffff:7f00:1]/',
  'loopback, compatible': 'https://[::127.0.0.1]/',
  'loopback, translated (NAT64)': 'https://[64:ff9b::7f00:1]/',
  'loopback, 6to4': 'https://[2002:7f00:1::]/',
  'no address': 'https://0.0.0.0/',
  'no address, short': 'https://0/',
  'no address, IPv6': 'https://[::]/',
  'private, 10': 'https://10.0.0.1/',
  'private, 172.16': 'https://172.16.0.1/',
  'private, 192.168': 'https://192.168.0.1/',
  'private, one number': 'https://3232235521/',
  'private, carrier': 'https://100.64.0.1/',
  'private, IPv6': 'https://[fd00::1]/',
  'link-local': 'https://169.254.0.1/',
  'link-local, IPv6': 'https://[fe80::1]/',
  'metadata': 'https://169.254.169.254/latest/meta-data/',
  'metadata, one number': 'https://2852039166/',
  'metadata, hex': 'https://0xa9fea9fe/',
  'metadata, mapped': 'https://[::ffff:169.254.169.254]/',
  'metadata, IPv6': 'https://[fd00:ec2::254]/',
  'metadata, another cloud’s': 'https://100.100.100.200/',
  'metadata, by name': 'https://metadata.google.internal/',
  'metadata, by name with a dot behind': 'https://metadata.google.internal./',
  'metadata, by a short name': 'https://metadata/',
  multicast: 'https://224.0.0.1/',
  'multicast, IPv6': 'https://[ff02::1]/',
  broadcast: 'https://255.255.255.255/',
  'a public address': 'https://8.8.8.8/',
  'a public address, IPv6': 'https://[2001:4860:4860::8888]/',
  'this machine': 'https://localhost/',
  'this machine, in capitals': 'https://LOCALHOST/',
  'this machine, with a dot behind': 'https://localhost./',
  'this machine, below': 'https://app.localhost/',
  'this machine, full-width': 'https://ｌｏｃａｌｈｏｓｔ/',
  'this machine, the longer name': 'https://localhost.localdomain/',
  'one label': 'https://intranet/',
  'a private suffix': 'https://printer.local/',
  'a private suffix in capitals': 'https://DB.INTERNAL/',
  'a cluster’s': 'https://kubernetes.default.svc/',
  'a cluster’s, in full': 'https://kubernetes.default.svc.cluster.local/',
  'a router’s': 'https://router.home.arpa/',
  'an onion': 'https://abc.onion/',
  'credentials': 'https://user:pass@crm.example/',
  'a user alone': 'https://user@crm.example/',
  'credentials that look like a host': 'https://crm.example@127.0.0.1/',
  'credentials that look like a host, by a backslash': 'https://127.0.0.1\\@crm.example/',
  'plain http': 'http://crm.example/',
  'plain http to a neighbour of loopback': 'http://127.0.0.2/',
  'plain http to this machine by a number that is another': 'http://2130706434/',
  'another port': 'https://crm.example:22/',
  'another port, of a database': 'https://crm.example:6379/',
  'port 80 over TLS': 'https://crm.example:80/',
  ftp: 'ftp://crm.example/',
  file: 'file:///etc/passwd',
  data: 'data:text/plain,x',
  javascript: 'javascript:alert(1)',
  gopher: 'gopher://127.0.0.1:6379/_FLUSHALL',
  websocket: 'wss://crm.example/',
  'no host': 'https://',
  'no scheme': '//crm.example/',
  'a path': '/hook',
  'a line break in the address': 'https://127.0.\n0.1/',
  'a tab in the name': 'https://local\thost/',
  'empty labels': 'https://crm..example/',
  nonsense: 'nonsense',
};

export default (trackMate) =>
  describe('a place that deliveries must not reach', () => {
    test('is refused to whoever makes or changes a webhook, or sets the funnel’s', async () => {
      const c = await newCompany(trackMate());
      const webhook = await c.subscribe('https://crm.example/hook');
      const doors = {
        make: (url) => [c.call('POST', '/api/admin/webhooks', { name: 'x', events: ['*'], url }, c.admin), 'url'],
        change: (url) => [c.call('PATCH', `/api/admin/webhooks/${webhook.id}`, { url }, c.admin), 'url'],
        funnel: (url) => [c.call('PATCH', '/api/admin/settings', { crm_webhook_url: url }, c.admin), 'crm_webhook_url'],
      };
      const open = [];
      for (const [what, url] of Object.entries(FORBIDDEN)) {
        for (const [door, knock] of Object.entries(doors)) {
          const [answer, field] = knock(url);
          const { status, body } = await answer;
          if (status !== 400 || body.code !== 'invalid_url' || body.field !== field) open.push([what, door, status, body.code, body.field]);
        }
      }
      assert.deepEqual(open, []);
      const { webhooks } = (await c.get('/api/admin/webhooks')).body;
      assert.deepEqual(webhooks.map((w) => w.url), ['https://crm.example/hook']);
      assert.equal((await c.get('/api/admin/settings')).body.settings.crm_webhook_url, null);
    });

    test('is our own name, however it is written', async () => {
      const c = await newCompany(trackMate());
      const ask = (url) =>
        new Promise((resolve, reject) => {
          const body = JSON.stringify({ name: 'x', events: ['*'], url });
          const headers = { host: 'edge.example.com', 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...c.admin };
          const asking = httpRequest(`${trackMate().url}/api/admin/webhooks`, { method: 'POST', headers }, (answer) => {
            let text = '';
            answer.on('data', (part) => (text += part));
            answer.on('end', () => resolve({ status: answer.statusCode, headers: new Headers(answer.headers), body: JSON.parse(text) }));
          });
          asking.on('error', reject);
          asking.end(body);
        });
      for (const url of ['https://edge.example.com/', 'https://EDGE.example.com/api/events', 'https://edge.example.com./', 'https://edge.example.com:8443/', 'https://%65dge.example.com/']) {
        assertProblem(await ask(url), 400, 'invalid_url', 'url');
      }
      assert.equal((await ask('https://other.example.com/')).status, 200);
    });

    test('is not sent to by a test or a delivery, though it stands in the database', async () => {
      // As if the rule had been looser when it was stored.
      const c = await newCompany(trackMate());
      const d1 = await trackMate().d1();
      const webhooks = [];
      for (const [n, url] of Object.values(FORBIDDEN).entries()) {
        const { id } = await c.subscribe('https://crm.example/hook', [`e${n}`], { active: false });
        await d1.prepare('update subscriptions set url = ?2 where company = ?1 and id = ?3').bind(c.companyId, url, id).run();
        webhooks.push({ id, url, event: `e${n}` });
      }
      for (const { id, url } of webhooks) {
        const { status, body } = await c.call('POST', `/api/admin/webhooks/${id}/test`, {}, c.admin);
        assert.deepEqual([status, body.delivered, body.statusCode], [200, false, null], url);
        assert.match(body.error, /URL/, url);
      }
      await d1.prepare('update subscriptions set active = 1 where company = ?1').bind(c.companyId).run();
      await c.tryServer({ events: webhooks.map(({ event }) => ({ eventType: event })) });
      for (const { id, url } of webhooks) {
        const [delivery] = await until(`the end of ${url}`, async () => {
          const deliveries = await c.deliveries(id);
          return deliveries[0]?.finishedAt && deliveries;
        });
        assert.deepEqual([delivery.status, delivery.attempts.map((a) => a.statusCode)], ['failed_permanent', [null]], url);
        assert.match(delivery.attempts[0].error, /URL/, url);
      }
    });
  });
