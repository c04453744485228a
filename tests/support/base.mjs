// The version from which an upgrade begins: a commit of this repository, its migrations, its
// statements, and its built Worker.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MIGRATIONS = 'edge/migrations';
const STATEMENTS = 'edge/src/store/sql';
/** Where the built bases are; a run finds that of an earlier one. `make clean` keeps them. */
const BUILDS = join(ROOT, '.trackmate/base');

const options = { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 28, stdio: 'pipe' };
const git = (...args) => execFileSync('git', args, options).trim();
/** What git answers; undefined if it fails. */
const tryGit = (...args) => {
  try {
    return git(...args);
  } catch {
    return undefined;
  }
};

const sqlFiles = (names) => names.filter((name) => name.endsWith('.sql')).sort();
/** The files of a folder of a commit: [{name, text}]. */
function filesOf(commit, folder) {
  const names = sqlFiles(git('ls-tree', '--name-only', `${commit}:${folder}`).split('\n'));
  return names.map((name) => ({ name, text: git('show', `${commit}:${folder}/${name}`) }));
}

/** Today's migrations. */
export function migrations() {
  const folder = join(ROOT, MIGRATIONS);
  return sqlFiles(readdirSync(folder)).map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
}

/**
 * The statements of a commit, as its list joins them from files: [{name, text}]. Left out are those
 * whose tables are filled in.
 */
export function statementsOf(commit) {
  const files = new Map(filesOf(commit, STATEMENTS).map(({ name, text }) => [name, text.replaceAll(/^--.*\n/gm, '')]));
  const listed = git('show', `${commit}:${STATEMENTS}.rs`).matchAll(/^ +([A-Z_\d]+) =((?:\s*"[^"]+\.sql")+),/gm);
  const joined = (parts) => [...parts.matchAll(/"([^"]+)"/g)].map(([, file]) => files.get(file)).join('\n');
  const statements = [...listed].map(([, name, parts]) => ({ name, text: joined(parts) }));
  return statements.filter(({ text }) => !text.includes('{table}'));
}

/** A database with these migrations. */
export function migrated(files) {
  const database = new DatabaseSync(':memory:');
  for (const { text } of files) database.exec(text);
  return database;
}

/** What a database consists of: {name: statement}, in one form whatever the comments and blanks. */
export function schemaOf(database) {
  const plain = (sql) => sql.replaceAll(/--.*$/gm, '').replaceAll(/\s+/g, ' ').replaceAll(/ ?([(),]) ?/g, '$1').trim();
  const made = "select name, sql from sqlite_schema where sql is not null and name not like 'sqlite_%' order by name";
  const rows = database.prepare(made).all();
  return Object.fromEntries(rows.map(({ name, sql }) => [name, plain(sql)]));
}

/** The migrations of a commit, and those of today that it lacks: what an upgrade applies. */
export function upgradeOf(commit) {
  const before = filesOf(commit, MIGRATIONS);
  const names = new Set(before.map(({ name }) => name));
  return { before, pending: migrations().filter(({ name }) => !names.has(name)) };
}

/**
 * What differs between a new database and one that was upgraded from a commit: the names of tables,
 * indexes and triggers, or why today's migrations cannot go on from those of the commit.
 */
export function differences(commit) {
  const { before, pending } = upgradeOf(commit);
  const fresh = schemaOf(migrated(migrations()));
  try {
    const upgraded = schemaOf(migrated([...before, ...pending]));
    const names = new Set([...Object.keys(upgraded), ...Object.keys(fresh)]);
    return [...names].filter((name) => upgraded[name] !== fresh[name]);
  } catch (error) {
    return [error.message];
  }
}

/** The oldest commit all of whose migrations are there today, and were not edited since. */
function oldestBase() {
  const paths = migrations().map(({ name }) => `${MIGRATIONS}/${name}`);
  const hashes = git('hash-object', ...paths).split('\n');
  const today = new Set(paths.map((path, index) => `${hashes[index]}\t${path}`));
  const isUnchanged = (commit) => {
    const files = git('ls-tree', '--format=%(objectname)%x09%(path)', '--full-tree', `${commit}`, `${MIGRATIONS}/`);
    return files !== '' && files.split('\n').every((file) => today.has(file));
  };
  const changes = git('log', '--first-parent', '--format=%H', '--', MIGRATIONS).split('\n').filter(Boolean);
  return changes.findLast(isUnchanged);
}

/** Why a shallow clone or an archive cannot do it. */
const NO_HISTORY = 'the git history has no older version: clone it, or run `git fetch --unshallow --tags`';

/**
 * The version from which an upgrade begins → {commit, label}, or {why} there is none. It is BASE,
 * else the last release, and before the first release the oldest commit whose migrations were not
 * edited since.
 */
export function findBase(wanted = process.env.BASE) {
  if (tryGit('rev-parse', '--is-inside-work-tree') !== 'true') return { why: NO_HISTORY };
  const isShallow = git('rev-parse', '--is-shallow-repository') === 'true';
  const release = () => tryGit('describe', '--tags', '--abbrev=0', '--match', 'v[0-9]*', 'HEAD^');
  const label = wanted || release() || (!isShallow && oldestBase());
  if (!label) return { why: isShallow ? NO_HISTORY : 'no commit has migrations that those of today continue' };
  const commit = tryGit('rev-parse', '--verify', '--quiet', `${label}^{commit}`);
  if (!commit) return { why: isShallow ? NO_HISTORY : `git knows no ${label}` };
  const short = commit.slice(0, 7);
  return { commit, label: commit.startsWith(label) ? short : `${label} (${short})` };
}

/** Builds the Worker of a commit, unless it is built → its folder. */
export function buildBase(commit) {
  const folder = join(BUILDS, commit.slice(0, 12));
  if (existsSync(join(folder, 'edge/build/index_bg.wasm'))) return folder;
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  execFileSync('sh', ['-c', `git archive ${commit} | tar -x -C '${part}'`], { cwd: ROOT });
  symlinkSync(join(ROOT, 'node_modules'), join(part, 'node_modules'));
  // With our target folder: crates of others are built already.
  const env = { ...process.env, CARGO_TARGET_DIR: process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target') };
  const build = '. scripts/lib.sh; cd edge && "$WORKER_BUILD_BIN" --release';
  execFileSync('bash', ['-c', build], { cwd: part, env, stdio: ['ignore', 'pipe', 'inherit'] });
  renameSync(part, folder);
  return folder;
}
