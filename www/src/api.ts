// The one file that fetches: TrackMate's public API for the dashboard, typed by its own OpenAPI document, and the shop's own server for the demo.

import createClient from 'openapi-fetch';
import type { components, paths } from './schema';

export type Schema<Name extends keyof components['schemas']> = components['schemas'][Name];

/** A request that did not succeed. `status` 0 means that nobody answered; `code` is one of the API's problem codes, or `unreachable` or `unreadable`. */
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

const UNREACHABLE = new ApiError(0, 'unreachable', 'Nobody answers there. Check that TrackMate is running and that you are online.');

/** The error that an answer stands for. */
function errorFrom(status: number, body: unknown): ApiError {
  const { code, message, field, requestId } = (typeof body === 'object' && body ? body : {}) as Record<string, string | undefined>;
  return new ApiError(status, code ?? 'unreadable', message ?? `The server answered ${status}.`, field, requestId);
}

const send = (...request: Parameters<typeof fetch>) =>
  fetch(...request).catch((error: unknown) => {
    // Who gave up by themselves is told so, and not that nobody answers.
    throw error instanceof DOMException && error.name === 'AbortError' ? error : UNREACHABLE;
  });

/** TrackMate's API with an admin key that this client alone keeps: `await answer(admin.GET('/api/admin/settings'))`. */
export function adminClient(key: string) {
  return createClient<paths>({ baseUrl: location.origin, headers: { 'X-Admin-ID': key }, fetch: (request) => send(request) });
}
export type Admin = ReturnType<typeof adminClient>;

/** What was answered, or an ApiError. */
export async function answer<Data, Failure>(call: Promise<{ data?: Data; error?: Failure; response: Response }>): Promise<NonNullable<Data>> {
  const { data, error, response } = await call;
  if (!response.ok || data === undefined || data === null) throw errorFrom(response.status, error);
  return data;
}

/** A streamed answer of the admin API (an export, the live events): the response whose body is read by the caller, or an ApiError. */
export async function stream(key: string, path: string, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
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

/** What the shop's server told TrackMate, and the answer. */
export interface Sent {
  at: string;
  body: { identifier: Record<string, string>; eventType: string; eventData: unknown };
  answer: unknown;
}

/** Another server on one's own machine. */
class LocalServer {
  constructor(readonly url: string) {}

  protected async call<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await send(this.url + path, init);
    const body = await response.json().catch(() => null);
    if (!response.ok) throw errorFrom(response.status, body);
    return body as T;
  }
}

/** `make dev` itself. */
export class DevServer extends LocalServer {
  /** Has the shop's server of this company run → its port. */
  openShop(company: string) {
    return this.call<{ port: number }>('/shop', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ company }) });
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
