// What the events of one page share: the session, and the context that describes the page.

import { core } from './instance';
import { json } from './json';
import { BROWSER_BYTES_MAX, byteLength, contextOf, type PageFacts } from './page';
import { type Envelope, envelope } from './pending';
import { anonymousId, currentSession } from './visitor';

/**
 * A context of fewer characters needs no measuring: with the browser's part, the server takes 4,096
 * bytes.
 */
const SHORT_CONTEXT_CHARS = 1_000;

let context = '';
let contextKey = '';
function contextOfPage(page: PageFacts): string {
  const key = [anonymousId, page.url.split('#')[0], page.referrer, page.entryUrl].join();
  if (key !== contextKey) {
    context = contextOf(page, anonymousId);
    if (context.length > SHORT_CONTEXT_CHARS && !core!.contextFits_(byteLength(context) + BROWSER_BYTES_MAX)) {
      context = json({ anonymousId });
    }
    contextKey = key;
  }
  return context;
}

/**
 * The envelope of the calls that the core is taking: those of one page in one moment share a
 * look-up.
 */
let current: { page: PageFacts; envelope: Envelope } | undefined;

/** The next call looks up the session again, which may have changed. */
export function resetEnvelope() {
  current = undefined;
}

export function envelopeOf(page: PageFacts, identify: boolean): Envelope {
  if (identify || current?.page !== page) {
    const session = currentSession(core!, page.entryUrl ?? page.url);
    current = { page, envelope: envelope(session, identify ? '' : contextOfPage(page)) };
  }
  return current.envelope;
}
