// The built TrackMate for a benchmark: started in its own workerd, and used only through its API.
import { randomBytes } from 'node:crypto';
import { startWorker } from './worker.mjs';

const OPERATOR_KEY = randomBytes(16).toString('hex');
const SECRETS_KEY = randomBytes(32).toString('base64');

/** `vars` are further bindings; `consumes` as for startWorker. */
export const startTrackMate = (vars = {}, consumes = false) =>
  startWorker(['edge/build/index.js', 'edge/build/index_bg.wasm'], { OPERATOR_KEY, SECRETS_KEY, ...vars }, consumes);

/** Calls the API. Returns {body, ms, read, written}. Throws unless the status is 200. */
export async function call(base, method, route, body, headers = {}) {
  const began = performance.now();
  const response = await fetch(new URL(route, base), {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: body && JSON.stringify(body),
  });
  const answer = await response.text();
  const ms = performance.now() - began;
  if (response.status !== 200) throw new Error(`${method} ${route}: ${response.status} ${answer}`);
  const [, read, written] = /read=(\d+) written=(\d+)/.exec(response.headers.get('x-d1-cost') ?? '') ?? [];
  return { body: JSON.parse(answer), ms, read: Number(read), written: Number(written) };
}

/** Creates a company. Returns {id, adminKey, serverKey}. */
export async function createCompany({ url }) {
  const { body } = await call(url, 'POST', '/api/operator/companies', { name: 'Bench' }, { authorization: `Bearer ${OPERATOR_KEY}` });
  return { id: body.company.id, adminKey: body.keys.admin.key, serverKey: body.keys.server.key };
}
