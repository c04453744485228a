// How a request leaves the page, and how its answer comes back.

import { attempt } from './store';

export interface Answer {
  success?: boolean;
  profileId?: string;
  code?: string;
  message?: string;
  rejected?: { code: string; message: string }[];
}

/** A page that goes has no answer to wait for, only the browser's word that it took the request. */
export function handOver(url: string, body: string): boolean {
  if (attempt(() => navigator.sendBeacon(url, body))) return true;
  // Where there is fetchLater, it has room of its own beside the beacons'.
  const later = (window as unknown as { fetchLater?: (url: string, init: RequestInit) => unknown }).fetchLater;
  return attempt(() => later!(url, { method: 'POST', body })) !== undefined;
}

/** Says whether it is on its way; `answered` (status 0: the network failed) is called later. */
export function post(url: string, body: string, answered: (status: number, waitMs: number, answer?: Answer) => void): boolean {
  // A string is sent as text/plain: to another origin, too, without asking first.
  const sent = attempt(() => fetch(url, { method: 'POST', body, keepalive: true }));
  sent?.then(
    async (response) => {
      const wish = response.headers.get('retry-after');
      const wait = wish ? Number(wish) * 1000 || Date.parse(wish) - Date.now() : 0;
      answered(response.status, wait, await response.json().catch(() => undefined));
    },
    () => answered(0, 0),
  );
  return sent !== undefined;
}
