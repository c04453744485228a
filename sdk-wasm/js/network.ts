// How a request leaves the page, and how its answer comes back.

import { attempt } from './store';

export interface Answer {
  success?: boolean;
  profileId?: string;
  code?: string;
  message?: string;
  rejected?: { code: string; message: string }[];
}

/** Just before the core takes a request for lost (`ANSWER_MS_MAX`). */
const ANSWER_TIMEOUT_MS = 29_000;

/** Whether the next request goes by XMLHttpRequest: the page may have put something around `fetch` that throws, or keeps the answers. */
let useXhr = false;

/** A page that goes has no answer to wait for, only the browser's word that it took the request. */
export function handOver(url: string, body: string): boolean {
  if (attempt(() => navigator.sendBeacon(url, body))) return true;
  // Where there is fetchLater, it has room of its own beside the beacons'.
  const later = (window as unknown as { fetchLater?: (url: string, init: RequestInit) => unknown }).fetchLater;
  return attempt(() => later!(url, { method: 'POST', body })) !== undefined;
}

/** `answered` (status 0: there was no answer) is called later. A string is sent as text/plain: to another origin, too, without asking first. */
export function post(url: string, body: string, answered: (status: number, waitMs: number, answer?: Answer) => void): boolean {
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
