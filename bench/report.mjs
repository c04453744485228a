// Shared by all benchmarks: settings from the environment, medians, tables, verdicts.
import { cpus, loadavg } from 'node:os';

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

export const machine = () => ({ cpus: cpus().length, load: loadavg()[0], node: process.version });

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
