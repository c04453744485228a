// `make bench`: the admin API with 100 000 people: pages of the list, filters, search, a walk by
// cursor, and exports. README.md explains the results. USERS makes it smaller.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { populate } from '../tests/support/crowd.mjs';
import { SMOKE, conclude, machine, median, medians, shown, table, verdict, whole } from './report.mjs';
import { run } from './run.mjs';
import { call, createCompany, startTrackMate } from './trackmate.mjs';

const USERS = whole('USERS', 100_000, 500);
const REPEATS = SMOKE ? 1 : 5;
const PAGE = 50;
/** Users per page of the walk, and the pages that are reported. */
const WALK_PAGE = 1000;
const DEPTHS = [1, 10, 50, 100];
const FIRST_BYTE_GOAL = 200;
const FORMATS = ['csv', 'json', 'ndjson'];
/** Number of exports per size and format. */
const ROUNDS = whole('ROUNDS', 3, 1);

// Lists.

const QUERIES = {
  'first page, by id': '',
  'newest first': 'sortBy=createdAt&sortOrder=desc',
  'by last name': 'sortBy=lastName',
  'tag (1 in 6)': 'hasTag=vip',
  'custom field (1 in 20)': 'customField[level]=3',
  'consent, since March': 'exportConsentOnly=true&createdAfter=2025-03-01',
  'filter that finds nobody': 'hasTag=nothing',
};

async function lists(page) {
  const figures = {};
  for (const [name, query] of Object.entries(QUERIES)) {
    const calls = [];
    for (let n = 0; n < REPEATS; n += 1) calls.push(await page(`limit=${PAGE}&${query}`));
    figures[name] = medians(calls.map(({ ms, read }) => ({ ms, read })));
  }
  // The first search of a company indexes all its people, with a limit per request.
  const search = async (words) => {
    const { ms, read, body } = await page(`limit=${PAGE}&search=${words}`);
    if (body.users.length === 0) throw new Error(`nobody is found by ${words}`);
    return { ms, read };
  };
  figures['search, the very first'] = await search('ada');
  figures['search, two words'] = await search('ada%20love');
  const found = [];
  for (let n = 0; n < REPEATS; n += 1) found.push(await search(`john.${9 + 10 * n}`));
  figures['search, one person'] = medians(found);
  return figures;
}

/** Walks to the end by cursor. Returns the figures of some pages. */
async function walk(page, query) {
  const pages = [];
  const seen = new Set();
  for (let cursor = ''; cursor !== null; ) {
    const { body, ms, read } = await page(`limit=${WALK_PAGE}&${query}&cursor=${encodeURIComponent(cursor)}`);
    pages.push({ ms, read });
    for (const { id } of body.users) seen.add(id);
    cursor = body.pagination.nextCursor;
  }
  if (seen.size !== USERS) throw new Error(`the walk saw ${seen.size} of ${USERS}`);
  return Object.fromEntries(DEPTHS.filter((depth) => depth <= pages.length).map((depth) => [depth, pages[depth - 1]]));
}

// Exports.

/** Resident memory of a process in bytes; undefined without /proc. */
const resident = (pid) => pid && Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

/** Downloads an export and compares it with its record. Returns its figures. */
async function download({ url, pid }, adminKey, path) {
  const headers = { 'x-admin-id': adminKey, 'accept-encoding': 'identity' };
  const before = resident(pid);
  let peak = before;
  const watch = setInterval(() => (peak = Math.max(peak, resident(pid))), 5);
  const began = performance.now();
  const hash = createHash('sha256');
  const got = await new Promise((resolve, reject) => {
    const asked = get(new URL(path, url), { headers }, (answer) => {
      let [first, bytes] = [undefined, 0];
      answer.on('data', (part) => {
        first ??= performance.now() - began;
        bytes += part.length;
        hash.update(part);
      });
      answer.on('error', reject).on('end', () => resolve({ first, bytes, ms: performance.now() - began, id: answer.headers['x-export-id'], status: answer.statusCode }));
    });
    asked.on('error', reject);
  });
  clearInterval(watch);
  if (got.status !== 200) throw new Error(`${path}: ${got.status}`);
  const { body } = await call(url, 'GET', `/api/admin/exports/${got.id}`, undefined, { 'x-admin-id': adminKey });
  const { state, sha256, rows, changedDuring } = body.export;
  if (state !== 'complete' || sha256 !== hash.digest('hex') || changedDuring !== 0) throw new Error(`${path}: ${state}, ${changedDuring} changed, or other bytes`);
  return { rows, bytes: got.bytes, ms: got.ms, first: got.first, rowsPerS: (rows * 1000) / got.ms, memory: peak - before };
}

async function exported(worker, adminKey) {
  const figures = {};
  // Warm up: the runtime compiles what runs often, and its heap reaches its working size.
  await download(worker, adminKey, '/api/admin/export/users/ndjson');
  for (const format of FORMATS) {
    for (const rows of [Math.ceil(USERS / 10), USERS]) {
      const runs = [];
      for (let n = 0; n < ROUNDS; n += 1) runs.push(await download(worker, adminKey, `/api/admin/export/users/${format}?limit=${rows}`));
      figures[`${format} ${rows}`] = { ...medians(runs), memory: Math.max(...runs.map((run) => run.memory)) };
    }
  }
  const filtered = [];
  for (let n = 0; n < ROUNDS; n += 1) filtered.push(await download(worker, adminKey, '/api/admin/export/users/csv?hasTag=vip'));
  figures['csv, tag (1 in 6)'] = medians(filtered);
  return figures;
}

// Output.

function printLists(figures, walks) {
  table(`List of ${shown(USERS)} users, pages of ${PAGE}`, ['', 'ms', 'rows read'], Object.entries(figures).map(([name, f]) => [name, f.ms, f.read]));
  const rows = Object.entries(walks).flatMap(([name, pages]) => Object.entries(pages).map(([depth, f]) => [name, Number(depth), f.ms, f.read]));
  table(`Walk by cursor, pages of ${shown(WALK_PAGE)}`, ['', 'page', 'ms', 'rows read'], rows);
  const flat = Object.values(walks).every((pages) => {
    const reads = Object.values(pages).map((f) => f.read);
    return Math.max(...reads) <= reads[0] * 1.01 + 1;
  });
  console.log(`  goal: no page reads more rows than the first (1 %): ${verdict(flat)}`);
}

function printExports(figures) {
  const mb = (bytes) => bytes / 1e6;
  table(
    'Exports of users',
    ['', 'rows', 'MB', 'ms', 'rows/s', 'first byte ms', 'peak MB over before'],
    Object.entries(figures).map(([name, f]) => [name, f.rows, mb(f.bytes), f.ms, f.rowsPerS, f.first, mb(f.memory)]),
  );
  const first = Math.max(...Object.values(figures).map((f) => f.first));
  console.log(`  goal: first byte ≤ ${FIRST_BYTE_GOAL} ms: ${shown(first)} ${verdict(first <= FIRST_BYTE_GOAL)}`);
  const tenth = median(FORMATS.map((format) => figures[`${format} ${Math.ceil(USERS / 10)}`].memory));
  const all = median(FORMATS.map((format) => figures[`${format} ${USERS}`].memory));
  console.log(`  memory over before, median of formats: ${shown(mb(tenth))} MB for a tenth of the rows, ${shown(mb(all))} MB for all`);
}

async function main() {
  const before = machine();
  console.log(`${shown(USERS)} users; ${before.cpus} cores, load ${before.load.toFixed(1)} at the start`);
  const worker = await startTrackMate({ DEV_SHOW_COST: '1' });
  const { id, adminKey } = await createCompany(worker);
  await populate(worker.d1, id, USERS);
  const page = (query) => call(worker.url, 'GET', `/api/admin/users?${query}`, undefined, { 'x-admin-id': adminKey });
  await page('limit=1'); // the first request also notes the key's use, once an hour
  const listed = await lists(page);
  const walks = { 'by id': await walk(page, ''), 'newest first': await walk(page, 'sortBy=createdAt&sortOrder=desc') };
  printLists(listed, walks);
  const files = await exported(worker, adminKey);
  printExports(files);
  conclude('users', before, { users: USERS, listed, walks, exports: files });
}

run(main);
