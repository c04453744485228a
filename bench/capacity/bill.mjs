// What a month costs, by item, and which limits a year of the capacity model meets.
import { LIMITS, PRICES } from './cloudflare.mjs';
import { MONTH_DAYS, WORKLOAD } from './model.mjs';

const MONTH_S = MONTH_DAYS * 86_400;
const MONTH_MINUTES = MONTH_S / 60;
/** Cells that one invocation sweeps. Each further one gets a message, and an invocation of its own. */
export const SWEPT_TOGETHER = 8;
/** A message is written, read and deleted. */
const OPERATIONS_PER_MESSAGE = 3;

/** How often each thing happens for so many events. */
export function counts(events, figures, workload = WORKLOAD) {
  const { eventsPerSession, sessionsPerPerson, deliveredShare, retriedShare } = workload;
  const deliveries = deliveredShare * events;
  return {
    events,
    requests: events / figures.request.count,
    identifies: events / (eventsPerSession * sessionsPerPerson),
    deliveries,
    retried: retriedShare * deliveries,
  };
}

/** Rows that so many events cost in their life: {read, written}, each {stored, delivered, deleted}. */
export function rows(n, figures) {
  const { request, identify, deliveryWritten, delivered, retried, eventsDeleted, deliveriesDeleted } = figures;
  const deleted = (count, one, kind) => (count / one.count) * one[kind];
  const firsts = n.deliveries - n.retried;
  const all = (kind) => ({
    stored: n.requests * request[kind] + n.identifies * identify[kind],
    delivered: n.deliveries * deliveryWritten[kind] + firsts * delivered[kind] + n.retried * retried[kind],
    deleted: deleted(n.events, eventsDeleted, kind) + deleted(n.deliveries, deliveriesDeleted, kind),
  });
  return { read: all('rowsRead'), written: all('rowsWritten') };
}

/** Rows that moving so many bytes writes: what was stored is written again, and deleted where it was. */
function rowsOfMoves(movedBytes, figures) {
  const { bytes } = figures;
  const n = counts(1, figures);
  const perEvent = rows({ ...n, retried: 0 }, figures).written;
  const size = bytes.event + n.deliveries * bytes.delivery + n.identifies * bytes.person;
  return (movedBytes / size) * (perEvent.stored + perEvent.delivered + perEvent.deleted);
}

/**
 * Companies whose past hours the sweep of a cell can look at before the first has its next turn. The
 * cells that one invocation sweeps share its round trips.
 */
function turns({ limits: { STATS_AHEAD_TRIPS_MAX, STATS_AHEAD_EVERY_MS }, slicesMax, sweep, companyTurn }, sharing) {
  const trips = Math.min(STATS_AHEAD_TRIPS_MAX, Math.floor(slicesMax / sharing) - sweep.trips);
  return Math.floor(trips / companyTurn.trips) * (STATS_AHEAD_EVERY_MS / 60_000);
}

/** What a month uses: {requests, cpuMs, rowsRead, rowsWritten, storageGb, queueOperations}. */
export function usage({ events, bytes, cells = 1, companies = 1, movedBytes = 0 }, figures, workload = WORKLOAD) {
  const n = counts(events, figures, workload);
  const { read, written } = rows(n, figures);
  const alone = Math.max(0, cells - SWEPT_TOGETHER);
  const together = cells - alone;
  const messages = n.retried + alone * MONTH_MINUTES;
  const sweeps = cells * MONTH_MINUTES;
  const rounds = (MONTH_S * 1000) / figures.limits.STATS_AHEAD_EVERY_MS;
  const looks = Math.min(companies, together * turns(figures, together) + alone * turns(figures, 1)) * rounds;
  const upkeep = (kind) => sweeps * figures.sweep[kind] + looks * figures.companyTurn[kind];
  return {
    requests: n.requests + n.identifies + MONTH_MINUTES + messages,
    cpuMs: (n.requests + n.identifies) * figures.requestCpuMs + n.deliveries * figures.deliveryCpuMs,
    rowsRead: read.stored + read.delivered + read.deleted + upkeep('rowsRead'),
    rowsWritten: { ...written, upkeep: upkeep('rowsWritten'), moved: rowsOfMoves(movedBytes, figures) },
    storageGb: bytes / 1e9,
    queueOperations: messages * OPERATIONS_PER_MESSAGE,
  };
}

/** The sum of a list, or of the parts of an object. */
export const total = (parts) => Object.values(parts).reduce((a, b) => a + b, 0);

/** Dollars for what is used beyond what the plan includes. */
export const price = (item, used) => (Math.max(0, used - PRICES[item].included) / PRICES[item].unit) * PRICES[item].usd;

/** Dollars a month: {plan, requests, …, total}. */
export function bill(used) {
  const items = { plan: PRICES.plan.usd };
  for (const item of Object.keys(PRICES).filter((name) => name !== 'plan')) {
    items[item] = price(item, item === 'rowsWritten' ? total(used.rowsWritten) : used[item]);
  }
  return { ...items, total: total(items) };
}

/** Batches a second that a database with these events a month gets at its peak. */
export function batchesAtPeak(events, figures, workload = WORKLOAD) {
  const n = counts(events, figures, workload);
  const trips = n.requests * figures.request.trips + n.identifies * figures.identify.trips
    + (n.deliveries - n.retried) * figures.delivered.trips + n.retried * figures.retried.trips;
  return (trips / MONTH_S) * workload.peak;
}

/**
 * The limits that a year meets: [{name, used(day), limit, shown}]. `used` takes a day of the model,
 * with `largest`, the bytes of the largest company. `shown` is a limit that depends on the day.
 */
export function limits(figures, workload = WORKLOAD) {
  const busy = (events) => batchesAtPeak(events, figures, workload) * figures.requestMs;
  const second = 1000; // ms
  const requestsAtPeak = ({ events }) => {
    const n = counts(events, figures, workload);
    return ((n.requests + n.identifies) / MONTH_S) * workload.peak;
  };
  const { databaseBytes, accountBytes, bindings, queriesPerInvocation, queueMessagesPerSecond } = LIMITS;
  return [
    { name: 'one database: bytes', used: (day) => day.bytes, limit: databaseBytes.value },
    { name: 'one database: busy ms of a second, at the peak', used: (day) => busy(day.events), limit: second },
    { name: 'one cell: bytes of the largest company', used: (day) => day.largest, limit: databaseBytes.value },
    { name: 'the busiest cell: busy ms of a second, at the peak', used: (day) => busy(day.busiest), limit: second },
    { name: 'all cells: bytes in an account', used: (day) => day.bytes, limit: accountBytes.value },
    { name: 'all cells: bindings of the Worker', used: (day) => day.cells, limit: bindings.value },
    {
      name: `the sweep: round trips in one invocation, for up to ${SWEPT_TOGETHER} cells`,
      used: (day) => Math.min(day.cells, SWEPT_TOGETHER) * figures.sweep.trips,
      limit: queriesPerInvocation.value,
    },
    {
      name: 'the sweep of a cell: companies whose past hours it looks at in time',
      used: (day) => day.companies / turns(figures, Math.min(day.cells, SWEPT_TOGETHER)),
      limit: 1,
      shown: [SWEPT_TOGETHER, 1].map((sharing) => turns(figures, sharing).toLocaleString('en-US')).join(' to '),
    },
    {
      name: 'the sweep of a cell: events that it can delete in a month',
      used: (day) => day.busiest,
      limit: figures.limits.RETAIN_EVENTS_MAX * figures.limits.RETAIN_SLICES_MAX * MONTH_MINUTES,
    },
    { name: 'the outage buffer: messages a second', used: requestsAtPeak, limit: queueMessagesPerSecond.value },
  ];
}
