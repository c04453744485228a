// Who may import whom: no files import each other in a circle, but those that are named here. The list may only shrink.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const ROOT = new URL('..', import.meta.url).pathname;

/** How many files the circles have that are left, of each source folder. */
const LEFT = {};

const walk = (folder, ending) =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? walk(path, ending) : ending.test(name) ? [path] : [];
  });

/** Rust without its unit tests, comments and string contents. */
const code = (text) =>
  text
    .split(/#\[cfg\(test\)\]\s*mod tests/)[0]
    .replaceAll(/(?<![:"])\/\/[^\n]*/g, '')
    .replaceAll(/"(?:\\.|[^"\\])*"/g, '""');

/** `a::{b, c::{d, e}}` as `a::b`, `a::c::d`, `a::c::e`. */
function paths(use) {
  const open = use.indexOf('{');
  if (open < 0) return [use.split(' as ')[0].trim()];
  const parts = [];
  let depth = 0;
  let part = '';
  for (const c of use.slice(open + 1, use.lastIndexOf('}'))) {
    if (c === ',' && depth === 0) { parts.push(part); part = ''; continue; }
    depth += c === '{' ? 1 : c === '}' ? -1 : 0;
    part += c;
  }
  return [...parts, part].filter((p) => p.trim()).flatMap((p) => paths(use.slice(0, open).trim() + p.trim()));
}

/** module → modules it names, of the crate in `src`. */
function rust(src) {
  const files = new Map(walk(src, /\.rs$/).map((file) => {
    const module = relative(src, file).replace(/\.rs$/, '').replace(/\/mod$/, '').replace(/^(lib|main)$/, '').replaceAll('/', '::');
    return [module, code(readFileSync(file, 'utf8'))];
  }));
  const find = (from, path) => {
    let names = path.replaceAll(/\s+/g, '').split('::').filter(Boolean);
    let at = from ? from.split('::') : [];
    if (names[0] === 'crate') { at = []; names = names.slice(1); }
    else if (names[0] === 'self') names = names.slice(1);
    else if (names[0] === 'super') while (names[0] === 'super') { at = at.slice(0, -1); names = names.slice(1); }
    else if (!files.has([...at, names[0]].join('::'))) return undefined; // another crate
    for (let n = names.length; n >= 0; n--) {
      const module = [...at, ...names.slice(0, n)].join('::');
      if (files.has(module)) return { module, item: names[n], last: names.at(-1) };
    }
    return undefined;
  };
  const graph = new Map();
  for (const [module, text] of files) {
    const to = new Set();
    const body = text.replaceAll(/\buse\s+[^;]+;/g, '');
    for (const [, use] of text.matchAll(/\buse\s+([^;]+);/g)) {
      for (const path of paths(use)) {
        const found = find(module, path);
        if (!found) continue;
        // A module brought in by its name is imported where it is used.
        if (found.item && found.item !== 'self') to.add(found.module);
        else if (new RegExp(`\\b${found.module.split('::').at(-1)}::`).test(body)) to.add(found.module);
      }
    }
    for (const [path] of body.matchAll(/\b(?:crate|super|self)(?:::\w+)+/g)) {
      const found = find(module, path);
      if (found?.item) to.add(found.module);
    }
    for (const child of files.keys()) {
      const parts = child.split('::');
      const name = parts.pop();
      if (child && parts.join('::') === module && new RegExp(`(?<![\\w:])${name}::`).test(body)) to.add(child);
    }
    to.delete(module);
    graph.set(module, to);
  }
  return graph;
}

/** file → files it imports, of the TypeScript in `src`. */
function typescript(src) {
  const graph = new Map();
  for (const file of walk(src, /\.(tsx?|mjs)$/)) {
    const to = new Set();
    for (const [, path] of readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?['"](\.[^'"]+)['"]/g)) {
      const base = join(dirname(file), path);
      const target = [base, `${base}.ts`, `${base}.tsx`, base.replace(/\.js$/, '.ts')].find((p) => existsSync(p) && statSync(p).isFile());
      if (target) to.add(relative(src, target));
    }
    graph.set(relative(src, file), to);
  }
  return graph;
}

/** Sets of modules that reach each other (Tarjan). */
function circles(graph) {
  const index = new Map(), low = new Map(), stack = [], found = [];
  const visit = (v) => {
    index.set(v, index.size); low.set(v, index.get(v)); stack.push(v);
    for (const w of graph.get(v) ?? []) {
      if (!graph.has(w)) continue;
      if (!index.has(w)) { visit(w); low.set(v, Math.min(low.get(v), low.get(w))); }
      else if (stack.includes(w)) low.set(v, Math.min(low.get(v), index.get(w)));
    }
    if (low.get(v) !== index.get(v)) return;
    const circle = stack.splice(stack.indexOf(v));
    if (circle.length > 1) found.push(circle.sort());
  };
  for (const v of graph.keys()) if (!index.has(v)) visit(v);
  return found.sort((a, b) => b.length - a.length);
}

/** The circles of a graph, each with its inner arrows: one of them has to go. */
const shown = (graph) =>
  circles(graph).map((files) => files.flatMap((a) => [...graph.get(a)].filter((b) => files.includes(b)).map((b) => `${a || 'lib'} → ${b || 'lib'}`)));

const GRAPHS = {
  ...Object.fromEntries(['wire/src', 'edge/src', 'cli/src', 'sdk-wasm/src'].map((src) => [src, rust(join(ROOT, src))])),
  ...Object.fromEntries(['www/src', 'sdk-wasm/js'].map((src) => [src, typescript(join(ROOT, src))])),
};

for (const [src, graph] of Object.entries(GRAPHS)) {
  test(`the files of ${src} import each other in no circle that is not known`, () => {
    const left = LEFT[src] ?? [];
    const now = circles(graph).map((files) => files.length);
    assert.ok(graph.size > 3, 'there are files');
    assert.ok(now.length <= left.length && now.every((n, i) => n <= left[i]), `circles of ${now} files, and ${left} are known:\n${shown(graph).map((c) => c.join('\n')).join('\n\n')}`);
    assert.deepEqual(now, left, 'a circle is cut: take it from the list');
  });
}

/**
 * The rooms of the Worker, from the inside out: a room imports itself and those before it. `jobs` and `http` are side by side.
 */
const ROOMS = ['vars', 'domain', 'store', 'error', 'runtime', 'credentials', 'delivery', 'people', 'ingest', 'export', 'jobs', 'http', 'openapi'];

test('no room of the Worker imports one that stands further out', () => {
  const room = (module) => ROOMS.indexOf(module.split('::')[0]);
  const beside = (from, to) => room(from) === ROOMS.indexOf('http') && room(to) === ROOMS.indexOf('jobs');
  const wrong = [...GRAPHS['edge/src']].flatMap(([from, all]) =>
    [...all].filter((to) => from && to && (room(to) > room(from) || beside(from, to))).map((to) => `${from} → ${to}`),
  );
  assert.deepEqual(wrong, []);
  assert.deepEqual([...GRAPHS['edge/src'].keys()].filter((module) => module && room(module) < 0), [], 'every room is in the list');
});
