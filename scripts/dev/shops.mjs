// The demo shop's own servers: one a company, as a shop's server has the keys of one. `make dev` opens that of a company when somebody looks at the shop as it.
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const SERVER = fileURLToPath(new URL('../examples/shop-server/server.mjs', import.meta.url));
/** Shops that are open at a time: each is a process. */
const SHOPS_MAX = 8;

export async function freePort() {
  const probe = createServer();
  await new Promise((listening) => probe.listen(0, '127.0.0.1', listening));
  const { port } = probe.address();
  await new Promise((closed) => probe.close(closed));
  return port;
}

/**
 * → `open(companyId)` → {port}. `kept` are the keys of shops by company, which go into it as they are made (`keep` writes them down), and `run(companyId, args, env,
 * gone)` starts a shop's server, waits until it answers, and says when it is gone.
 */
export function shopServers({ url, operatorKey, origins, kept, keep, run }) {
  const opened = new Map();

  async function api(method, path, headers, body) {
    const response = await fetch(url + path, { method, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body), signal: AbortSignal.timeout(15_000) });
    const answer = await response.json();
    if (!answer.success) throw new Error(answer.message);
    return answer;
  }

  /** The company's webhook sends to this port, and `kept` has its keys. */
  async function prepare(companyId, port) {
    const target = `http://127.0.0.1:${port}/webhooks/trackmate`;
    const known = kept[companyId];
    // Its keys or its webhook may have been deleted since.
    const isThere = known && (await api('PATCH', `/api/admin/webhooks/${known.webhookId}`, { 'x-admin-id': known.adminKey }, { url: target, active: true }).catch(() => false));
    if (isThere) return;
    const key = async (scope) => (await api('POST', `/api/operator/companies/${companyId}/keys`, { authorization: `Bearer ${operatorKey}` }, { scope, name: 'demo shop' })).key.key;
    const [serverKey, adminKey] = [await key('server'), await key('admin')];
    const wanted = { name: 'Demo shop server', url: target, events: ['*'], retryDelay: 1 };
    const { webhook } = await api('POST', '/api/admin/webhooks', { 'x-admin-id': adminKey }, wanted);
    kept[companyId] = { serverKey, adminKey, webhookId: webhook.id, secret: webhook.secret };
    keep();
  }

  async function start(companyId) {
    const port = await freePort();
    await prepare(companyId, port);
    const { serverKey, adminKey, secret } = kept[companyId];
    const env = { PORT: String(port), TRACKMATE_URL: url, TRACKMATE_API_KEY: serverKey, TRACKMATE_ADMIN_KEY: adminKey, COMPANY_ID: companyId, WEBHOOK_SECRET: secret, ALLOWED_ORIGIN: origins.join() };
    await run(companyId, [SERVER], env, () => opened.delete(companyId));
    return { port };
  }

  return async (companyId) => {
    if (!/^TM-[A-Z0-9]{4,32}$/.test(companyId)) throw new Error('this is no company id');
    if (!opened.has(companyId)) {
      if (opened.size >= SHOPS_MAX) throw new Error(`make dev opens the shops of ${SHOPS_MAX} companies at most; start it again for others`);
      const opening = start(companyId);
      opened.set(companyId, opening);
      opening.catch(() => opened.delete(companyId));
    }
    return opened.get(companyId);
  };
}
