// Sends the real Worker what its OpenAPI document allows and what it does not, for FUZZ_S seconds (300), by schemathesis. Every answer must be one that the
// document tells, and none a 5xx. Exits with 1 on a finding, with 2 where the fuzzer is not installed (scripts/setup.sh fuzz). The same SEED sends the same.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTrackMate, until } from '../support/harness.mjs';
import { newCompany } from '../support/people.mjs';
import { venv } from '../support/python.mjs';
import { startReceiver } from '../support/receiver.mjs';

const SECONDS = Number(process.env.FUZZ_S || 300);
const SEED = process.env.SEED || String(Date.now() % 2 ** 31);
/** In a short run the random part alone: the examples and each field's edges are what tests/api/openapi.mjs sends. */
const PHASES = SECONDS < 120 ? 'fuzzing,stateful' : 'examples,coverage,fuzzing,stateful';
const HOOKS = fileURLToPath(new URL('hooks.py', import.meta.url));
/** Not asked: whether everything odd is refused. Unknown fields are ignored, and null is as good as nothing, on purpose; and some of what a schema allows is still
 *  refused (an id that is not there, a text of control characters). */
const NOT_CHECKED = 'negative_data_rejection,positive_data_acceptance';

const python = join(venv(new URL('requirements.txt', import.meta.url)), 'bin', 'python');
if (!existsSync(python)) {
  console.error('schemathesis is not installed: run scripts/setup.sh fuzz (it needs python3 with venv, and PyPI)');
  process.exit(2);
}

const trackMate = await startTrackMate();
const folder = mkdtempSync(join(tmpdir(), 'trackmate-fuzz-'));
const receiver = await startReceiver((request, number) => [200, 200, 200, 500, 404][number % 5]);
try {
  const c = await newCompany(trackMate, { name: 'Fuzzed' });
  const emails = ['ada@example.com', 'bob@example.com', 'cy@example.com'];
  const sessions = emails.map(() => c.session());
  const users = [];
  for (const [n, email] of emails.entries()) users.push((await c.identify(sessions[n], email, { name: email, messageId: `said-${n}` })).body.profileId);
  const said = Array.from({ length: 20 }, (_, n) => `said-${n}`);
  for (const messageId of said.slice(emails.length)) await c.identify(c.session(), `${messageId}@example.com`, { messageId });
  const spared = users.slice(0, 2);
  const gone = (await c.identify(c.session(), 'gone@example.com')).body.profileId;
  await c.call('DELETE', `/api/admin/users/${gone}`, undefined, c.admin);
  const webhooks = [];
  for (const events of [['*'], ['user.*'], ['x']]) webhooks.push((await c.subscribe(`${receiver.url}/hook`, events)).id);
  await c.server({ userId: users[0] }, 'x', { messageId: 'x-1' });
  await c.server({ userId: users[0] }, 'booking.created', { eventData: { booking: { id: 'b' } } });
  const exported = (await c.get('/api/admin/export/users/json')).body.exportId;
  // Its own key is not among the keys that may be revoked.
  const other = await trackMate.companies({ name: 'Other' });
  const ended = await until('a delivery', async () => (await c.deliveries(webhooks[0])).find((d) => d.status !== 'pending'));
  const world = {
    company: c.companyId, emails, sessions, receiver: `${receiver.url}/fuzzed`,
    said, spared, after: [...users, 'webhook:x-1', 'browser:said-0'],
    columns: { users: ['id,email', 'customFields.points,traits,tags', 'traits.name'], events: ['eventType', 'eventData,eventData.a,userId'] },
    ids: { users: [...users, gone], exports: [exported], webhooks: [...webhooks, 'wh_funnel'], deliveries: [ended.id], companies: [other.companyId], keys: ['key_0'], events: ['x-1', ...said], projects: [c.companyId], array: [c.companyId] },
  };
  const config = join(folder, 'schemathesis.toml');
  writeFileSync(config, `[auth.openapi]
adminKey = { api_key = "${c.adminKey}" }
serverKey = { api_key = "${c.serverKey}" }
operatorKey = { bearer = "${trackMate.operatorKey}" }
`);
  console.log(`${SECONDS} s of fuzzing, SEED=${SEED}`);
  const args = ['-m', 'schemathesis.cli', '--config-file', config, '--no-color', 'run', `${trackMate.url}/openapi.json`, '--max-time', SECONDS, '--seed', SEED, '--phases', PHASES, '--checks', 'all', '--exclude-checks', NOT_CHECKED,
    '--continue-on-failure', '--request-timeout', 40, '--warnings', 'off', '--output-sanitize', 'false', '--generation-database', 'none'];
  const fuzzer = spawn(python, args.map(String), { cwd: folder, stdio: 'inherit', env: { ...process.env, SCHEMATHESIS_HOOKS: HOOKS, FUZZ_WORLD: JSON.stringify(world) } });
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => fuzzer.kill(signal));
  process.exitCode = await new Promise((done) => fuzzer.on('exit', (code) => done(code === 0 ? 0 : 1)));
} finally {
  await receiver.close();
  await trackMate.close();
  rmSync(folder, { recursive: true });
}
