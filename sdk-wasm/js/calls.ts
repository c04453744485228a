// The methods that become requests. Their data is copied at once; the core takes the call by its
// number.

import { now, serverTime } from './clock';
import { envelopeOf } from './context';
import { codedError, LOSS_CODES } from './errors';
import { debug, warn } from './events';
import { core } from './instance';
import { json } from './json';
import { pageId } from './ownership';
import { byteLength, type PageFacts, pageViewData } from './page';
import { pendingCalls } from './pending';
import { persist } from './persistence';
import { flushPromises, identifyPromises } from './results';
import { defer, run, setTimer } from './schedule';
import type { CallOptions, Consent, Traits } from './trackmate';
import { consentState, resetVisitor, setConsent } from './visitor';

/** Fields of the identify request that are not traits. */
const RESERVED = ['company_id', 'sessionId', 'timestamp', 'messageId', 'sentAt'];
/**
 * Calls of this page are numbered from here. Those of earlier pages, which are sent first, from 1.
 */
const FIRST_CALL_ID = 1 << 24;

let lastCallId = FIRST_CALL_ID;
let lastTimestamp = 0;

/** Lets the core take a call. `body` contains the members of a JSON object. */
function takeCall(
  t: number,
  call: number,
  identify: boolean,
  nameChars: number,
  at: number,
  body: string,
  page: PageFacts,
  options?: CallOptions,
) {
  const number = call - FIRST_CALL_ID;
  const { timestamp, messageId } = options ?? {};
  // Each timestamp is greater than the one before, however coarse the clock is. If the clock went
  // back by more than a second, it was set, and is right.
  lastTimestamp = at > lastTimestamp || at < lastTimestamp - 1000 ? at : lastTimestamp + 1;
  let time = timestamp === undefined ? lastTimestamp : +new Date(timestamp);
  if (isNaN(time)) {
    warn(`not a time: ${String(timestamp)}`);
    time = lastTimestamp;
  }
  const name = messageId == null ? `"${pageId}.${number}"` : JSON.stringify(String(messageId));
  const text = `{${body && `${body},`}"timestamp":${serverTime(time)},"messageId":${name}}`;
  const { session, context, bytes, envelopeId } = envelopeOf(page, identify);
  pendingCalls.set(call, { pageId, number, identify, session, context, text });
  const taken = core!.track_(t, call, identify, nameChars, byteLength(text), bytes, envelopeId);
  debug(text, ['is taken', 'waits for consent'][taken] ?? 'is dropped');
  if (taken < 2) return;
  pendingCalls.delete(call);
  throw codedError(LOSS_CODES[taken - 1]!, 'the call was not taken');
}

function trackEvent(name: string, eventData: object | undefined, at: number, page: PageFacts, options?: CallOptions) {
  const body = json({ eventType: name, eventData: { ...eventData } }).slice(1, -1);
  const call = ++lastCallId;
  defer((t) => pendingCalls.has(call) || takeCall(t, call, false, [...name].length, at, body, page, options));
}

export const methods: Record<string, (at: number, page: PageFacts, ...args: any[]) => unknown> = {
  trackPageView(at, page) {
    trackEvent('page_view', pageViewData(page), at, page);
  },
  track(at, page, name: string, data?: object, options?: CallOptions) {
    trackEvent(String(name ?? '').trim(), data, at, page, options);
  },
  group(at, page, groupId: string, traits?: object, options?: CallOptions) {
    trackEvent('group', { groupId, traits }, at, page, options);
  },
  alias(at, page, userId: string, options?: CallOptions) {
    trackEvent('alias', { userId }, at, page, options);
  },
  async identify(at, page, traits: Traits, options?: CallOptions) {
    const allowed = Object.entries(traits).filter(([name]) => !RESERVED.includes(name));
    const call = ++lastCallId;
    takeCall(now(), call, true, 1, at, json(Object.fromEntries(allowed)).slice(1, -1), page, options);
    persist();
    setTimer();
    return new Promise((resolve, reject) => identifyPromises.set(call, { resolve, reject }));
  },
  async flush() {
    core!.flush_(now());
    return new Promise((resolve) => {
      flushPromises.add({ upTo: lastCallId, resolve });
      run();
    });
  },
  reset(_at, { entryUrl, url }, options?: { keepAnonymousId?: boolean }) {
    resetVisitor(core!, entryUrl ?? url, options?.keepAnonymousId);
  },
  consent(_at, _page, consent: Consent) {
    setConsent(consent);
    core!.consent_(now(), consentState);
    persist();
    setTimeout(run);
  },
};
