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

    test('have the members of RFC 9457, and the media type that a vendor’s client expects on its paths', async () => {
      const post = { method: 'POST', body: '{"events":' };
      const answer = await fetch(`${trackMate().url}/api/events`, post);
      const { requestId, message, ...problem } = await answer.json();
      assert.equal(requestId, answer.headers.get('x-request-id'));
      assert.deepEqual(problem, {
        success: false,
        code: 'invalid_json',
        type: '/docs/problems/#invalid_json',
        title: 'The body is not JSON',
        status: 400,
        detail: message,
      });
      const mediaType = async (path, options) => (await fetch(trackMate().url + path, options)).headers.get('content-type');
      assert.equal(await mediaType('/api/events', post), 'application/problem+json');
      assert.equal(await mediaType('/api/admin/webhooks'), 'application/problem+json');
      assert.equal(await mediaType('/no/such/path'), 'application/problem+json');
      assert.equal(await mediaType('/v1/track', post), 'application/json');
      assert.equal(await mediaType('/healthz'), 'application/json; charset=utf-8');
    });
  });
