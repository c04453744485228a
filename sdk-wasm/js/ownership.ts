// The queues that this page owns: its own, and those it has taken over from pages that are gone.

import { fresh } from './ids';
import { claim, release } from './store';

export let owner = '';
export let owned = false;
/** What this page owned when it went. */
export let left: string[] = [];

/** The page has a name from now on. */
export function enrol() {
  owner = fresh();
}

export function own() {
  owned = true;
  claim(owner, owner, () => {});
}

/** The page is going: others may have all of it. */
export function giveUp() {
  left = [...new Set([owner, ...release()])];
}

/** The page came back out of the browser's cache: what it owned may be somebody else's by now. */
export function takeBack(decided: (of: string, isOurs: boolean) => void) {
  owned = true;
  for (const of of left.splice(0)) {
    claim(
      of,
      owner,
      () => decided(of, true),
      () => {
        decided(of, false);
        if (of !== owner) return;
        enrol();
        own();
      },
    );
  }
}
