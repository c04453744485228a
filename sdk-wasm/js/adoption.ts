// Queues of pages that are gone: a later page of the site adopts them and sends their calls.

import { debug, guard } from './events';
import { ageOf } from './ids';
import { restoreCall } from './instance';
import { pageId, releasedQueues } from './ownership';
import { keyOf, pendingCalls } from './pending';
import { readQueue } from './persistence';
import { run } from './schedule';
import { company } from './settings';
import { claim, get, keysUnder, owns, remove } from './store';

/** A page younger than this may not have claimed its queue yet, so no other page adopts it. */
const YOUNG_PAGE_MS = 15_000;

let lastRestoredId = 0;
let adoptTimer: ReturnType<typeof setTimeout> | undefined;

export const adoptQueues = guard(() => {
  // This page has released its queues. It reclaims them when it returns, unless others adopt them.
  if (releasedQueues.length) return;
  /**
   * Pages that were hidden for good, and calls that they handed over, with the time left for an
   * answer.
   */
  const handedOverMs = new Map<string, number>();
  const queues = new Set<string>();
  for (const key of keysUnder('')) {
    const [kind, companyId, page = ''] = key.split('.');
    if (companyId !== company) continue;
    if (kind === 'queue' && page !== pageId && !owns(page)) queues.add(page);
    if (kind !== 'away') continue;
    const [until, ...calls] = get(key).split(' ');
    const left = Number(until) - Date.now();
    if (left > 0 && left < 60_000) for (const name of [page, ...calls]) handedOverMs.set(name, left);
    else remove(key);
  }
  let wait = Infinity;
  for (const queue of queues) {
    const young = YOUNG_PAGE_MS - ageOf(queue);
    if (young > 0 && young <= YOUNG_PAGE_MS && !handedOverMs.has(queue)) {
      wait = Math.min(wait, young);
      continue;
    }
    claim(queue, pageId, () => {
      // Read after the claim: the page that owned the queue may have sent some calls.
      const calls = readQueue(queue);
      debug('adopts', calls.length, 'calls');
      for (const call of calls) {
        pendingCalls.set(++lastRestoredId, call);
        restoreCall(lastRestoredId, call, handedOverMs.get(keyOf(call)));
      }
      run();
    });
  }
  clearTimeout(adoptTimer);
  if (wait < Infinity) adoptTimer = setTimeout(adoptQueues, wait);
});
