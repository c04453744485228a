// Cloudflare's prices and limits for the capacity model, on the Workers Paid plan if nothing else is
// said. Each has its source and the date of the copy that was read. They change: look them up before
// you rely on them.

const D1_PRICING = 'https://developers.cloudflare.com/d1/platform/pricing/';
const D1_LIMITS = 'https://developers.cloudflare.com/d1/platform/limits/';
const WORKERS_PRICING = 'https://developers.cloudflare.com/workers/platform/pricing/';
const QUEUES_PRICING = 'https://developers.cloudflare.com/queues/platform/pricing/';
const QUEUES_LIMITS = 'https://developers.cloudflare.com/queues/platform/limits/';
/** The copy of D1's limits has no date. It is newer than one of 2026-04-21, as it allows more databases. */
const AFTER_APRIL = 'undated, after 2026-04-21';

/** `usd` for each `unit` beyond the `included` ones, a month. */
export const PRICES = {
  plan: {
    what: 'the Workers Paid plan', usd: 5, unit: 1, included: 0,
    source: WORKERS_PRICING, read: '2026-08-03',
  },
  requests: {
    what: 'requests', usd: 0.3, unit: 1e6, included: 10e6,
    source: WORKERS_PRICING, read: '2026-08-03',
  },
  cpuMs: {
    what: 'ms of CPU time', usd: 0.02, unit: 1e6, included: 30e6,
    source: WORKERS_PRICING, read: '2026-08-03',
  },
  rowsRead: {
    what: 'rows read', usd: 0.001, unit: 1e6, included: 25e9,
    source: D1_PRICING, read: '2026-08-03',
  },
  rowsWritten: {
    what: 'rows written', usd: 1, unit: 1e6, included: 50e6,
    source: D1_PRICING, read: '2026-08-03',
  },
  storageGb: {
    what: 'GB stored', usd: 0.75, unit: 1, included: 5,
    source: D1_PRICING, read: '2026-08-03',
  },
  queueOperations: {
    what: 'queue operations', usd: 0.4, unit: 1e6, included: 1e6,
    source: QUEUES_PRICING, read: '2026-06-30',
  },
};

export const LIMITS = {
  freeRowsWritten: {
    what: 'rows written a day on the free plan', value: 100_000,
    source: D1_PRICING, read: '2026-08-03',
  },
  databaseBytes: {
    what: 'bytes of a database', value: 10e9,
    source: D1_LIMITS, read: AFTER_APRIL,
  },
  accountBytes: {
    what: 'bytes of all databases of an account', value: 1e12,
    source: D1_LIMITS, read: AFTER_APRIL,
  },
  bindings: {
    what: 'bindings of a Worker', value: 5_000,
    source: D1_LIMITS, read: AFTER_APRIL,
  },
  queriesPerInvocation: {
    what: 'queries of an invocation', value: 1_000,
    source: D1_LIMITS, read: AFTER_APRIL,
  },
  queueMessagesPerSecond: {
    what: 'messages a second of a queue', value: 5_000,
    source: QUEUES_LIMITS, read: '2026-06-30',
  },
};
