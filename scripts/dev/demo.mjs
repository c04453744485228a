// The demo of `make dev` and `trackmate dev`: the demo company with its keys and webhook, its shop
// server, and the start page.
import { join } from 'node:path';
import {
  BASE,
  COMPANY,
  displayPath,
  FILES,
  ORIGINS,
  PORT,
  PUBLIC_URL,
  ROOT,
  saveKeys,
  SHOP_PORT,
  START_PORT,
  startCommand,
  STATE,
} from './environment.mjs';
import { Failure, pause, portAnswers, portIsFree, start } from './processes.mjs';
import { shopServers } from './shops.mjs';
import { serveStartPage } from './start-page.mjs';
import { api, describe } from './worker.mjs';

/**
 * Creates the demo company on the first start of a STATE. Later starts check that its keys work.
 */
export async function demoCompany(keys) {
  const startAgain = `start from an empty D1: rm -r ${displayPath(STATE)}, then ${startCommand()}`;
  if (!keys.adminKey) {
    const created = await api('POST', '/api/operator/companies', {
      headers: { authorization: `Bearer ${keys.operatorKey}` },
      body: { companyId: COMPANY, name: 'Demo shop' },
    });
    if (!created.ok) throw new Failure(`the demo company was not created: ${describe(created)}`, startAgain);
    keys.companyId = created.answer.company.id;
    keys.serverKey = created.answer.keys.server.key;
    keys.adminKey = created.answer.keys.admin.key;
    saveKeys(keys);
  }
  const users = await api('GET', '/api/admin/users?limit=1', { headers: { 'x-admin-id': keys.adminKey } });
  if (!users.ok) throw new Failure(`the stored admin key is not accepted: ${describe(users)}`, startAgain);

  // The webhook's URL has the shop's port, so another PORT on the same STATE needs another webhook.
  keys.webhooks ??= {};
  if (!keys.webhooks[SHOP_PORT]) {
    const created = await api('POST', '/api/admin/webhooks', {
      headers: { 'x-admin-id': keys.adminKey },
      body: {
        name: 'Demo shop server',
        url: `http://127.0.0.1:${SHOP_PORT}/webhooks/trackmate`,
        events: ['*'],
        retryDelay: 1,
      },
    });
    if (!created.ok) throw new Failure(`the shop's webhook was not created: ${describe(created)}`, startAgain);
    keys.webhooks[SHOP_PORT] = { id: created.answer.webhook.id, secret: created.answer.webhook.secret };
    saveKeys(keys);
  }
}

/**
 * Starts the demo company's shop server. The system is useful without it, so a failure is only a
 * warning.
 */
export async function startShop(keys) {
  const server = join(ROOT, 'examples/shop-server/server.mjs');
  if (!(await portIsFree(SHOP_PORT))) {
    const fix = startCommand({ PORT: PORT + 10 });
    console.warn(`WARNING: port ${SHOP_PORT} is in use, so the shop server does not run. Fix: ${fix}`);
    return false;
  }
  const env = {
    PORT: String(SHOP_PORT),
    TRACKMATE_URL: BASE,
    TRACKMATE_API_KEY: keys.serverKey,
    TRACKMATE_ADMIN_KEY: keys.adminKey,
    COMPANY_ID: keys.companyId,
    WEBHOOK_SECRET: keys.webhooks[SHOP_PORT].secret,
    ALLOWED_ORIGIN: ORIGINS.join(),
  };
  const child = start('shop', process.execPath, [server], env, FILES.shopLog);
  for (const until = Date.now() + 5_000; Date.now() < until && !child.hasExited; await pause(50)) {
    if (await portAnswers(SHOP_PORT)) return true;
  }
  if (!child.hasExited) {
    console.warn(`WARNING: the shop server does not answer yet. Its log: ${displayPath(FILES.shopLog)}`);
  }
  return false;
}

/** Returns a function that starts the shop server of another company when its shop is opened. */
function otherShops(keys) {
  keys.shops ??= {};
  const run = async (companyId, args, env, onExit) => {
    const log = FILES.shopLog.replace('.log', `-${companyId}.log`);
    const child = start(`shop ${companyId}`, process.execPath, args, env, log);
    child.exited.then(onExit);
    for (const until = Date.now() + 5_000; !(await portAnswers(env.PORT)); await pause(50)) {
      if (child.hasExited || Date.now() > until) throw new Error(`the shop server of ${companyId} does not answer`);
    }
  };
  const { operatorKey, shops } = keys;
  return shopServers({ url: BASE, operatorKey, origins: ORIGINS, keys: shops, saveKeys: () => saveKeys(keys), run });
}

/** Serves the start page, where one click sends an event. The system is useful without it. */
export async function startPage(keys) {
  const { companyId, adminKey } = keys;
  const options = { url: PUBLIC_URL, companyId, adminKey, origins: ORIGINS, openShop: otherShops(keys) };
  try {
    await serveStartPage(START_PORT, options);
    return true;
  } catch (error) {
    console.warn(`WARNING: the start page does not run: ${error.message}. Fix: ${startCommand({ PORT: PORT + 10 })}`);
    return false;
  }
}
