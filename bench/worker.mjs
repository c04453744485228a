// One Worker in its own workerd, called through a socket of that process: no proxy, dev server or
// logging in between. Its D1 is in a temporary folder, in memory if possible, and is removed
// afterwards.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { unstable_readConfig as readConfig, unstable_splitSqlQuery as splitSql } from 'wrangler';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** A path of the repository. */
export const path = (relative) => join(ROOT, relative);
/** The text of a file of the repository. */
export const text = (relative) => readFileSync(path(relative), 'utf8');

const running = new Set();

/**
 * Starts these modules (the first is the entry) with an empty, migrated D1. Returns {url, pid, d1,
 * cpuMs, sweep, stop}. `consumes` makes it the consumer of its own queue, with the settings of
 * wrangler.toml. `sweep` runs its cron handler, which the local runtime does not fire. `pid` and
 * `cpuMs` are undefined without /proc.
 */
export async function startWorker(modules, bindings, consumes = false) {
  const { compatibility_date: compatibilityDate, compatibility_flags: compatibilityFlags, queues } = readConfig({ config: path('wrangler.toml') });
  const [{ max_batch_size: maxBatchSize, max_batch_timeout: maxBatchTimeout, max_retries: maxRetries }] = queues.consumers;
  const state = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'trackmate-bench-'));
  const before = new Set(children());
  const worker = { name: 'bench', modulesRoot: ROOT, compatibilityDate, compatibilityFlags, bindings };
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: [
        {
          ...worker,
          modules: modules.map((file) => ({ type: file.endsWith('.wasm') ? 'CompiledWasm' : 'ESModule', path: path(file) })),
          d1Databases: { DB: 'bench' },
          queueProducers: { DELIVERIES: 'bench' },
          queueConsumers: consumes ? { bench: { maxBatchSize, maxBatchTimeout, maxRetries } } : {},
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
  const d1 = await miniflare.getD1Database('DB', 'bench');
  for (const file of readdirSync(path('edge/migrations')).sort()) {
    for (const statement of splitSql(text(`edge/migrations/${file}`))) await d1.prepare(statement).run();
  }
  const { scheduled } = await miniflare.getWorker('bench');
  return { url, pid, d1, stop, sweep: () => scheduled({ cron: '* * * * *' }), cpuMs: pid && (() => cpuMs(pid)) };
}

const remove = ({ state }) => rmSync(state, { recursive: true, force: true, maxRetries: 3 });

async function stopWorker(started) {
  if (!running.delete(started)) return;
  await started.miniflare.dispose();
  remove(started);
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

/**
 * CPU time of a process so far, user and system, in ms. Linux counts it in hundredths of a second.
 */
function cpuMs(pid) {
  const [user, system] = stat(pid).slice(11, 13).map(Number);
  return (user + system) * 10;
}
