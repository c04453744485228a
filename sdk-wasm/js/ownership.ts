// The queues in localStorage that belong to this page: the one it writes, and those it adopted.

import { createPageId } from './ids';
import { claim, release } from './store';

export let pageId = '';
/** Whether this page has claimed the queue that it writes. */
export let claimed = false;
/** The pages whose queues this page released when it was hidden. */
export let releasedQueues: string[] = [];

export function newPageId() {
  pageId = createPageId();
}

export function claimOwnQueue() {
  claimed = true;
  claim(pageId, pageId, () => {});
}

/** The page is hidden for good: other pages may adopt its queues. */
export function releaseQueues() {
  releasedQueues = [...new Set([pageId, ...release()])];
}

/**
 * The page came back out of the back/forward cache. Another page may have adopted its queues;
 * `onResult` learns for each whether it is this page's again.
 */
export function reclaimQueues(onResult: (queue: string, isOurs: boolean) => void) {
  claimed = true;
  for (const queue of releasedQueues.splice(0)) {
    claim(
      queue,
      pageId,
      () => onResult(queue, true),
      () => {
        onResult(queue, false);
        if (queue !== pageId) return;
        newPageId();
        claimOwnQueue();
      },
    );
  }
}
