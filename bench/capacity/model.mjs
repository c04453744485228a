// The capacity model: companies sign up over a year, send events, and keep them for some days. Each is
// placed in the open cell with the fewest bytes. Cells are added before they are full, and companies
// move out of cells that get too full. Pure: the same arguments give the same result.
import { LIMITS } from './cloudflare.mjs';

/** What is assumed about the traffic, where nothing can be measured. */
export const WORKLOAD = {
  companies: 100_000,
  zipf: 1.1, // the k-th largest company sends events in proportion to k ** -zipf
  eventsPerSession: 20,
  sessionsPerPerson: 2, // one of them with an identify
  deliveredShare: 0.1, // of the events, to one webhook each
  retriedShare: 0.02, // of the deliveries
  deliveryDays: 30, // `logRetentionDays`
  peak: 4, // the busiest second is so many times the mean
};

/** How cells are filled, as shares of the maximum size of a database. */
export const POLICY = {
  full: 0.85, // takes no new companies
  most: 0.7, // companies move out
  add: 0.6, // all cells together: one is added
  room: 0.05, // a move leaves so much less than `most`
  keepDaysMin: 7, // a company that could not keep even this is left out
};

export const MONTH_DAYS = 30;
export const YEAR_DAYS = 12 * MONTH_DAYS;
const CELL_BYTES = LIMITS.databaseBytes.value;

/** Random numbers from 0 up to 1 (mulberry32), the same ones for the same seed. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let n = Math.imul(state ^ (state >>> 15), state | 1);
    n ^= n + Math.imul(n ^ (n >>> 7), n | 61);
    return ((n ^ (n >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The events that each company sends a month, the largest first. */
export function zipf(companies, exponent, total) {
  const weights = Float64Array.from({ length: companies }, (_, k) => (k + 1) ** -exponent);
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((weight) => (weight / sum) * total);
}

/** The bytes that an event a day adds to its company each day: {kept, delivered, people}. */
export function bytesPerEvent({ bytes }, workload = WORKLOAD) {
  const { eventsPerSession, sessionsPerPerson, deliveredShare } = workload;
  return {
    kept: bytes.event, // with its share of a session, until the event expires
    delivered: deliveredShare * bytes.delivery, // until the delivery expires
    people: bytes.person / (eventsPerSession * sessionsPerPerson), // for ever
  };
}

/** The bytes of a company that has sent events for some days. */
export function bytesAt(perEvent, eventsPerDay, age, keepDays, workload = WORKLOAD) {
  const { kept, delivered, people } = perEvent;
  const deliveryDays = Math.min(age, workload.deliveryDays);
  return eventsPerDay * (kept * Math.min(age, keepDays) + delivered * deliveryDays + people * age);
}

/**
 * How many days of events a company can keep for a year, so that it fits into a cell: at most
 * `keepDays`, and 0 if that would be fewer than `POLICY.keepDaysMin`.
 */
export function daysThatFit(perEvent, eventsPerDay, keepDays, { workload = WORKLOAD, cellBytes = CELL_BYTES } = {}) {
  const room = POLICY.most * cellBytes - bytesAt(perEvent, eventsPerDay, YEAR_DAYS, 0, workload);
  const days = Math.min(keepDays, Math.floor(room / (perEvent.kept * eventsPerDay)));
  return days < Math.min(keepDays, POLICY.keepDaysMin) ? 0 : days;
}

/** A deployment, day by day. */
class Deployment {
  constructor({ figures, total, keepDays, seed, workload, cellBytes }) {
    Object.assign(this, { workload, cellBytes, day: -1, moves: 0, movedBytes: 0 });
    this.perEvent = bytesPerEvent(figures, workload);
    const next = random(seed);
    this.companies = Array.from(zipf(workload.companies, workload.zipf, total), (events) => {
      const perDay = events / MONTH_DAYS;
      const keeps = daysThatFit(this.perEvent, perDay, keepDays, this);
      return { events, perDay, keepDays: keeps, joined: Math.floor(next() * YEAR_DAYS), cell: undefined };
    });
    this.cells = [];
    this.addCell();
    this.calendar = Array.from({ length: YEAR_DAYS }, () => ({ joins: [], slows: [] }));
    for (const company of this.companies) if (company.keepDays > 0) this.enter(company);
  }

  /** Writes into the calendar when a company joins, and when its first rows expire. */
  enter(company) {
    const { kept, delivered } = this.perEvent;
    const on = (day) => this.calendar[day] ?? { joins: [], slows: [] };
    on(company.joined).joins.push(company);
    on(company.joined + company.keepDays).slows.push([company, kept * company.perDay]);
    on(company.joined + this.workload.deliveryDays).slows.push([company, delivered * company.perDay]);
  }

  addCell() {
    this.cells.push({ bytes: 0, growth: 0, events: 0, companies: new Set() });
    this.least = undefined;
  }

  bytesOf({ perDay, keepDays, joined }) {
    return bytesAt(this.perEvent, perDay, this.day - joined + 1, keepDays, this.workload);
  }

  /** The bytes that a company adds each day. */
  growthOf({ perDay, keepDays, joined }) {
    const age = this.day - joined + 1;
    const { kept, delivered, people } = this.perEvent;
    return perDay * ((age <= keepDays ? kept : 0) + (age <= this.workload.deliveryDays ? delivered : 0) + people);
  }

  /** Puts a company into a cell; without one, takes it out of its cell. */
  put(company, cell) {
    const sign = cell ? 1 : -1;
    const changed = cell ?? company.cell;
    changed.bytes += sign * this.bytesOf(company);
    changed.growth += sign * this.growthOf(company);
    changed.events += sign * company.events;
    company.cell = cell;
    if (cell) cell.companies.add(company);
    else {
      changed.companies.delete(company);
      this.least = undefined;
    }
  }

  /** The open cell with the fewest bytes. It stays the same until it has more than the next one. */
  emptiest() {
    if (!this.least || this.least.bytes > this.nextBytes) {
      let [least, nextBytes] = [this.cells[0], Infinity];
      for (const cell of this.cells) {
        if (cell.bytes < least.bytes) {
          nextBytes = least.bytes;
          least = cell;
        } else if (cell !== least && cell.bytes < nextBytes) nextBytes = cell.bytes;
      }
      Object.assign(this, { least, nextBytes });
    }
    return this.least.bytes < POLICY.full * this.cellBytes ? this.least : undefined;
  }

  runDay() {
    this.day += 1;
    const { joins, slows } = this.calendar[this.day];
    for (const [company, bytes] of slows) company.cell.growth -= bytes;
    for (const cell of this.cells) cell.bytes += cell.growth;
    this.least = undefined;
    this.makeRoom(joins);
    for (const company of joins) this.put(company, this.emptiest());
    for (const cell of this.cells) this.shed(cell);
  }

  /** Adds cells before all of them together are too full. */
  makeRoom(joins) {
    let bytes = 0;
    for (const cell of this.cells) bytes += cell.bytes;
    for (const company of joins) bytes += this.bytesOf(company);
    while (bytes > POLICY.add * this.cells.length * this.cellBytes) this.addCell();
  }

  /** Moves companies out of a cell until it is no longer too full. */
  shed(cell) {
    const most = POLICY.most * this.cellBytes;
    if (cell.bytes <= most) return;
    const sizes = Array.from(cell.companies, (company) => ({ company, bytes: this.bytesOf(company) }));
    sizes.sort((a, b) => a.bytes - b.bytes);
    const goal = (POLICY.most - POLICY.room) * this.cellBytes;
    while (cell.bytes > goal && sizes.length > 1) {
      const surplus = cell.bytes - goal;
      let target = this.emptiest();
      let place = target === cell ? -1 : candidate(sizes, surplus, most - target.bytes);
      // One company for a new cell, instead of many small ones that still fit elsewhere.
      const wanted = candidate(sizes, surplus, most);
      if (place < 0 || (sizes[place].bytes < surplus && sizes[wanted].bytes >= surplus)) {
        this.addCell();
        target = this.cells.at(-1);
        place = wanted;
      }
      const [{ company, bytes }] = sizes.splice(place, 1);
      this.moves += 1;
      this.movedBytes += bytes;
      this.put(company, undefined);
      this.put(company, target);
    }
  }
}

/**
 * The place in `sizes`, ascending, of the smallest that is at least the surplus; else of the largest
 * that has room; else -1.
 */
function candidate(sizes, surplus, room) {
  const enough = sizes.findIndex(({ bytes }) => bytes >= surplus);
  if (enough >= 0 && sizes[enough].bytes <= room) return enough;
  return sizes.findLastIndex(({ bytes }) => bytes <= room);
}

const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

/** What is true at the end of a day. */
function snapshot(deployment) {
  const { cells, moves, movedBytes } = deployment;
  return {
    events: sum(cells.map((cell) => cell.events)),
    bytes: sum(cells.map((cell) => cell.bytes)),
    fullest: Math.max(...cells.map((cell) => cell.bytes)),
    busiest: Math.max(...cells.map((cell) => cell.events)),
    cells: cells.length,
    companies: Math.max(...cells.map((cell) => cell.companies.size)), // of the cell that has the most
    moves,
    movedBytes,
  };
}

/**
 * Runs a year. `figures` are those of inputs.mjs, `total` the events a month of all companies, of
 * which each keeps those of its last `keepDays`. Returns {companies, cells, days}.
 */
export function simulate({ figures, total, keepDays, seed = 1, workload = WORKLOAD, cellBytes = CELL_BYTES }) {
  const deployment = new Deployment({ figures, total, keepDays, seed, workload, cellBytes });
  const days = [];
  for (let day = 0; day < YEAR_DAYS; day += 1) {
    deployment.runDay();
    days.push(snapshot(deployment));
  }
  return { perEvent: deployment.perEvent, companies: deployment.companies, cells: deployment.cells, days };
}
