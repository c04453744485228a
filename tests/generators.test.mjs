// Clients of the API as generators make them of docs/openapi.json: every call of it, in Python and in Rust. In TypeScript the dashboard is one.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { venv } from './support/python.mjs';

const DOCUMENT = fileURLToPath(new URL('../docs/openapi.json', import.meta.url));
const python = join(venv(new URL('generators/requirements.txt', import.meta.url)), 'bin/python');
const noGenerators = existsSync(python) ? false : 'the generators are not installed (python3 from 3.11 on with venv, then scripts/setup.sh test)';
const noJava = noGenerators || (spawnSync('java', ['-version']).status === 0 ? false : 'java, which one of the generators runs in, is not installed');

const { paths, webhooks } = JSON.parse(readFileSync(DOCUMENT, 'utf8'));
const ids = (all) => Object.values(all).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId.toLowerCase()));
/** Names without the signs by which languages part their words. */
const bare = (names) => names.map((name) => name.replaceAll('_', '').toLowerCase()).toSorted();

function run(command, args, options = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', ...options });
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${stdout}\n${stderr}`);
  return stdout + stderr;
}

function folder(t) {
  const made = mkdtempSync(join(tmpdir(), 'trackmate-generated-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

describe('generators of clients', () => {
  test('make every call in Python, without a warning, and each module of it can be imported', { skip: noGenerators }, (t) => {
    const home = folder(t);
    // What formats the files afterwards is not there.
    writeFileSync(join(home, 'config.yml'), 'post_hooks: []\n');
    const said = run(python, ['-m', 'openapi_python_client', 'generate', '--path', DOCUMENT, '--config', 'config.yml', '--output-path', 'client'], { cwd: home });
    assert.doesNotMatch(said, /warning|skipp|error/i);
    const files = readdirSync(join(home, 'client'), { recursive: true }).filter((file) => file.endsWith('.py'));
    const calls = files.filter((file) => file.includes('/api/') && !file.endsWith('__init__.py')).map((file) => file.split('/').at(-1).replace('.py', ''));
    assert.deepEqual(bare(calls), ids(paths).toSorted());
    const modules = files.map((file) => file.replace(/(\/__init__)?\.py$/, '').replaceAll('/', '.'));
    run(python, ['-c', modules.map((module) => `import ${module}`).join('\n')], { cwd: join(home, 'client') });
  });

  test('make every call in Rust, and none of them over another', { skip: noJava }, (t) => {
    const home = folder(t);
    const jar = run(python, ['-c', 'import openapi_generator_cli; print(openapi_generator_cli.__path__[0], end="/openapi-generator.jar")']);
    const said = run('java', ['-jar', jar, 'generate', '--input-spec', DOCUMENT, '--generator-name', 'rust', '--output', 'client'], { cwd: home });
    assert.doesNotMatch(said, /COLLISION|Duplicate|ERROR/);
    const apis = readdirSync(join(home, 'client/src/apis')).map((file) => readFileSync(join(home, 'client/src/apis', file), 'utf8'));
    const calls = apis.flatMap((text) => [...text.matchAll(/^pub async fn (\w+)/gm)].map(([, name]) => name));
    assert.deepEqual(bare(calls), [...ids(paths), ...ids(webhooks)].toSorted());
  });
});
