// The built TrackMate for a benchmark: started in its own workerd, and used only through its API.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ROOT, startWorker } from './worker.mjs';

const OPERATOR_KEY = randomBytes(16).toString('hex');
const SECRETS_KEY = randomBytes(32).toString('base64');

const MODULES = ['edge/build/index.js', 'edge/build/index_bg.wasm'];

/** `vars` are further bindings; `options` are those of startWorker. */
export const startTrackMate = (vars = {}, options = {}) =>
  startWorker(MODULES, { OPERATOR_KEY, SECRETS_KEY, ...vars }, options);

/**
 * The builds to compare, by name: ours, and the base if the variable BASE names the folder of
 * another built checkout. Returns {name: {root, label}}.
 */
export function builds() {
  const ours = { trackmate: { root: ROOT, label: 'TrackMate' } };
  if (!process.env.BASE) return ours;
  const root = resolve(process.env.BASE);
  const missing = MODULES.map((file) => join(root, file)).find((file) => !existsSync(file));
  if (missing) throw new Error(`BASE is not a built checkout: there is no ${missing}`);
  const commit = execFileSync('git', ['-C', root, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  return { ...ours, base: { root, label: `base: ${commit}` } };
}

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
