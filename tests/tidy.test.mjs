// The rules about where things stand, checked: what a reviewer would otherwise have to notice each time.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' }).trim().split('\n').filter((f) => existsSync(join(ROOT, f)));
const read = (file) => readFileSync(join(ROOT, file), 'utf8');
const under = (folder, ending) => files.filter((f) => f.startsWith(folder) && f.endsWith(ending));
/** Rust without comments and without its tests. */
const code = (file) => read(file).split('#[cfg(test)]')[0].replaceAll(/\/\/.*$/gm, '');

test('every file opens with what it is', () => {
  const openings = { '.rs': /^(#!\[.*\n)*\/\/! /, '.sql': /^-- /, '.mjs': /^(#!.*\n)?\/\/ /, '.ts': /^(\/\/ |\/\*\*)/, '.sh': /^#!.*\n# / };
  const bare = files.filter((f) => Object.entries(openings).some(([ending, opening]) => f.endsWith(ending) && !opening.test(read(f))));
  assert.deepEqual(bare, []);
});

test('wire and the domain do no I/O, name no runtime, hold no SQL and read no clock', () => {
  const foreign = /\b(worker|web_sys|js_sys|wasm_bindgen|getrandom|std::(fs|net::Tcp|time::(SystemTime|Instant)))\b|\bDate::now|Utc::now|\b(insert into|select .+ from|update \w+ set)\b/i;
  for (const file of [...under('wire/src/', '.rs'), ...under('edge/src/domain/', '.rs')]) {
    assert.equal(foreign.exec(code(file))?.[0], undefined, file);
  }
});

test('SQL stands only in its folder, one module fetches, and only http knows requests and answers', () => {
  for (const file of under('edge/src/', '.rs')) {
    assert.doesNotMatch(code(file), /"\s*(insert|select|update|delete|with)\s[^"]*\b(into|from|set|as)\b/i, file);
    if (file !== 'edge/src/delivery/client.rs') assert.doesNotMatch(code(file), /\bFetch\b/, file);
    if (!/^edge\/src\/(http\/|lib\.rs|delivery\/client\.rs)/.test(file)) assert.doesNotMatch(code(file), /\bworker::\{?[^;]*\b(Request|Response)\b/, file);
    if (file !== 'edge/src/store/mod.rs') assert.doesNotMatch(code(file), /\.d1\(/, file);
  }
});

test('every SQL file is one statement, named in the list, lower case', () => {
  const list = read('edge/src/store/sql.rs');
  for (const file of under('edge/src/store/sql/', '.sql')) {
    const text = read(file).replaceAll(/--.*$/gm, '').trim();
    assert.ok(!text.includes(';'), file);
    assert.doesNotMatch(text, /\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE)\b/, file);
    assert.ok(list.includes(`"${file.split('/').at(-1)}"`), file);
  }
});

test('the list of problem codes in the docs is the list in the code', () => {
  const coded = [...read('wire/src/problem.rs').matchAll(/Self::\w+ => "(\w+)"/g)].map((m) => m[1]);
  const documented = [...read('docs/problems.md').matchAll(/^\| \[`(\w+)`/gm)].map((m) => m[1]);
  assert.ok(coded.length > 20);
  assert.deepEqual(documented, coded);
});

test('every path that the docs link to or map exists', () => {
  for (const doc of under('', '.md')) {
    for (const [, target] of read(doc).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      assert.ok(existsSync(join(ROOT, dirname(doc), target)), `${doc} → ${target}`);
    }
  }
});
