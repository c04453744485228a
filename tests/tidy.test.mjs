// The rules of the house that a test can check, so that no reviewer has to: where things stand, how long lines are,
// which words are used.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { slug } from '../www/docs/markdown.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' }).trim().split('\n').filter((f) => existsSync(join(ROOT, f)));
const read = (file) => readFileSync(join(ROOT, file), 'utf8');
const under = (folder, ending) => files.filter((f) => f.startsWith(folder) && f.endsWith(ending));
/** Rust without comments and without its tests. */
const code = (file) => read(file).split('#[cfg(test)]')[0].replaceAll(/\/\/.*$/gm, '');
/** Markdown without its code blocks; their lines stay as blank ones, so that numbers are right. */
const prose = (markdown) => markdown.replaceAll(/^ *```[^]*?^ *```$/gm, (block) => block.replaceAll(/.+/g, ''));

test('every file opens with what it is', () => {
  const openings = { '.rs': /^(#!\[.*\n)*\/\/! /, '.sql': /^-- /, '.mjs': /^(#!.*\n)?\/\/ /, '.ts': /^(\/\/ |\/\*\*)/, '.sh': /^#!.*\n# / };
  const bare = files.filter((f) => Object.entries(openings).some(([ending, opening]) => f.endsWith(ending) && !opening.test(read(f))));
  assert.deepEqual(bare, []);
});

test('every name that a script imports from another file is exported there', () => {
  const missing = [];
  for (const file of under('', '.mjs')) {
    for (const [, names, path] of read(file).matchAll(/import\s+(?:\w+,\s*)?\{([^}]*)\}\s+from\s+'(\.[^']+\.mjs)'/g)) {
      const target = join(dirname(file), path);
      const exported = existsSync(join(ROOT, target)) ? read(target) : '';
      for (const name of names.split(',').map((part) => part.trim().split(' as ')[0]).filter(Boolean)) {
        const isExported = new RegExp(`export (async )?(function\\*?|const|let|class) ${name}\\b|export \\{[^}]*\\b${name}\\b`);
        if (!isExported.test(exported)) missing.push(`${file}: ${name} of ${path}`);
      }
    }
  }
  assert.deepEqual(missing, []);
});

/** The attribute of a function that is a table. */
const TABLE = '#[allow(clippy::too_many_lines, reason = "a table")]';

/** The functions of a Rust file with their lines; those of tests are left out. */
function functionsOf(file) {
  const lines = read(file).split('#[cfg(test)]')[0].split('\n');
  return lines.flatMap((line, start) => {
    const opening = /^(\s*)(?:pub(?:\([^)]*\))? )?(?:(?:const|async|unsafe) )*fn (\w+)/.exec(line);
    if (!opening) return [];
    const [, indent, name] = opening;
    const isOnOneLine = /[;}]$/.test(line);
    const length = isOnOneLine ? 1 : lines.slice(start).indexOf(`${indent}}`) + 1;
    return [{ place: `${file}:${start + 1} ${name}`, length, isTable: lines[start - 1]?.trim() === TABLE }];
  });
}
const rust = () => ['edge/src/', 'cli/src/', 'wire/src/'].flatMap((folder) => under(folder, '.rs')).filter((file) => !file.endsWith('/tests.rs'));

// A function that only lists things may be longer: openapi/ is made of lists, and elsewhere the attribute `TABLE`
// directly above `fn` says so.
test('no function of the Worker, the CLI or wire has more than 60 lines, apart from tables', () => {
  const functions = rust().filter((file) => !file.startsWith('edge/src/openapi/')).flatMap(functionsOf);
  assert.ok(functions.length > 1000);
  assert.deepEqual(functions.filter(({ length, isTable }) => length > 60 && !isTable).map(({ place, length }) => `${place}: ${length} lines`), []);
});

// `limits.rs` is a list.
test('no file of the Worker, the CLI or wire has more than 400 lines, apart from the list of limits', () => {
  const long = rust().filter((file) => file !== 'wire/src/limits.rs' && read(file).trimEnd().split('\n').length > 400);
  assert.deepEqual(long, []);
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
    if (file !== 'edge/src/store/db.rs') assert.doesNotMatch(code(file), /\.d1\(/, file);
  }
});

test('every SQL file is one statement, named in the list, lower case', () => {
  const list = read('edge/src/store/sql.rs');
  for (const file of under('edge/src/store/sql/', '.sql')) {
    const text = read(file).replaceAll(/--.*$/gm, '').trim();
    // A trigger ends its own statements.
    assert.ok(!text.replace(/^create trigger[^;]*;\s*end$/, '').includes(';'), file);
    assert.doesNotMatch(text, /\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE)\b/, file);
    assert.doesNotMatch(text, /[^<>!]= \?\d|\b(limit|offset) \?\d/, `${file}: write "+?1", see store/sql.rs`);
    assert.ok(list.includes(`"${file.split('/').at(-1)}"`), file);
  }
});

test('the list of problem codes in the docs is the list in the code', () => {
  const coded = [...read('wire/src/problem.rs').matchAll(/Self::\w+ => "(\w+)"/g)].map((m) => m[1]);
  const documented = [...read('docs/problems.md').matchAll(/^\| \[`(\w+)`/gm)].map((m) => m[1]);
  assert.ok(coded.length > 20);
  assert.deepEqual(documented, coded);
});

test('every path and every heading that the docs link to exists', () => {
  const headings = (file) => [...prose(read(file)).matchAll(/^#+ (.+)$/gm)].map(([, text]) => slug(text));
  for (const doc of under('', '.md')) {
    for (const [, target, anchor] of prose(read(doc)).matchAll(/\]\((?!https?:)([^)#]*)#?([^)]*)\)/g)) {
      const path = target ? join(dirname(doc), target) : doc;
      assert.ok(existsSync(join(ROOT, path)), `${doc} → ${target}`);
      if (anchor) assert.ok(headings(path).includes(anchor), `${doc} → ${target}#${anchor}`);
    }
  }
});

/** Lines of a file that `isWrong` finds, as `file:line`. */
const linesOf = (file, isWrong) => read(file).split('\n').flatMap((line, index) => (isWrong(line) ? [`${file}:${index + 1}`] : []));
const width = (line) => [...line].length;

/** Whether a line of Markdown could be wrapped and is not: tables, the targets of links and single words cannot be. */
function isWide(line) {
  if (/^\s*\|/.test(line)) return false;
  const text = line.replaceAll(/\]\([^)]*\)/g, ']').replaceAll(/https?:\/\/\S+/g, '');
  const words = text.replace(/^\s*([-*]|\d+\.)\s/, '').replaceAll(/`[^`]*`/g, 'code').trim();
  return width(text) > 100 && words.includes(' ');
}

/** Markdown that is still to be wrapped. This list only gets shorter. */
const WIDE_MARKDOWN = [];

test('no line of a Markdown file has more than 100 characters, apart from tables, links and code', () => {
  for (const file of under('', '.md')) {
    const wide = prose(read(file)).split('\n').flatMap((line, index) => (isWide(line) ? [`${file}:${index + 1}`] : []));
    if (WIDE_MARKDOWN.includes(file)) assert.notDeepEqual(wide, [], `${file} is wrapped: take it off the list`);
    else assert.deepEqual(wide, []);
  }
});

/** Comments, letters and texts of Rust. */
const RUST_TOKEN = /\/\/.*|'(?:\\.|[^'\\\n])'|(?<=\W)r(#*)"[^]*?"\1|"(?:\\[^]|[^"\\])*"/g;
/** Whether a text of Rust is data, which is not broken: a raw text, SQL, or a list of currencies. */
const isData = (token) => /^(r#*"|"\s*(select|insert|update|delete|with)\b|"[A-Z]{3} )/.test(token);
/** Rust without its data; the lines stay. */
const withoutData = (text) => text.replaceAll(RUST_TOKEN, (token) => (isData(token) ? token.replaceAll(/[^\n]/g, '') : token));

test('no comment in Rust has more than 100 characters in a line, and no line of Rust more than 120, apart from data', () => {
  const isLong = (line) => width(line) > (/^\s*\/\/(?!.*https?:)/.test(line) ? 100 : 120);
  const long = under('', '.rs').flatMap((file) => withoutData(read(file)).split('\n').flatMap((line, index) => (isLong(line) ? [`${file}:${index + 1}`] : [])));
  assert.deepEqual(long, []);
});

test('texts that say what to do say "Fix", and never "Mend"', () => {
  const texts = files.filter((file) => /\.(md|rs|ts|tsx|mjs|sh)$/.test(file) && file !== 'tests/tidy.test.mjs');
  assert.deepEqual(texts.flatMap((file) => linesOf(file, (line) => /\bMend\b/.test(line))), []);
});

/** Identifiers of the Rust code that were given up, each with its new word. */
const RETIRED = {
  Call: 'RequestContext',
  Handled: 'HandlerResult',
  Came: 'IngestResult',
  Told: 'OutcomeLog, ServerBatch or StoredChange',
  Teller: 'VendorIdentify',
  Telling: 'GroupChange',
  tellings: 'group_changes',
  told_time: 'sent_time',
  Give: 'Grant',
  Led: 'ResolvedKey',
  led: 'resolved',
  News: 'PlatformEvent',
  Act: 'IdentityChange',
  heir: 'next_owner',
  Fact: 'LinkEvidence',
  fact: 'event (of a delivery) or link',
  Door: 'Admission, or Source for the API through which an event came',
  Noted: 'LogEntry or WrittenNames',
  source_name: 'Source::name',
  SPILL_: 'BUFFER_',
  spill: 'outage buffer',
  or_keep: 'buffer_if_down',
  store_or_buffer: 'buffer_if_down',
  refill: 'drain_outage_buffer',
  Foreign: 'VendorRequest',
  WAVES_MAX: 'ROUNDS_MAX',
  TURN_MS_MAX: 'PERSON_LOCK_MS_MAX',
  Mild: 'LenientText',
  read_mildly: 'read_leniently',
  Belongings: 'PersonRecords',
  partings: 'merge blocks',
  said_at: 'trusted_at',
  Own: 'TrustedData',
  Room: 'LeaseBudget',
  flight: 'concurrency',
  Wake: 'Wakeup',
  DELIVERY_CLAIM: 'DELIVERY_LEASE',
  claim_held: 'lease_held',
  claim_of: 'identify_hash_of',
  grp: 'group_id',
  entropy: 'random',
};

test('no identifier of the Rust code has a word that was given up', () => {
  const found = [];
  for (const file of rust()) {
    const names = new Set(read(file).split('#[cfg(test)]')[0].replaceAll(RUST_TOKEN, '').match(/\w+/g));
    for (const [word, instead] of Object.entries(RETIRED)) {
      if (names.has(word) || word.endsWith('_') && [...names].some((name) => name.startsWith(word))) found.push(`${file}: ${word} is now ${instead}`);
    }
  }
  assert.deepEqual(found, []);
});
