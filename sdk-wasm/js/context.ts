// What events of one page share: the session and the page's context.

import { core } from './instance';
import { json } from './json';
import { BROWSER_BYTES_MAX, contextOf, type PageFacts, byteLength } from './page';
import { type Envelope, envelope } from './pending';
import { anonymousId, currentSession } from './visitor';

/** Characters of a page's context that need not be measured: with the browser's the server takes 4,096 bytes. */
const SHORT_CONTEXT_CHARS = 1_000;

let context = '';
let contextKey = '';
function contextOfPage(page: PageFacts): string {
  const of = [anonymousId, page.url.split('#')[0], page.referrer, page.entryUrl].join();
  if (of !== contextKey) {
    context = contextOf(page, anonymousId);
    if (context.length > SHORT_CONTEXT_CHARS && !core!.contextFits_(byteLength(context) + BROWSER_BYTES_MAX)) context = json({ anonymousId });
    contextKey = of;
  }
  return context;
}

/** The envelope of the page whose calls are being settled: for those of one moment it is looked up once. */
let current: { page: PageFacts; envelope: Envelope } | undefined;

/** Another moment: the visitor may be another one. */
export function resetEnvelope() {
  current = undefined;
}

export function envelopeOf(page: PageFacts, identify: boolean): Envelope {
  if (identify || current?.page !== page) current = { page, envelope: envelope(currentSession(core!, page.entryUrl ?? page.url), identify ? '' : contextOfPage(page)) };
  return current.envelope;
}
