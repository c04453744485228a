// The calls that have no final answer: their texts, which the core knows by number, and what they share.

import { BROWSER_BYTES_MAX, size } from './page';

/** The text of a call, which the core knows by number. */
export interface Kept {
  /** The page that made it, and which of its calls it is: together its name, and the message id unless the caller chose one. */
  owner: string;
  number: number;
  identify: boolean;
  session: string;
  context: string;
  text: string;
  note?: Note;
}

/** An entry of the storage, and what of it is not over. */
export interface Note {
  key: string;
  calls: Set<Kept>;
}

export const nameOf = ({ owner, number }: Kept) => `${owner}.${number}`;

export const texts = new Map<number, Kept>();
/** What of these is over is still written down. */
export const changed = new Set<Note>();
/** Taken, and not written down yet. */
export const unwritten: number[] = [];
export const put: number[] = [];
export const marks: string[] = [];

/** What a core that was ended was about to do. */
export function abandon() {
  put.length = marks.length = unwritten.length = 0;
}

export function forget(id: number): Kept {
  const kept = texts.get(id)!;
  texts.delete(id);
  kept.note?.calls.delete(kept);
  return kept;
}

/** What calls of one request share, the bytes of the request's body besides the calls, and its number. */
export interface Envelope {
  session: string;
  context: string;
  bytes: number;
  alike: number;
}

let numbers = 0;
let envelopes: Envelope[] = [];

export function envelope(session: string, context: string): Envelope {
  let known = envelopes.find((known) => known.session === session && known.context === context);
  if (!known) {
    known = { session, context, bytes: size(session + context) + BROWSER_BYTES_MAX + 200, alike: numbers++ };
    // The latest few: a single-page site may have any number. One that comes again is another one.
    envelopes = [known, ...envelopes.slice(0, 9)];
  }
  return known;
}
