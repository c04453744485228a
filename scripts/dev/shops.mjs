// The demo shop's servers: one per company, since a shop server has one company's keys. `make dev`
// (and `trackmate dev`) starts a company's server when its shop is running.
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const SERVER = fileURLToPath(new URL('../../examples/shop-server/server.mjs', import.meta.url));
/** Maximum number of running shop servers. Each is a process. */
const SHOPS_MAX = 8;

export async function freePort() {
  const probe = createServer();
  await new Promise((listening) => probe.listen(0, '127.0.0.1', listening));
  const { port } = probe.address();
  await new Promise((closed) => probe.close(closed));
  return port;
}

/**
 * Returns `open(companyId)`, which resolves to {port}. `keys` holds the keys of shops by company;
 * new ones are added and stored with `saveKeys`. `run(companyId, args, env, onExit)` starts a shop
 * server, waits until it answers, and calls `onExit` when it exits.
 */
export function shopServers({ url, operatorKey, origins, keys, saveKeys, run }) {
  const running = new Map();

  async function api(method, path, headers, body) {
    const response = await fetch(url + path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(15_000),
    });
    const answer = await response.json();
    if (!answer.success) throw new Error(answer.message);
    return answer;
  }

  /** Points the company's webhook to this port, and makes sure that `keys` has its keys. */
  async function prepare(companyId, port) {
    const target = `http://127.0.0.1:${port}/webhooks/trackmate`;
    const known = keys[companyId];
    // The keys or the webhook may have been deleted since.
    const isValid =
      known &&
      (await api(
        'PATCH',
        `/api/admin/webhooks/${known.webhookId}`,
        { 'x-admin-id': known.adminKey },
        { url: target, active: true },
      ).catch(() => false));
    if (isValid) return;
    const key = async (scope) =>
      (
        await api(
          'POST',
          `/api/operator/companies/${companyId}/keys`,
          { authorization: `Bearer ${operatorKey}` },
          { scope, name: 'demo shop' },
        )
      ).key.key;
    const [serverKey, adminKey] = [await key('server'), await key('admin')];
    const body = { name: 'Demo shop server', url: target, events: ['*'], retryDelay: 1 };
    const { webhook } = await api('POST', '/api/admin/webhooks', { 'x-admin-id': adminKey }, body);
    keys[companyId] = { serverKey, adminKey, webhookId: webhook.id, secret: webhook.secret };
    saveKeys();
  }

  async function start(companyId) {
    const port = await freePort();
    await prepare(companyId, port);
    const { serverKey, adminKey, secret } = keys[companyId];
    const env = {
      PORT: String(port),
      TRACKMATE_URL: url,
      TRACKMATE_API_KEY: serverKey,
      TRACKMATE_ADMIN_KEY: adminKey,
      COMPANY_ID: companyId,
      WEBHOOK_SECRET: secret,
      ALLOWED_ORIGIN: origins.join(),
    };
    await run(companyId, [SERVER], env, () => running.delete(companyId));
    return { port };
  }

  return async (companyId) => {
    if (!/^TM-[A-Z0-9]{4,32}$/.test(companyId)) throw new Error('this is not a company id');
    if (!running.has(companyId)) {
      if (running.size >= SHOPS_MAX)
        throw new Error(`this system runs the shops of at most ${SHOPS_MAX} companies; restart it to open others`);
      const starting = start(companyId);
      running.set(companyId, starting);
      starting.catch(() => running.delete(companyId));
    }
    return running.get(companyId);
  };
}
