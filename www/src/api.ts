// The only file that fetches. The dashboard calls TrackMate's public API, with types from its
// OpenAPI document. The demo shop calls its own server.

import createClient from 'openapi-fetch';
import type { components, paths } from './schema';

export type Schema<Name extends keyof components['schemas']> = components['schemas'][Name];

/**
 * A request that failed. `status` 0 means that no server answered. `code` is one of the API's
 * problem codes, or `unreachable` or `unreadable`.
 */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field?: string,
    readonly requestId?: string,
  ) {
    super(message);
  }
}

const UNREACHABLE = new ApiError(
  0,
  'unreachable',
  'TrackMate does not answer. Check that it is running and that you are online.',
);

/** Turns a failed response into an error. */
function errorFrom(status: number, body: unknown): ApiError {
  const { code, message, field, requestId } = (typeof body === 'object' && body ? body : {}) as Record<
    string,
    string | undefined
  >;
  return new ApiError(status, code ?? 'unreadable', message ?? `The server answered ${status}.`, field, requestId);
}

const send = (...request: Parameters<typeof fetch>) =>
  fetch(...request).catch((error: unknown) => {
    // A caller that aborted gets its AbortError, not "unreachable".
    throw error instanceof DOMException && error.name === 'AbortError' ? error : UNREACHABLE;
  });

/**
 * A client of TrackMate's API for one admin key: `await answer(admin.GET('/api/admin/settings'))`.
 */
export function adminClient(key: string) {
  return createClient<paths>({
    baseUrl: location.origin,
    headers: { 'X-Admin-ID': key },
    fetch: (request) => send(request),
  });
}
export type Admin = ReturnType<typeof adminClient>;

/** The response's data. Throws an ApiError if the request failed. */
export async function answer<Data, Failure>(
  call: Promise<{ data?: Data; error?: Failure; response: Response }>,
): Promise<NonNullable<Data>> {
  const { data, error, response } = await call;
  if (!response.ok || data === undefined || data === null) throw errorFrom(response.status, error);
  return data;
}

/**
 * A streamed response of the admin API (an export, the live events). The caller reads its body.
 * Throws an ApiError if the request failed.
 */
export async function stream(
  key: string,
  path: string,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Response> {
  const response = await send(path, { headers: { 'X-Admin-ID': key, ...headers }, signal: signal ?? null });
  if (!response.ok) throw errorFrom(response.status, await response.json().catch(() => null));
  return response;
}

export type Timeline = Schema<'Timeline'>;
export type TimelineEvent = Schema<'TimelineEvent'>;

export interface Received {
  event: string;
  timestamp: string;
  receivedAt: string;
}

/** What the shop's server sent to TrackMate, and the answer. */
export interface Sent {
  at: string;
  body: { identifier: Record<string, string>; eventType: string; eventData: unknown };
  answer: unknown;
}

/** Another server on the viewer's machine. */
class LocalServer {
  constructor(readonly url: string) {}

  protected async call<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await send(this.url + path, init);
    const body = await response.json().catch(() => null);
    if (!response.ok) throw errorFrom(response.status, body);
    return body as T;
  }
}

/** The server of `make dev` itself. */
export class DevServer extends LocalServer {
  /** Starts the shop server of this company, if it is not running. Returns its port. */
  openShop(company: string) {
    return this.call<{ port: number }>('/shop', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ company }),
    });
  }
}

/** The demo shop's own server. */
export class ShopServer extends LocalServer {
  checkout(order: { email: string; sessionId: string; profileId: string; products: string[] }) {
    const headers = { 'Content-Type': 'application/json' };
    return this.call<{ orderId: string }>('/checkout', { method: 'POST', headers, body: JSON.stringify(order) });
  }

  timeline(profileId: string) {
    return this.call<Timeline>(`/timeline?profileId=${encodeURIComponent(profileId)}`);
  }

  deliveries() {
    return this.call<{ deliveries: Received[] }>('/deliveries');
  }

  sent() {
    return this.call<{ sent: Sent[] }>('/sent');
  }
}
