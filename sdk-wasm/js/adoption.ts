// The queues of pages that are gone: the next page of the site takes them over.

import { ageOf } from './ids';
import { restoreCall } from './instance';
import { readQueue } from './persistence';
import { pageId, releasedQueues } from './ownership';
import { keyOf, pendingCalls } from './pending';
import { run } from './schedule';
import { company } from './settings';
import { claim, get, owns, remove, keysUnder } from './store';
import { guard, debug } from './events';

/** Others leave a queue without an owner alone as long as its page is younger than this: it may not have claimed it yet. */
const YOUNG_PAGE_MS = 15_000;

let lastRestoredId = 0;
let adoptTimer: ReturnType<typeof setTimeout> | undefined;

export const adoptQueues = guard(() => {
  if (releasedQueues.length) return; // The page is not back yet: what it left is its own, unless somebody else was quicker.
  /** Pages that said so, and calls that they handed over. */
  const handedOverMs = new Map<string, number>();
  const owners = new Set<string>();
  for (const key of keysUnder('')) {
    const [kind, of, by = ''] = key.split('.');
    if (of !== company) continue;
    if (kind === 'queue' && by !== pageId && !owns(by)) owners.add(by);
    if (kind !== 'away') continue;
    const [until, ...names] = get(key).split(' ');
    const left = Number(until) - Date.now();
    if (left > 0 && left < 60_000) for (const name of [by, ...names]) handedOverMs.set(name, left);
    else remove(key);
  }
  let wait = Infinity;
  for (const of of owners) {
    const young = YOUNG_PAGE_MS - ageOf(of);
    if (young > 0 && young <= YOUNG_PAGE_MS && !handedOverMs.has(of)) {
      wait = Math.min(wait, young);
      continue;
    }
    claim(of, pageId, () => {
      // Read now: who owned it until now may have sent some.
      const left = readQueue(of);
      debug('takes over', left.length, 'calls');
      for (const call of left) {
        pendingCalls.set(++lastRestoredId, call);
        restoreCall(lastRestoredId, call, handedOverMs.get(keyOf(call)));
      }
      run();
    });
  }
  clearTimeout(adoptTimer);
  if (wait < Infinity) adoptTimer = setTimeout(adoptQueues, wait);
});
