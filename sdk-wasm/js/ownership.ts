// The queues that this page owns: its own, and those it has taken over from pages that are gone.

import { createPageId } from './ids';
import { claim, release } from './store';

export let pageId = '';
export let claimed = false;
/** What this page owned when it went. */
export let releasedQueues: string[] = [];

/** The page has a name from now on. */
export function newPageId() {
  pageId = createPageId();
}

export function claimOwnQueue() {
  claimed = true;
  claim(pageId, pageId, () => {});
}

/** The page is going: others may have all of it. */
export function releaseQueues() {
  releasedQueues = [...new Set([pageId, ...release()])];
}

/** The page came back out of the browser's cache: what it owned may be somebody else's by now. */
export function reclaimQueues(decided: (of: string, isOurs: boolean) => void) {
  claimed = true;
  for (const of of releasedQueues.splice(0)) {
    claim(
      of,
      pageId,
      () => decided(of, true),
      () => {
        decided(of, false);
        if (of !== pageId) return;
        newPageId();
        claimOwnQueue();
      },
    );
  }
}
