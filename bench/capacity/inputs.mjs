// What the capacity model takes from measurements: the generated tables of docs/cost.md, which
// tests/cost.test.mjs checks, the figures of the last `make bench`, the limits of wire/src/limits.rs,
// and a setting of wrangler.toml. No figure is typed again.
import { readFileSync } from 'node:fs';
import { constants } from '../../www/docs/limits.mjs';

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const results = (bench) => JSON.parse(read(`bench/results/${bench}.json`));

/** The lines of a generated table: [[cell, …], …], without its head. */
function linesOf(text, name) {
  const block = new RegExp(`<!-- ${name} -->\\n([^]*?)\\n<!-- /${name} -->`).exec(text)?.[1];
  if (!block) throw new Error(`docs/cost.md has no table ${name}`);
  return block.split('\n').slice(2).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));
}

/** `5`, `≤ 1,000` */
const number = (cell) => Number(cell.replace('≤ ', '').replaceAll(',', ''));

/** The line of a table whose first cell matches: {count, cells}. A number in its name is the count. */
function find(lines, pattern) {
  const found = lines.filter(([name]) => pattern.test(name));
  if (found.length !== 1) throw new Error(`${found.length} lines of docs/cost.md match ${pattern}`);
  const [name, ...cells] = found[0];
  const numbers = cells.map(number);
  return { count: Number(/\d+/.exec(name)?.[0] ?? 1), numbers };
}

/** A line of round trips, rows read and rows written. */
function cost(lines, pattern) {
  const { count, numbers: [trips, rowsRead, rowsWritten] } = find(lines, pattern);
  for (const n of [trips, rowsRead, rowsWritten]) if (!Number.isFinite(n)) throw new Error(`${pattern}: not a number`);
  return { count, trips, rowsRead, rowsWritten };
}

/** The inputs of the model. `text` is docs/cost.md. */
export function inputs(text = read('docs/cost.md')) {
  const tables = ['visit', 'stored', 'steps', 'operations'].map((name) => linesOf(text, name));
  const [visit, stored, steps, operations] = tables;
  const bytes = (pattern) => find(stored, pattern).numbers[0];
  const { numbers: [trips, , rowsRead, rowsWritten] } = find(operations, /^`POST \/api\/profile`$/);
  const limits = constants(read('wire/src/limits.rs'));
  const { cpuUs, rps } = results('ingest').ingest[10].trackmate;
  return {
    request: cost(visit, /events of a known session$/),
    identify: { trips, rowsRead, rowsWritten },
    deliveryWritten: cost(steps, /^a delivery is written/),
    delivered: cost(steps, /^its first attempt succeeds$/),
    retried: cost(steps, /^its first attempt fails/),
    deliveriesDeleted: cost(steps, /^the sweep deletes \d+ old deliveries/),
    eventsDeleted: cost(steps, /^the sweep deletes \d+ old events/),
    companyTurn: cost(steps, /^the sweep looks whether a company/),
    sweep: cost(steps, /^the sweep finds nothing/),
    bytes: {
      event: bytes(/^an event of/),
      person: bytes(/^a person/),
      delivery: bytes(/^a delivery/),
    },
    slicesMax: Number(/^COUNT_SLICES_MAX = "(\d+)"$/m.exec(read('wrangler.toml'))[1]),
    limits: Object.fromEntries(limits.map(({ name, value }) => [name, value])),
    requestMs: 1000 / rps,
    requestCpuMs: cpuUs / 1000,
    deliveryCpuMs: results('deliver').throughput.trackmate[1].deliveryCpuUs / 1000,
  };
}
