// `trackmate serve`: TrackMate on a machine of one's own, in workerd, without Cloudflare. The data
// is in one folder. A process in front of the runtime keeps its internal paths from the network, and
// says from which address a request is.
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { createServer, request as send } from 'node:http';
import { freePort } from './dev/shops.mjs';

const CRON_EVERY_MS = 60_000;
const { PORT: publicPort = '8787', HOST: host = '127.0.0.1', COMPANY: companyName = 'My company' } = process.env;
/** Whether a proxy of the user's is in front, which appends the visitor's address. */
const isBehindProxy = process.env.TRUST_PROXY === '1';
// The modules of `trackmate dev` read this. The runtime itself can be reached from this machine only.
process.env.PORT = String(await freePort());
const { FILES, PORT, readJson, saveKeys, STATE, displayPath } = await import('./dev/environment.mjs');
const { fail, Failure, hasExited, lockState, state, step, stepDone, stop, workerExited } = await import(
  './dev/processes.mjs'
);
const { api, describe, driveCron, migrate, startWorker } = await import('./dev/worker.mjs');

/** Creates the first company on the first start. */
async function firstCompany(keys) {
  if (keys.adminKey) return;
  const created = await api('POST', '/api/operator/companies', {
    headers: { authorization: `Bearer ${keys.operatorKey}` },
    body: { name: companyName },
  });
  if (!created.ok) throw new Failure(`the first company was not created: ${describe(created)}`);
  keys.companyId = created.answer.company.id;
  keys.serverKey = created.answer.keys.server.key;
  keys.adminKey = created.answer.keys.admin.key;
  saveKeys(keys);
}

/** The headers for the Worker. Cloudflare's own are never taken from the network. */
function headersFor(request) {
  const own = Object.entries(request.headers).filter(([name]) => !/^(cf|mf)-/.test(name));
  const forwarded = isBehindProxy && request.headers['x-forwarded-for']?.split(',').at(-1).trim();
  return { ...Object.fromEntries(own), 'cf-connecting-ip': forwarded || request.socket.remoteAddress };
}

/** Whether a URL, in any spelling, is a path of the runtime. */
function isInternal(url) {
  try {
    return decodeURIComponent(url.split('?')[0]).toLowerCase().includes('cdn-cgi');
  } catch {
    return true; // Nobody but an attacker sends such a URL.
  }
}

/** Passes a request on to the Worker, and its answer back as it comes. */
function forward(request, response) {
  // The runtime's own paths can run jobs without a key.
  if (isInternal(request.url)) return response.writeHead(404).end();
  const options = { port: PORT, host: '127.0.0.1', method: request.method, path: request.url };
  const inner = send({ ...options, headers: headersFor(request) }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
    response.on('close', () => answer.destroy());
  });
  inner.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
  return request.pipe(inner);
}

async function main() {
  mkdirSync(STATE, { recursive: true, mode: 0o700 });
  lockState();
  step('migrate the database');
  await migrate();
  step('start the Worker');
  const newKey = () => randomBytes(32).toString('hex');
  const keys = { operatorKey: newKey(), secretsKey: newKey(), ...readJson(FILES.keys) };
  saveKeys(keys);
  await startWorker(keys);
  await firstCompany(keys);
  await driveCron(CRON_EVERY_MS);
  stepDone();
  if (hasExited('worker')) throw workerExited('unexpectedly', FILES.log);
  const server = createServer(forward);
  server.on('error', (error) => fail(new Failure(`could not listen: ${error.message}`, 'choose another --port')));
  server.listen(Number(publicPort), host, () => {
    state.isReady = true;
    console.log(`TrackMate runs at http://${host}:${publicPort}. All keys are in ${displayPath(FILES.keys)}.`);
  });
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(0));
main().catch(fail);
