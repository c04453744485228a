// The calls without a final answer. The core knows each by a number; their text is here.

import { BROWSER_BYTES_MAX, byteLength } from './page';

export interface PendingCall {
  /**
   * The page that made the call, and the number of the call on that page. Together they are the
   * call's key, and its message id unless the caller chose one.
   */
  pageId: string;
  number: number;
  identify: boolean;
  session: string;
  context: string;
  text: string;
  /** The storage entry that contains the call, once it is written. */
  entry?: StorageEntry;
}

/** An entry of localStorage, and those of its calls that have no final answer. */
export interface StorageEntry {
  key: string;
  calls: Set<PendingCall>;
}

export const keyOf = ({ pageId, number }: PendingCall) => `${pageId}.${number}`;

export const pendingCalls = new Map<number, PendingCall>();
/** Entries that still contain finished calls. */
export const changedEntries = new Set<StorageEntry>();
/** Calls that the core has taken and that are not in localStorage yet. */
export const unsaved: number[] = [];
/** Calls of the request that the core is about to send. */
export const batch: number[] = [];
/** Keys of the calls without an answer when the page is hidden for good. */
export const handedOverKeys: string[] = [];

/** Forgets what a core that was interrupted was about to do. */
export function clearBatch() {
  batch.length = handedOverKeys.length = unsaved.length = 0;
}

export function removeCall(id: number): PendingCall {
  const call = pendingCalls.get(id)!;
  pendingCalls.delete(id);
  call.entry?.calls.delete(call);
  return call;
}

/** What the calls of one request share, and the bytes of the request's body without the calls. */
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
    const bytes = byteLength(session + context) + BROWSER_BYTES_MAX + 200;
    known = { session, context, bytes, envelopeId: envelopeCount++ };
    // Only the last ten, as a single-page site may have any number of them. A repeat gets a new id.
    envelopes = [known, ...envelopes.slice(0, 9)];
  }
  return known;
}
