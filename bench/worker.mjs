// One Worker in its own workerd, called through a socket of that process: no proxy, dev server or
// logging in between. Its D1 is in a temporary folder, in memory if possible, and is removed
// afterwards.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { cellNames } from '../scripts/dev/cells.mjs';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** A path of the repository. */
export const path = (relative) => join(ROOT, relative);

const running = new Set();
/** How often it looks whether each workerd still runs. */
const ALIVE_EVERY_MS = 500;

/**
 * The compatibility of a checkout's wrangler.toml, and the settings of its first queue consumer.
 * Wrangler could read it too, but to load wrangler takes longer than to start workerd.
 */
function settings(root) {
  const toml = readFileSync(join(root, 'wrangler.toml'), 'utf8');
  const value = (text, name) => JSON.parse(new RegExp(`^${name} = ([^#\\n]+)`, 'm').exec(text)[1]);
  const consumer = toml.split('[[queues.consumers]]')[1];
  return {
    compatibilityDate: value(toml, 'compatibility_date'),
    compatibilityFlags: value(toml, 'compatibility_flags'),
    consumer: {
      maxBatchSize: value(consumer, 'max_batch_size'),
      maxBatchTimeout: value(consumer, 'max_batch_timeout'),
      maxRetries: value(consumer, 'max_retries'),
    },
  };
}

/**
 * Starts these modules (the first is the entry) with empty, migrated databases: `DB` and, with more
 * `cells` than one, `CELL_1`, …. Returns {url, pid, d1, cell, sweep, stop, cpuMs, peakBytes,
 * resetPeak}: `d1` is `DB`, and `cell(name)` any of them. `consumes` makes it the consumer of its
 * own queue. `root` is the checkout of the modules, of the migrations, and of the wrangler.toml whose settings
 * it has. `sweep` runs its cron handler, which the local runtime does not fire. `pid` and the last
 * three are undefined without /proc.
 */
export async function startWorker(modules, bindings, { consumes = false, root = ROOT, cells = 1 } = {}) {
  const { consumer, ...compatibility } = settings(root);
  const state = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'trackmate-bench-'));
  const before = new Set(children());
  const worker = { name: 'bench', modulesRoot: root, ...compatibility, bindings };
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: [
        {
          ...worker,
          modules: modules.map((file) => ({ type: file.endsWith('.wasm') ? 'CompiledWasm' : 'ESModule', path: join(root, file) })),
          d1Databases: Object.fromEntries(cellNames(cells).map((cell) => [cell, cell === 'DB' ? 'bench' : cell])),
          queueProducers: { DELIVERIES: 'bench' },
          queueConsumers: consumes ? { bench: consumer } : {},
          // or each fetch has its headers copied, which no other runtime does
          stripCfConnectingIp: false,
          unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
        },
      ],
      resourcePersistencePath: state,
      cf: false,
    }),
  );
  const started = { miniflare, state };
  running.add(started);
  const stop = () => stopWorker(started);
  await miniflare.ready;
  const url = await miniflare.unsafeGetDirectURL('bench');
  const pid = children().find((child) => !before.has(child));
  Object.assign(started, { pid, isReady: true, watch: setInterval(() => throwIfGone(pid), ALIVE_EVERY_MS) });
  const cell = (name) => miniflare.getD1Database(name, 'bench');
  const d1 = await cell('DB');
  for (const name of cellNames(cells)) await migrate(await cell(name), root);
  const { scheduled } = await miniflare.getWorker('bench');
  const usage = pid && { cpuMs: () => cpuMs(pid), peakBytes: () => peakBytes(pid), resetPeak: () => writeFileSync(`/proc/${pid}/clear_refs`, '5') };
  return { url, pid, d1, cell, stop, sweep: () => scheduled({ cron: '* * * * *' }), ...usage };
}

async function migrate(d1, root) {
  const migrations = join(root, 'edge/migrations');
  // The local D1 runs all statements of a text, but none may be empty, as one of comments is.
  for (const file of readdirSync(migrations).sort()) {
    await d1.prepare(readFileSync(join(migrations, file), 'utf8').replaceAll(/--.*$/gm, '').trim()).run();
  }
}

const remove = ({ state }) => rmSync(state, { recursive: true, force: true, maxRetries: 3 });

async function stopWorker(started) {
  if (!running.delete(started)) return;
  clearInterval(started.watch);
  await started.miniflare.dispose().finally(() => remove(started));
}

// On Ctrl-C, Miniflare kills its workerd and exits at once; only this handler still runs.
process.on('exit', () => running.forEach(remove));

/** Stops all Workers that still run. */
export const stopAll = () => Promise.all([...running].map(stopWorker));

/** The fields of /proc/<pid>/stat after the command's name, which may contain any characters. */
function stat(pid) {
  const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return line.slice(line.lastIndexOf(')') + 2).split(' ');
}

/** The process ids of this process's children. */
function children() {
  if (!existsSync('/proc/self/stat')) return [];
  return readdirSync('/proc').filter((entry) => {
    try {
      return /^\d+$/.test(entry) && Number(stat(entry)[1]) === process.pid;
    } catch {
      return false; // it ended meanwhile
    }
  });
}

const isGone = (pid) => pid !== undefined && !existsSync(`/proc/${pid}`);

/** Throws from its timer, which ends the bench: Miniflare waits for ever for a workerd that died. */
function throwIfGone(pid) {
  if (isGone(pid)) throw new Error('workerd ended by itself');
}

/** What is wrong with a workerd, if anything is. It explains what fails because of it. */
export function workerdProblem() {
  const all = [...running];
  if (all.some(({ pid }) => isGone(pid))) return 'workerd ended by itself';
  return all.every(({ isReady }) => isReady) ? undefined : 'workerd did not start';
}

/** The unit in which Linux counts CPU time, in ms. A short load may take none. */
export const CPU_UNIT_MS = 10;

/** CPU time of a process so far, user and system, in ms. */
function cpuMs(pid) {
  const [user, system] = stat(pid).slice(11, 13).map(Number);
  return (user + system) * CPU_UNIT_MS;
}

/** The most resident memory of a process since its start, or since its peak was reset. */
const peakBytes = (pid) => Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
