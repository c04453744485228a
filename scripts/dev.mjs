// The running system on this machine, started by `make dev` and `trackmate dev`: local D1 migrated,
// the Worker in the local runtime, a demo company with its keys, the demo shop's server, the start
// page, and the cron, which the local runtime does not fire itself. Does not build anything
// (scripts/build.sh does).
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { demoCompany, startPage, startShop } from './dev/demo.mjs';
import {
  COMPANY,
  displayPath,
  FILES,
  PORT,
  PUBLIC_URL,
  readJson,
  saveKeys,
  SHOP_PORT,
  START_PORT,
  startCommand,
  STATE,
  writePrivate,
} from './dev/environment.mjs';
import {
  fail,
  Failure,
  hasExited,
  lockState,
  portIsFree,
  state,
  step,
  stepDone,
  stop,
  workerExited,
} from './dev/processes.mjs';
import { api, driveCron, migrate, startWorker } from './dev/worker.mjs';

/** Far less than the minute of production, so that a lost delivery is retried soon. */
const CRON_EVERY_MS = 5_000;

const startTime = Date.now();

function printSummary(keys, shopRuns, startPageRuns) {
  const session = `session_${Math.floor(Date.now() / 1000)}_${randomBytes(16).toString('hex')}`;
  const curl = (path, body, header = '') =>
    `curl -sS ${PUBLIC_URL}${path} -H 'Content-Type: application/json'${header} \\\n  -d '${JSON.stringify(body)}'`;
  const event = { eventType: 'page_view', eventData: { address: '/headphones' } };
  const person = { email: 'ada@example.com' };
  const payment = { eventType: 'payment_processed', eventData: { amount: 79.99, currency: 'USD' } };
  const keyHeader = ` \\\n  -H 'X-TrackMate-API-Key: ${keys.serverKey}'`;
  const seconds = ((Date.now() - startTime) / 1000).toFixed(1);
  console.log(`
TrackMate runs at ${PUBLIC_URL} (${seconds} s). Stop it with Ctrl-C; the data stays in ${displayPath(STATE)}.

  Start here   ${startPageRuns ? `http://localhost:${START_PORT}/` : 'does not run (see above)'}
  Demo shop    ${PUBLIC_URL}/shop/
  Dashboard    ${PUBLIC_URL}/dashboard/
  Shop server  ${shopRuns ? `http://localhost:${SHOP_PORT}/` : 'does not run (see above)'}
  Admin key    ${keys.adminKey}
  All keys     ${displayPath(FILES.ready)}
  Logs         ${displayPath(FILES.log)}

A visitor views a page, is identified, and pays on your server:

${curl('/api/events', { company_id: COMPANY, sessionId: session, events: [event] })}

${curl('/api/profile', { company_id: COMPANY, sessionId: session, ...person, name: 'Ada' })}

${curl('/api/webhooks/events', { company_id: COMPANY, identifier: person, ...payment }, keyHeader)}
`);
}

async function main() {
  if (!Number.isInteger(PORT) || PORT < 1 || PORT > 65_533) {
    const fix = `use a number from 1 to 65533, for example: ${startCommand({ PORT: 8790 })}`;
    throw new Failure(`PORT is "${process.env.PORT}"`, fix);
  }
  mkdirSync('.trackmate', { recursive: true });
  lockState();
  if (!(await portIsFree(PORT))) {
    const fix = `stop the process that uses it, or: ${startCommand({ PORT: PORT + 10 })}`;
    throw new Failure(`port ${PORT} is in use`, fix);
  }

  step('migrate the local D1');
  await migrate();

  step('start the Worker');
  const newKey = () => randomBytes(32).toString('hex');
  const keys = { operatorKey: newKey(), secretsKey: newKey(), ...readJson(FILES.keys) };
  saveKeys(keys);
  // Allows webhooks to http://127.0.0.1, which a deployed Worker rejects.
  await startWorker(keys, { DEV_ALLOW_LOOPBACK: '1' });

  step('demo company');
  await demoCompany(keys);

  step('start the shop server');
  const shopRuns = await startShop(keys);
  // TrackMate logs events only while somebody watches. This request keeps the log on for Live.
  const watch = () => api('GET', '/api/admin/events?limit=1', { headers: { 'x-admin-id': keys.adminKey } });
  await driveCron(CRON_EVERY_MS, watch);
  stepDone();
  if (state.isStopping) return;

  const { companyId, serverKey, adminKey, operatorKey } = keys;
  state.isReady = true;
  const ready = { url: PUBLIC_URL, companyId, serverKey, adminKey, operatorKey };
  writePrivate(FILES.ready, `${JSON.stringify(ready, null, 2)}\n`);
  if (hasExited('worker')) fail(workerExited('unexpectedly', FILES.log));
  else printSummary(keys, shopRuns, await startPage(keys));
}

process.on('SIGINT', () => stop(0));
process.on('SIGTERM', () => stop(0));
process.on('SIGHUP', () => stop(0));
main().catch(fail);
