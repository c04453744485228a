// The capacity model (bench/capacity/): its tables in docs/cost.md and docs/scale.md are those that it
// calculates from the measured costs, and its simulation keeps the rules of cells.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { batchesAtPeak, bill, limits, SWEPT_TOGETHER, total, usage } from '../bench/capacity/bill.mjs';
import { LIMITS, PRICES } from '../bench/capacity/cloudflare.mjs';
import { inputs } from '../bench/capacity/inputs.mjs';
import {
  bytesAt, bytesPerEvent, daysThatFit, POLICY, random, simulate, WORKLOAD, YEAR_DAYS, zipf,
} from '../bench/capacity/model.mjs';
import { filled, tables } from '../bench/capacity/tables.mjs';

const read = (file) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
const COST = read('docs/cost.md');
const figures = inputs();
const CELL = LIMITS.databaseBytes.value;

/** A smaller deployment: 2,000 companies. */
const SMALL = { ...WORKLOAD, companies: 2_000 };
const run = (more) => simulate({ figures, total: 3e8, keepDays: 90, workload: SMALL, ...more });
const isClose = (a, b) => Math.abs(a - b) <= 1e-6 * Math.max(Math.abs(a), Math.abs(b), 1);

describe('the capacity model', () => {
  test('has its tables in docs/cost.md and docs/scale.md as it calculates them', () => {
    for (const [file, blocks] of Object.entries(tables(figures))) {
      assert.equal(read(file), filled(read(file), blocks), 'make capacity writes it');
    }
  });

  test('has its shares in the text of docs/scale.md, and sweeps as many cells together as the Worker', () => {
    assert.equal(figures.limits.SWEEP_CELLS_MAX ?? SWEPT_TOGETHER, SWEPT_TOGETHER);
    const text = read('docs/scale.md').replaceAll(/\s+/g, ' ');
    const percent = (share) => `${Math.round(100 * share)} %`;
    for (const words of [
      `counts as full at ${percent(POLICY.most)} of its size`,
      `From ${percent(POLICY.full)} on, a cell takes no new companies`,
      `at most ${CELL / 1e9} GB`,
      `${WORKLOAD.companies.toLocaleString('en-US')} companies`,
      `An account's ${LIMITS.accountBytes.value / 1e12} TB`,
    ]) assert.ok(text.includes(words), words);
  });

  test('gives the same for the same seed, and other companies with another one', () => {
    assert.deepEqual(run().days, run().days);
    assert.notDeepEqual(run({ seed: 2 }).days, run().days);
    const next = random(7);
    const many = Array.from({ length: 10_000 }, next);
    assert.ok(many.every((n) => n >= 0 && n < 1));
    assert.ok(Math.abs(total(many) / many.length - 0.5) < 0.02);
  });

  test('needs about as many cells with any seed', () => {
    const cells = [1, 2, 3, 4].map((seed) => run({ seed }).cells.length);
    assert.ok(Math.max(...cells) - Math.min(...cells) <= 0.15 * Math.max(...cells), `${cells}`);
  });

  test('divides all events among the companies, the largest first', () => {
    const events = zipf(1_000, 1.1, 1e6);
    assert.ok(isClose(total(events), 1e6));
    assert.ok(isClose(events[0] / events[9], 10 ** 1.1));
    assert.ok(events.every((one, k) => k === 0 || one < events[k - 1]));
  });

  test('has each company that fits in one cell, and the bytes of each cell are those of its companies', () => {
    const { companies, cells, perEvent } = run();
    assert.ok(cells.length > 10);
    const fitting = companies.filter(({ keepDays }) => keepDays > 0);
    assert.equal(total(cells.map((cell) => cell.companies.size)), fitting.length);
    for (const company of companies) {
      assert.equal(company.cell?.companies.has(company) ?? false, company.keepDays > 0);
    }
    for (const cell of cells) {
      const bytes = (company) => bytesAt(perEvent, company.perDay, YEAR_DAYS - company.joined, company.keepDays, SMALL);
      const sum = total([...cell.companies].map(bytes));
      assert.ok(isClose(cell.bytes, sum), `${cell.bytes} and ${sum}`);
    }
  });

  test('moves companies so that no cell is too full at the end of any day, and moves nobody if one is enough', () => {
    const { days } = run();
    assert.ok(days.at(-1).moves > 0);
    const most = POLICY.most * CELL * (1 + 1e-9);
    for (const [day, { fullest }] of days.entries()) assert.ok(fullest <= most, `day ${day}: ${fullest}`);
    const { cells, moves } = run({ total: 1e5 }).days.at(-1);
    assert.deepEqual([cells, moves], [1, 0]);
  });

  test('keeps fewer days of a company that does not fit, and leaves out one that could not keep a week', () => {
    const perEvent = bytesPerEvent(figures);
    const fits = (perDay) => daysThatFit(perEvent, perDay, 90);
    const [small, large, huge] = [1_000, 150_000, 10_000_000].map(fits);
    assert.equal(small, 90);
    assert.ok(large >= POLICY.keepDaysMin && large < 90, `${large} days`);
    assert.ok(bytesAt(perEvent, 150_000, YEAR_DAYS, large) <= POLICY.most * CELL);
    assert.ok(bytesAt(perEvent, 150_000, YEAR_DAYS, large + 1) > POLICY.most * CELL);
    assert.equal(huge, 0);
  });

  test('bills what is used beyond the plan, as one can check by hand', () => {
    const d1 = { rowsRead: 26e9, rowsWritten: { stored: 60e6, moved: 90e6 }, storageGb: 105 };
    const { total: sum, ...items } = bill({ requests: 30e6, cpuMs: 130e6, ...d1, queueOperations: 3.5e6 });
    const ofD1 = { rowsRead: 1, rowsWritten: 100, storageGb: 75 };
    const expected = { plan: 5, requests: 6, cpuMs: 2, ...ofD1, queueOperations: 1 };
    for (const [item, usd] of Object.entries(expected)) assert.ok(isClose(items[item], usd), `${item}: ${items[item]}`);
    assert.ok(isClose(sum, 190));
  });

  test('counts the rows of 240 million events as one can check by hand', () => {
    const { requests, rowsWritten } = usage({ events: 240e6, bytes: 0 }, figures);
    const [requestsOfSix, identifies, deliveries] = [40e6, 6e6, 24e6];
    const minutes = 30 * 24 * 60;
    assert.ok(isClose(requests, requestsOfSix + identifies + minutes + 0.02 * deliveries));
    const { request, identify, deliveryWritten, delivered, retried } = figures;
    assert.ok(isClose(rowsWritten.stored, requestsOfSix * request.rowsWritten + identifies * identify.rowsWritten));
    const each = deliveryWritten.rowsWritten + 0.98 * delivered.rowsWritten + 0.02 * retried.rowsWritten;
    assert.ok(isClose(rowsWritten.delivered, deliveries * each));
    assert.ok(isClose(rowsWritten.moved, 0));
    // 46 million requests and 24 million deliveries in 2.6 million seconds, and four times that.
    assert.ok(batchesAtPeak(240e6, figures) > 106 && batchesAtPeak(240e6, figures) < 112);
  });

  test('finds that the size of a database ends before its speed', () => {
    const all = limits(figures);
    const { days } = run({ total: 3e7 });
    const reached = (name) => days.findIndex((day) => {
      const { used, limit } = all.find((one) => one.name === name);
      return used(day) > limit;
    });
    assert.ok(reached('one database: bytes') > 0);
    assert.equal(reached('one database: busy ms of a second, at the peak'), -1);
  });

  test('takes its figures from the measured tables: a changed row changes the bill, a missing one fails', () => {
    const dearer = COST.replace(/^(\| a request of 6 events .*\| )\d+ \|$/m, '$1 1,000 |');
    assert.notEqual(dearer, COST);
    assert.equal(inputs(dearer).request.rowsWritten, 1_000);
    const month = (measured) => bill(usage({ events: 1e9, bytes: 0 }, measured)).total;
    assert.ok(month(inputs(dearer)) > 10 * month(figures));
    assert.throws(() => inputs(COST.replace('its first attempt succeeds', 'it succeeds')), /match/);
    assert.throws(() => inputs(COST.replace('<!-- stored -->', '')), /no table stored/);
  });

  test('has a source and a date for each price and limit', () => {
    for (const [name, { source, read: date, what, usd, value }] of Object.entries({ ...PRICES, ...LIMITS })) {
      assert.match(source, /^https:\/\/developers\.cloudflare\.com\//, name);
      assert.match(date, /\d{4}-\d\d-\d\d/, name);
      assert.ok(what && (usd ?? value) > 0, name);
    }
  });
});
