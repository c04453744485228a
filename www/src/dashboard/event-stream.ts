// Follows a stream of server-sent events. Passes on each message as it arrives. Reconnects after
// the last message when the stream ends, breaks or goes silent.

import { createParser } from 'eventsource-parser';
import { ApiError, stream } from '../api';

/** Pause before a reconnect. Doubles with each failure. */
const PAUSE_MS = 250;
const PAUSE_MS_MAX = 30_000;
/**
 * The API sends something more often than this. A stream that is silent for longer is broken, even
 * if the browser does not notice.
 */
const SILENCE_MS_MAX = 60_000;

interface FollowOptions {
  /** An admin key. */
  key: string;
  path: string;
  /** The id of the last known message. The stream begins after it. */
  after: number;
  onMessage: (data: string) => void;
  /** Called with true when the stream is open, with false when it broke and is being retried. */
  onConnection: (isOpen: boolean) => void;
  signal: AbortSignal;
}

/**
 * Follows until the signal aborts. Throws only errors that a retry cannot fix, such as a revoked
 * key.
 */
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
    for (let more = reader !== undefined; more && reader;) {
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

/** Waits. Ends early when the browser comes back online. */
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
