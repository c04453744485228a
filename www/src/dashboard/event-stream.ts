// Following an answer that streams (server-sent events): each message is handed over as it comes, and a stream that ends, breaks or falls silent is taken up
// again after the last one.

import { createParser } from 'eventsource-parser';
import { ApiError, stream } from '../api';

/** Between a stream's end and the next one; doubles with each failure. */
const PAUSE_MS = 250;
const PAUSE_MS_MAX = 30_000;
/** The API says something more often than this; a stream without a word is broken, whatever the browser thinks. */
const SILENCE_MS_MAX = 60_000;

interface FollowOptions {
  /** An admin key. */
  key: string;
  path: string;
  /** The last message that is known. */
  after: number;
  onMessage: (data: string) => void;
  /** Whether messages come, or the stream is broken and tried again. */
  onConnection: (is: boolean) => void;
  signal: AbortSignal;
}

/** Follows until the signal ends it. Throws what trying again cannot mend: a key that is not good any more, a refusal. */
export async function follow({ key, path, after, onMessage, onConnection, signal }: FollowOptions): Promise<void> {
  let last = String(after);
  let failures = 0;

  const read = async () => {
    const watchdog = new AbortController();
    const response = await stream(key, path, { 'Last-Event-ID': last }, AbortSignal.any([signal, watchdog.signal]));
    onConnection(true);
    const parser = createParser({
      onEvent: ({ id, data }) => {
        last = id ?? last;
        failures = 0;
        onMessage(data);
      },
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (let more = reader !== undefined; more && reader; ) {
      const timer = setTimeout(() => watchdog.abort(), SILENCE_MS_MAX);
      const { done, value } = await reader.read().finally(() => clearTimeout(timer));
      if (value) parser.feed(value);
      more = !done;
    }
  };

  while (!signal.aborted) {
    try {
      await read();
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429) throw error;
      onConnection(false);
      failures += 1;
    }
    await pause(Math.min(PAUSE_MS * 2 ** failures, PAUSE_MS_MAX) * (0.5 + Math.random() / 2), signal);
  }
}

/** Waits, but not longer than until the browser is online again. */
const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener('online', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener('online', done);
    signal.addEventListener('abort', done);
  });
