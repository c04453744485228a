// Shared by all benchmarks: settings from the environment, medians, tables, verdicts, results.
import { writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { basename } from 'node:path';

/** Whether this run only shows that the bench works: smallest sizes, and it writes no file. */
export const SMOKE = process.env.SMOKE === '1';

/** A positive integer from the environment, with its defaults for a measurement and a smoke test. */
export function whole(name, usual, smallest) {
  const value = Number(process.env[name] ?? (SMOKE ? smallest : usual));
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${name} is a whole number from 1`);
  return value;
}

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median of each field. */
export const medians = (runs) => Object.fromEntries(Object.keys(runs[0]).map((key) => [key, median(runs.map((run) => run[key]))]));

/** {p50, p99} of these numbers. */
export function percentiles(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return { p50: at(0.5), p99: at(0.99) };
}

/** The names, starting with another one each round, so that other load affects all alike. */
export const inTurn = (names, round) => names.map((_, i) => names[(i + round) % names.length]);

export const machine = () => ({ cpus: cpus().length, model: cpus()[0].model.trim(), memoryGb: Math.round(totalmem() / 2 ** 30), load: loadavg()[0], node: process.version });

/** The settings of this run, as one types them. BASE is a folder of this machine, so it is left out. */
const SETTINGS = ['ROUNDS', 'REQUESTS', 'PER_SECOND', 'USERS', 'EVENTS'];
function command() {
  const settings = SETTINGS.filter((name) => process.env[name]).map((name) => `${name}=${process.env[name]}`);
  return [...settings, ...(process.env.BASE ? ['BASE=…'] : []), `node bench/${basename(process.argv[1])}`, ...process.argv.slice(2)].join(' ');
}

/**
 * Ends the output of a bench: one line of JSON with all figures. With RESULTS=1, it also writes them
 * to results/, from which draw.mjs makes the table and the chart of README.md. `before` is the
 * machine at the start.
 */
export function conclude(bench, before, figures) {
  const results = { bench, date: new Date().toISOString().slice(0, 10), command: command(), machine: { ...before, loadAfter: machine().load }, ...figures };
  if (process.env.RESULTS === '1' && !SMOKE) writeFileSync(new URL(`results/${bench}.json`, import.meta.url), `${JSON.stringify(results, undefined, 2)}\n`);
  console.log(`\n${JSON.stringify(results)}`);
}

export function table(title, head, rows) {
  const cells = [head, ...rows.map((row) => row.map((cell) => (typeof cell === 'number' ? shown(cell) : cell)))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  console.log(`\n${title}`);
  for (const row of cells) console.log(`  ${row.map((cell, column) => (column ? cell.padStart(widths[column]) : cell.padEnd(widths[column]))).join('  ')}`);
}

export function shown(n) {
  if (!Number.isFinite(n)) return 'n/a';
  return n.toLocaleString('en', n >= 100 || Number.isInteger(n) ? { maximumFractionDigits: 0 } : { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

export const verdict = (met) => (met ? 'met' : 'MISSED');
