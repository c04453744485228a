// The calls that a page makes: each is copied at once, then taken by the core under its number.

import { now, stamp } from './clock';
import { envelopeOf } from './context';
import { failure, LOST } from './errors';
import { core } from './instance';
import { json } from './json';
import { write } from './notes';
import { owner } from './ownership';
import { type Facts, size, viewOf } from './page';
import { texts } from './pending';
import { flushes, promises } from './results';
import { arm, draft, run } from './schedule';
import { say, warn } from './talk';
import type { CallOptions, Consent, Traits } from './trackmate';
import { decide, decision, renew } from './visitor';

/** Fields of identify's request that are not traits. */
const RESERVED = ['company_id', 'sessionId', 'timestamp', 'messageId', 'sentAt'];
/** Own calls are numbered from here on; those left by earlier pages, which go first, from 1. */
const FIRST = 1 << 24;

let calls = FIRST;
let stamped = 0;

/** `body`: members of a JSON object. */
function take(t: number, call: number, identify: boolean, nameChars: number, at: number, body: string, page: Facts, options?: CallOptions) {
  const number = call - FIRST;
  const { timestamp, messageId } = options ?? {};
  // Strictly later than the call before, whatever the clock's grain; a clock that was set back by more is believed.
  stamped = at > stamped || at < stamped - 1000 ? at : stamped + 1;
  let time = timestamp === undefined ? stamped : +new Date(timestamp);
  if (isNaN(time)) {
    warn(`not a time: ${String(timestamp)}`);
    time = stamped;
  }
  const name = messageId == null ? `"${owner}.${number}"` : JSON.stringify(String(messageId));
  const text = `{${body && `${body},`}"timestamp":${stamp(time)},"messageId":${name}}`;
  const { session, context, bytes, alike } = envelopeOf(page, identify);
  texts.set(call, { owner, number, identify, session, context, text });
  const taken = core!.track_(t, call, identify, nameChars, size(text), bytes, alike);
  say(text, ['is taken', 'waits for consent'][taken] ?? 'is dropped');
  if (taken < 2) return;
  texts.delete(call);
  throw failure(LOST[taken - 1]!, 'the call was not taken');
}

function event(eventType: string, eventData: object | undefined, at: number, page: Facts, options?: CallOptions) {
  const body = json({ eventType, eventData: { ...eventData } }).slice(1, -1);
  const call = ++calls;
  draft((t) => texts.has(call) || take(t, call, false, [...eventType].length, at, body, page, options));
}

export const methods: Record<string, (at: number, page: Facts, ...args: any[]) => unknown> = {
  trackPageView(at, page) {
    event('page_view', viewOf(page), at, page);
  },
  track(at, page, name: string, data?: object, options?: CallOptions) {
    event(String(name ?? '').trim(), data, at, page, options);
  },
  group(at, page, groupId: string, traits?: object, options?: CallOptions) {
    event('group', { groupId, traits }, at, page, options);
  },
  alias(at, page, userId: string, options?: CallOptions) {
    event('alias', { userId }, at, page, options);
  },
  async identify(at, page, traits: Traits, options?: CallOptions) {
    const told = Object.entries(traits).filter(([name]) => !RESERVED.includes(name));
    const call = ++calls;
    take(now(), call, true, 1, at, json(Object.fromEntries(told)).slice(1, -1), page, options);
    write();
    arm();
    return new Promise((resolve, reject) => promises.set(call, { resolve, reject }));
  },
  async flush() {
    core!.flush_(now());
    return new Promise((resolve) => {
      flushes.add({ upTo: calls, resolve });
      run();
    });
  },
  reset(_at, { came, url }, options?: { keepAnonymousId?: boolean }) {
    renew(core!, came ?? url, options?.keepAnonymousId);
  },
  consent(_at, _page, consent: Consent) {
    decide(consent);
    core!.consent_(now(), decision);
    write();
    setTimeout(run);
  },
};
