// How requests are sent and answers are read.

import { attempt } from './store';

export interface Answer {
  success?: boolean;
  profileId?: string;
  code?: string;
  message?: string;
  rejected?: { code: string; message: string }[];
}

/** A little less than the time after which the core gives up a request (`ANSWER_MS_MAX`). */
const ANSWER_TIMEOUT_MS = 29_000;

/**
 * Whether the next request uses XMLHttpRequest, because a wrapper of the page around `fetch` may be
 * broken.
 */
let useXhr = false;

/**
 * Hands a request to the browser, which sends it after the page is gone. Nobody reads the answer.
 */
export function handOver(url: string, body: string): boolean {
  if (attempt(() => navigator.sendBeacon(url, body))) return true;
  // `fetchLater` has a quota of its own, beside that of beacons.
  const later = (window as unknown as { fetchLater?: (url: string, init: RequestInit) => unknown }).fetchLater;
  return attempt(() => later!(url, { method: 'POST', body })) !== undefined;
}

type OnAnswer = (status: number, waitMs: number, answer?: Answer) => void;

/**
 * Sends a request and calls `answered` later, with status 0 if there is no answer. A string goes as
 * text/plain, so that a browser sends it to another origin without a preflight.
 */
export function post(url: string, body: string, answered: OnAnswer): boolean {
  const method = 'POST';
  const finish = (status = 0, retryAfter?: string | null, text?: string) => {
    clearTimeout(timeout);
    const answer = attempt(() => JSON.parse(text!) as Answer);
    if (!answer) useXhr = !useXhr;
    answered(status, retryAfter ? Number(retryAfter) * 1000 || Date.parse(retryAfter) - Date.now() : 0, answer);
  };
  const timeout = setTimeout(finish, ANSWER_TIMEOUT_MS);
  const send = async () => {
    if (useXhr) {
      const request = new XMLHttpRequest();
      request.open(method, url);
      request.onloadend = () => finish(request.status, request.getResponseHeader('retry-after'), request.responseText);
      request.send(body);
    } else {
      const response = await fetch(url, { method, body, keepalive: true });
      finish(response.status, response.headers?.get('retry-after'), await response.text());
    }
  };
  send().catch(() => finish());
  return true;
}
