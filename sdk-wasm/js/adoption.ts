// The queues of pages that are gone: the next page of the site takes them over.

import { ageOf } from './ids';
import { restore } from './instance';
import { found } from './notes';
import { left, owner } from './ownership';
import { nameOf, texts } from './pending';
import { run } from './schedule';
import { company } from './settings';
import { claim, get, owns, remove, under } from './store';
import { guard, say } from './talk';

/** Others leave a queue without an owner alone as long as its page is younger than this: it may not have claimed it yet. */
const YOUNG_MS = 15_000;

let restored = 0;
let adopting: ReturnType<typeof setTimeout> | undefined;

export const adopt = guard(() => {
  if (left.length) return; // The page is not back yet: what it left is its own, unless somebody else was quicker.
  /** Pages that said so, and calls that they handed over. */
  const away = new Map<string, number>();
  const owners = new Set<string>();
  for (const key of under('')) {
    const [kind, of, by = ''] = key.split('.');
    if (of !== company) continue;
    if (kind === 'queue' && by !== owner && !owns(by)) owners.add(by);
    if (kind !== 'away') continue;
    const [until, ...names] = get(key).split(' ');
    const left = Number(until) - Date.now();
    if (left > 0 && left < 60_000) for (const name of [by, ...names]) away.set(name, left);
    else remove(key);
  }
  let wait = Infinity;
  for (const of of owners) {
    const young = YOUNG_MS - ageOf(of);
    if (young > 0 && young <= YOUNG_MS && !away.has(of)) {
      wait = Math.min(wait, young);
      continue;
    }
    claim(of, owner, () => {
      // Read now: who owned it until now may have sent some.
      const left = found(of);
      say('takes over', left.length, 'calls');
      for (const kept of left) {
        texts.set(++restored, kept);
        restore(restored, kept, away.get(nameOf(kept)));
      }
      run();
    });
  }
  clearTimeout(adopting);
  if (wait < Infinity) adopting = setTimeout(adopt, wait);
});
