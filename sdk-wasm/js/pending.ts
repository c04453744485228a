// The calls that have no final answer: their texts, which the core knows by number, and what they share.

import { BROWSER_BYTES_MAX, byteLength } from './page';

/** The text of a call, which the core knows by number. */
export interface PendingCall {
  /** The page that made it, and which of its calls it is: together its name, and the message id unless the caller chose one. */
  pageId: string;
  number: number;
  identify: boolean;
  session: string;
  context: string;
  text: string;
  entry?: StorageEntry;
}

/** An entry of the storage, and what of it is not over. */
export interface StorageEntry {
  key: string;
  calls: Set<PendingCall>;
}

export const keyOf = ({ pageId, number }: PendingCall) => `${pageId}.${number}`;

export const pendingCalls = new Map<number, PendingCall>();
/** What of these is over is still written down. */
export const changedEntries = new Set<StorageEntry>();
/** Taken, and not written down yet. */
export const unsaved: number[] = [];
export const batch: number[] = [];
export const handedOverKeys: string[] = [];

/** What a core that was ended was about to do. */
export function clearBatch() {
  batch.length = handedOverKeys.length = unsaved.length = 0;
}

export function removeCall(id: number): PendingCall {
  const call = pendingCalls.get(id)!;
  pendingCalls.delete(id);
  call.entry?.calls.delete(call);
  return call;
}

/** What calls of one request share, the bytes of the request's body besides the calls, and its number. */
export interface Envelope {
  session: string;
  context: string;
  bytes: number;
  envelopeId: number;
}

let envelopeCount = 0;
let envelopes: Envelope[] = [];

export function envelope(session: string, context: string): Envelope {
  let known = envelopes.find((known) => known.session === session && known.context === context);
  if (!known) {
    known = { session, context, bytes: byteLength(session + context) + BROWSER_BYTES_MAX + 200, envelopeId: envelopeCount++ };
    // The latest few: a single-page site may have any number. One that comes again is another one.
    envelopes = [known, ...envelopes.slice(0, 9)];
  }
  return known;
}
