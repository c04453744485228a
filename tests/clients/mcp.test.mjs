// The inspector of the Model Context Protocol, unmodified, against `trackmate mcp` and the real
// Worker, in both kinds of versions: it finds the tools, has nothing to object to in their schemas,
// and gets what the API answers.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { trackmate } from '../support/cli.mjs';
import { startTrackMate } from '../support/harness.mjs';
import { newCompany } from '../support/people.mjs';

const INSPECTOR = fileURLToPath(new URL('node_modules/.bin/mcp-inspector', import.meta.url));
const skip = existsSync(INSPECTOR) ? false : 'the inspector is not installed (npm, then scripts/setup.sh test)';

describe('the inspector of the Model Context Protocol', { skip }, () => {
  let trackMate, company, folder, server;
  before(async () => {
    trackMate = await startTrackMate();
    company = await newCompany(trackMate);
    await company.server({ email: 'ada@example.com' }, 'payment_processed', { eventData: { amount: 1 } });
    folder = mkdtempSync(join(tmpdir(), 'trackmate-mcp-'));
    const settings = [`TRACKMATE_URL=${trackMate.url}`, `TRACKMATE_ADMIN_KEY=${company.adminKey}`];
    server = [trackmate(), 'mcp', ...settings.flatMap((setting) => ['-e', setting])];
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await trackMate?.close();
  });

  for (const era of ['legacy', 'modern']) {
    /** Runs the inspector. Returns its result. */
    const inspect = async (...args) => {
      const all = ['--cli', ...server, '--protocol-era', era, '--format', 'json', '--quiet', ...args];
      const options = { env: { PATH: process.env.PATH, HOME: folder }, cwd: folder, timeout: 60_000 };
      const { stdout } = await promisify(execFile)(process.execPath, [INSPECTOR, ...all], options);
      return JSON.parse(stdout);
    };
    const called = async (name, values = {}) => {
      const call = ['--method', 'tools/call', '--tool-name', name, '--tool-args-json', JSON.stringify(values)];
      const result = await inspect(...call);
      return JSON.parse((result.result ?? result).content[0].text);
    };

    test(`the inspector lists the tools and objects to none of their schemas (${era} versions)`, async () => {
      const listed = await inspect('--method', 'tools/list', '--strict');
      const names = (listed.result ?? listed).tools.map(({ name }) => name);
      assert.ok(names.includes('listUsers') && names.includes('getTimeline'), names.join());
      assert.ok(!names.some((name) => /^(export|erase|create|update|delete)/.test(name)), names.join());
    });

    test(`the inspector gets from the tools what the API answers (${era} versions)`, async () => {
      const { body: users } = await company.get('/api/admin/users?limit=5&search=ada');
      const [{ id }] = users.users;
      assert.deepEqual(await called('listUsers', { limit: 5, search: 'ada' }), users);
      const { body: timeline } = await company.get(`/api/admin/users/${id}/timeline`);
      assert.deepEqual(await called('getTimeline', { id }), timeline);
      assert.deepEqual(await called('getSettings'), (await company.get('/api/admin/settings')).body);
      assert.deepEqual(await called('listWebhooks'), (await company.get('/api/admin/webhooks')).body);
    });
  }
});
