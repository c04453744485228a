// The capacity model (`make capacity`): 100,000 companies in many cells for a year, what breaks first,
// and what it costs. It takes seconds and starts no Worker. It prints its tables, and writes them to
// docs/cost.md and docs/scale.md; tests/capacity.test.mjs fails while they differ. SEED= prints those
// of other random numbers, and writes nothing.
import { readFileSync, writeFileSync } from 'node:fs';
import { inputs } from './capacity/inputs.mjs';
import { filled, tables } from './capacity/tables.mjs';

const { SEED } = process.env;

for (const [file, blocks] of Object.entries(tables(inputs(), SEED === undefined ? undefined : Number(SEED)))) {
  for (const [name, lines] of Object.entries(blocks)) console.log(`\n${file}: ${name}\n\n${lines.join('\n')}`);
  const path = new URL(`../${file}`, import.meta.url);
  if (SEED === undefined) writeFileSync(path, filled(readFileSync(path, 'utf8'), blocks));
}
