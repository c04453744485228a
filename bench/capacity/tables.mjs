// The capacity model as tables of Markdown: {file: {name: lines}}. capacity.mjs writes them into docs/.
import { LIMITS, PRICES } from './cloudflare.mjs';
import { batchesAtPeak, bill, counts, SWEPT_TOGETHER, limits, price, rows, total, usage } from './bill.mjs';
import { bytesAt, bytesPerEvent, MONTH_DAYS, POLICY, simulate, WORKLOAD, YEAR_DAYS } from './model.mjs';

/** Events a month of all companies, and days for which they are kept. */
const TOTALS = [1e6, 1e8, 1e10];
const KEEPS = [90, 365];
const USUAL = { total: 1e8, keepDays: 90 };
/** Cells that can be operated by hand. */
const CELLS_BY_HAND = 50;

const row = (cells) => `| ${cells.join(' | ')} |`;
/** A table with texts in the first columns, and numbers in the others. */
function table(head, lines, texts = 1) {
  const aligns = head.map((_, n) => (n < texts ? '---' : '---:'));
  return [row(head), `|${aligns.join('|')}|`, ...lines.map(row)];
}

function grouped(n, digits = 0) {
  return n.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
/** Two significant digits. */
const rough = (n) => Number(n.toPrecision(2)).toLocaleString('en-US');
const million = (exact) => {
  const n = Math.round(exact);
  if (n >= 1e9) return `${rough(n / 1e9)} billion`;
  return n >= 1e6 ? `${rough(n / 1e6)} million` : rough(n);
};
const whole = (n) => (n >= 1e9 ? `${grouped(n / 1e9)} billion` : `${grouped(n / 1e6)} million`);
const gb = (bytes) => rough(bytes / 1e9);
const usd = (n) => (n === 0 ? '$0' : n < 10 ? `$${grouped(n, 2)}` : `$${rough(n)}`);
const percent = (share) => (share === 0 ? '0 %' : share < 0.01 ? '< 1 %' : `${rough(100 * share)} %`);
const times = (share) => (share < 2 ? percent(share) : `${rough(share)} times`);
const month = (day) => Math.ceil((day + 1) / MONTH_DAYS);

/** The bytes of the largest company on a day, if it keeps all. */
function largest({ companies, perEvent }, day, keepDays) {
  let most = 0;
  for (const { perDay, joined } of companies.slice(0, 100)) {
    if (joined <= day) most = Math.max(most, bytesAt(perEvent, perDay, day - joined + 1, keepDays));
  }
  return most;
}

/** A year of the model with what is made of it: {total, keepDays, year, last, used, bill, shorter, out}. */
function scenario(figures, events, keepDays, seed) {
  const year = simulate({ figures, total: events, keepDays, seed });
  year.days.forEach((day, n) => Object.assign(day, { largest: largest(year, n, keepDays) }));
  const last = year.days.at(-1);
  const movedBytes = last.movedBytes - year.days.at(-1 - MONTH_DAYS).movedBytes;
  const out = year.companies.filter((company) => company.keepDays === 0);
  const used = usage({ ...last, companies: WORKLOAD.companies - out.length, movedBytes }, figures);
  const shorter = year.companies.filter((company) => company.keepDays > 0 && company.keepDays < keepDays);
  return { total: events, keepDays, year, last, used, bill: bill(used), shorter, out };
}

/** What so much costs beyond what the plan includes. */
const unincluded = (item, used) => price(item, used + PRICES[item].included);

/** What a million events cost. */
function millionTable(figures) {
  const n = counts(1e6, figures);
  const requests = n.requests + n.identifies;
  const { read, written } = rows(n, figures);
  const delivered = rows({ ...n, deliveries: n.events, retried: 0 }, figures).written.delivered;
  const deletes = ({ count, rowsWritten }) => (n.events / count) * rowsWritten;
  const storedGb = figures.bytes.event / 1e3;

  const line = (name, item, used) => [name, `${rough(used / 1e6)} million`, usd(unincluded(item, used))];
  const more = (name, used) => [name, `${rough(used / 1e6)} million rows`, `+ ${usd(unincluded('rowsWritten', used))}`];
  const included = (most, time) => {
    const [alone, sent] = [written.stored, written.stored + delivered].map((all) => million((most / all) * n.events));
    return [`${alone} events a ${time}, or ${sent} that are also delivered`, ''];
  };
  const each = `${figures.request.count} events each, and an identify every ${grouped(n.events / n.identifies)} events`;
  const sum = unincluded('requests', requests) + unincluded('rowsWritten', written.stored)
    + unincluded('rowsRead', read.stored);
  return table(['', 'count', 'price'], [
    line(`requests, ${each}`, 'requests', requests),
    line('rows written', 'rowsWritten', written.stored),
    line('rows read, at most', 'rowsRead', read.stored),
    ['**a million events**', '', `**${usd(sum)}**`],
    ['each month for which they are stored', `${rough(storedGb)} GB`, `+ ${usd(unincluded('storageGb', storedGb))}`],
    more('delivered to one webhook, each at the first attempt', delivered),
    more('deleted at the end of their retention', deletes(figures.eventsDeleted)),
    more('their deliveries deleted (after 30 days by default)', deletes(figures.deliveriesDeleted)),
    ["the plan's rows", ...included(PRICES.rowsWritten.included, 'month')],
    ["the free plan's rows", ...included(LIMITS.freeRowsWritten.value, 'day')],
  ]);
}

function moneyTable(scenarios) {
  const of = scenarios.filter(({ keepDays }) => keepDays === USUAL.keepDays);
  const line = (name, value, bold = '') => [name, ...of.map((one) => `${bold}${usd(value(one))}${bold}`)];
  const written = (part) => ({ used }) => unincluded('rowsWritten', used.rowsWritten[part]);
  const included = (one) => unincluded('rowsWritten', total(one.used.rowsWritten)) - one.bill.rowsWritten;
  return table(['a month', ...of.map((one) => `${whole(one.total)} events`)], [
    ['events that fit into cells', ...of.map(({ last }) => million(last.events))],
    line('the plan', (one) => one.bill.plan),
    line('requests', (one) => one.bill.requests),
    line('CPU time', (one) => one.bill.cpuMs),
    line('rows written: events and identifies', written('stored')),
    line('rows written: deliveries', written('delivered')),
    line('rows written: deleting what expires', written('deleted')),
    line('rows written: the sweep', written('upkeep')),
    line('rows written: moves', written('moved')),
    ['rows written: included in the plan', ...of.map((one) => `−${usd(included(one))}`)],
    line('rows read', (one) => one.bill.rowsRead),
    line('storage', (one) => one.bill.storageGb),
    line('queue operations', (one) => one.bill.queueOperations),
    line('**in all**', (one) => one.bill.total, '**'),
    line('for each million events that fit', (one) => one.bill.total / (one.last.events / 1e6)),
  ]);
}

/** How many events a month fit, if they are kept for some days. */
function roomTable(figures) {
  const perEvent = bytesPerEvent(figures);
  const cell = POLICY.most * LIMITS.databaseBytes.value;
  const events = (bytes, keepDays) => bytes / bytesAt(perEvent, 1 / MONTH_DAYS, YEAR_DAYS, keepDays);
  const sizes = [cell, CELLS_BY_HAND * cell, LIMITS.accountBytes.value];
  const fitting = (keepDays) => sizes.map((bytes) => million(events(bytes, keepDays)));
  const line = (keepDays) => [`a month, kept for ${keepDays} days`, ...fitting(keepDays)];
  const head = ['events', 'one database, or one company of a cell'];
  const full = [LIMITS.databaseBytes.value, CELLS_BY_HAND * LIMITS.databaseBytes.value, LIMITS.accountBytes.value];
  const stored = full.map((bytes) => million(bytes / figures.bytes.event));
  const alone = ['stored at any time, if it is all that is stored', ...stored];
  return table([...head, `${CELLS_BY_HAND} cells`, "an account's 1 TB"], [...[30, ...KEEPS].map(line), alone]);
}

function cellsTable(scenarios, figures) {
  const line = ({ total: events, keepDays, last, bill: { total: dollars }, shorter, out }) => [
    whole(events),
    `${keepDays} days`,
    gb(last.bytes),
    grouped(last.cells),
    rough(last.moves / 12),
    percent(last.fullest / LIMITS.databaseBytes.value),
    rough(1000 / batchesAtPeak(last.busiest, figures)),
    grouped(shorter.length),
    `${grouped(out.length)} (${percent(total(out.map((company) => company.events)) / events)})`,
    usd(dollars),
  ];
  const head = ['events a month', 'kept', 'GB', 'cells', 'moves a month', 'fullest cell', 'ms a batch may take'];
  const companies = ['companies that keep fewer days', 'companies left out (of the events)'];
  return table([...head, ...companies, 'a month'], scenarios.map(line), 2);
}

function growthTable(scenarios) {
  const { days } = scenarios.find((one) => one.total === USUAL.total && one.keepDays === USUAL.keepDays).year;
  const line = (_, n) => {
    const [day, before] = [days[(n + 1) * MONTH_DAYS - 1], days[n * MONTH_DAYS - 1] ?? { moves: 0, movedBytes: 0 }];
    const full = percent(day.fullest / LIMITS.databaseBytes.value);
    const moved = gb(day.movedBytes - before.movedBytes);
    return [n + 1, million(day.events), gb(day.bytes), day.cells, day.moves - before.moves, moved, full];
  };
  const head = ['month', 'events a month', 'GB', 'cells', 'moves', 'GB moved', 'fullest cell'];
  return table(head, Array.from({ length: 12 }, line));
}

/** Of each limit the share that is used at the end of the year, and the month in which it is reached. */
function limitsTable(scenarios, figures) {
  const of = scenarios.filter(({ keepDays }) => keepDays === USUAL.keepDays);
  const all = limits(figures);
  const reached = ({ used, limit }, { year: { days } }) => days.findIndex((day) => used(day) > limit);
  const cell = (limit, one) => {
    const share = times(limit.used(one.last) / limit.limit);
    const day = reached(limit, one);
    return day < 0 ? share : `${share}, from month ${month(day)}`;
  };
  const first = (one) => {
    const met = all.map((limit) => [limit.name, reached(limit, one)]).filter(([, day]) => day >= 0);
    return met.length ? met.sort(([, a], [, b]) => a - b)[0][0] : 'none';
  };
  const value = ({ shown, limit }) => shown ?? grouped(limit);
  const lines = all.map((limit) => [limit.name, value(limit), ...of.map((one) => cell(limit, one))]);
  const head = ['limit', 'value', ...of.map((one) => `${whole(one.total)} events`)];
  return table(head, [...lines, ['**the first**', '', ...of.map(first)]]);
}

function assumptionTable(figures) {
  const { companies, zipf, eventsPerSession, sessionsPerPerson, deliveredShare, retriedShare } = WORKLOAD;
  const retried = `${percent(retriedShare)} of them at the second attempt; kept ${WORKLOAD.deliveryDays} days`;
  const goal = percent(POLICY.most - POLICY.room);
  return table(['assumption', 'value'], [
    ['companies', `${grouped(companies)}, which sign up evenly over the year`],
    ['their sizes', `Zipf: the k-th largest sends events in proportion to 1 / k^${zipf}`],
    ['a session', `${eventsPerSession} events, ${figures.request.count} in a request`],
    ['a person', `identified once in ${sessionsPerPerson} sessions, and stays`],
    ['deliveries', `${percent(deliveredShare)} of the events, to one webhook each; ${retried}`],
    ['the busiest second', `${WORKLOAD.peak} times the mean`],
    ['a batch of D1', `${grouped(figures.requestMs, 1)} ms: what a request took on the machine of the benchmarks`],
    ['a new company', 'is placed in the open cell with the fewest bytes'],
    ['a cell is added', `before all together are more than ${percent(POLICY.add)} full`],
    ['companies move', `out of a cell that is more than ${percent(POLICY.most)} full, until it is ${goal} full`],
    ['a company too large for a cell', `keeps the days that fit; is left out if under ${POLICY.keepDaysMin}`],
    ['the space of deleted rows', 'is free again, as the local D1 reports it'],
    ['deleting', 'costs what it will cost in the end, counted when an event comes'],
    ['the sweep', `one invocation for ${SWEPT_TOGETHER} cells, and one for each further one`],
  ], 2);
}

function sourceTable() {
  const link = ({ source }) => `[${source.split('/').at(3)} ${source.split('/').at(-2)}](${source})`;
  const amount = ({ usd: dollars, unit, included }) =>
    `$${dollars}${unit > 1 ? ' a million' : ''} a month${included ? `, ${grouped(included)} included` : ''}`;
  const line = (one) => [one.what, one.usd ? amount(one) : grouped(one.value), link(one), one.read];
  return table(['price or limit', 'value', 'source', 'read'], Object.values({ ...PRICES, ...LIMITS }).map(line), 4);
}

/** All tables of the model, by file and name. */
export function tables(figures, seed = 1) {
  const scenarios = TOTALS.flatMap((events) => KEEPS.map((keepDays) => scenario(figures, events, keepDays, seed)));
  return {
    'docs/cost.md': { million: millionTable(figures), money: moneyTable(scenarios) },
    'docs/scale.md': {
      room: roomTable(figures),
      cells: cellsTable(scenarios, figures),
      growth: growthTable(scenarios),
      limits: limitsTable(scenarios, figures),
      assumptions: assumptionTable(figures),
      sources: sourceTable(),
    },
  };
}

/** A text with these tables between their markers. */
export function filled(text, blocks) {
  return Object.entries(blocks).reduce((all, [name, lines]) => {
    const block = new RegExp(`(<!-- ${name} -->\n)[^]*?(\n<!-- /${name} -->)`);
    if (!block.test(all)) throw new Error(`there is no place for the table ${name}`);
    return all.replace(block, (_, start, end) => start + lines.join('\n') + end);
  }, text);
}
