// What events of one page share: the session and the page's context.

import { core } from './instance';
import { json } from './json';
import { BROWSER_BYTES_MAX, contextOf, type Facts, size } from './page';
import { type Envelope, envelope } from './pending';
import { anonymousId, visit } from './visitor';

/** Characters of a page's context that need not be measured: with the browser's the server takes 4,096 bytes. */
const SHORT = 1_000;

let context = '';
let contextFor = '';
function describe(page: Facts): string {
  const of = [anonymousId, page.url.split('#')[0], page.referrer, page.came].join();
  if (of !== contextFor) {
    context = contextOf(page, anonymousId);
    if (context.length > SHORT && !core!.fits_(size(context) + BROWSER_BYTES_MAX)) context = json({ anonymousId });
    contextFor = of;
  }
  return context;
}

/** The envelope of the page whose calls are being settled: for those of one moment it is looked up once. */
let shared: { page: Facts; envelope: Envelope } | undefined;

/** Another moment: the visitor may be another one. */
export function anotherMoment() {
  shared = undefined;
}

export function envelopeOf(page: Facts, identify: boolean): Envelope {
  if (identify || shared?.page !== page) shared = { page, envelope: envelope(visit(core!, page.came ?? page.url), identify ? '' : describe(page)) };
  return shared.envelope;
}
