// docs/openapi.json against Redocly's rules for OpenAPI documents, which generators and viewers of
// documents rely on. tests/api/openapi.mjs compares the document with what the API answers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { openapi } from './support/operations.mjs';

/** Rules beyond Redocly's recommended ones. `info-contact` is not among them: there is no address. */
const RULES = [
  'no-invalid-media-type-examples',
  'no-invalid-parameter-examples',
  'no-invalid-schema-examples',
  'no-schema-type-mismatch',
  'operation-operationId-url-safe',
  'operation-parameters-unique',
  'operation-singular-tag',
  'operation-tag-defined',
  'parameter-description',
  'path-params-defined',
  'spec-strict-refs',
  'tag-description',
];
/** These refuse nothing, so they have no answer with a status of 4xx. */
const NEVER_REFUSED = [
  '/array/{key}/config',
  '/decide',
  '/flags',
  '/healthz',
  '/readyz',
  '/sourceConfig',
  '/v1/projects/{key}/settings',
];

/** The problems of a document, as `rule: place: message`. */
async function problems(document) {
  const rules = Object.fromEntries(RULES.map((rule) => [rule, 'error']));
  const config = await createConfig({ extends: ['recommended-strict'], rules });
  const found = await lintFromString({ source: JSON.stringify(document), config });
  const place = ([{ pointer }]) => pointer.replaceAll('~1', '/');
  return found.map(({ ruleId, message, location }) => `${ruleId}: ${place(location)}: ${message}`);
}

test('the OpenAPI document breaks none of the rules, but for operations that refuse nothing', async () => {
  const found = await problems(openapi);
  const others = found.filter((problem) => !problem.startsWith('operation-4xx-response: '));
  assert.deepEqual(others, []);
  const paths = found.map((problem) => /#\/paths\/(.+)\/(?:get|post)\/responses/.exec(problem)[1]).sort();
  assert.deepEqual(paths, NEVER_REFUSED);
});

test('a document with a mistake breaks the rules', async () => {
  const wrong = structuredClone(openapi);
  delete wrong.tags[0].description;
  wrong.paths['/api/admin/stats'].get.responses[200].content['application/json'].example.success = 'yes';
  const before = await problems(openapi);
  const added = (await problems(wrong)).filter((problem) => !before.includes(problem));
  const rules = new Set(added.map((problem) => problem.split(':')[0]));
  assert.deepEqual(rules, new Set(['no-invalid-media-type-examples', 'tag-description']));
});
