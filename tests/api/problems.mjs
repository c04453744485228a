// The catalogue of problems, as it is served.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PROBLEMS } from '../support/harness.mjs';

export default (trackMate) =>
  describe('the problems', () => {
    test('are all on their page, each with its cause and its fix, and the reference leads there', async () => {
      const served = async (path) => (await fetch(trackMate().url + path)).text();
      const page = await served('/docs/problems/');
      const told = [...page.matchAll(/<h2 id="(\w+)">.*?<\/h2>\s*<p>(.*?)<\/p>\s*<ul>\s*<li>Cause: (.+?)<\/li>\s*<li>Fix: (.+?)<\/li>\s*<\/ul>/gs)];
      assert.deepEqual(told.map(([, code]) => code), [...PROBLEMS.keys()]);
      for (const [, code, title] of told) assert.ok(title.includes(`(status ${PROBLEMS.get(code)})`), code);
      const reference = await served('/docs/http/');
      for (const code of PROBLEMS.keys()) assert.ok(reference.includes(`href="/docs/problems/#${code}"`), code);
    });
  });
