// The one file that fetches: TrackMate's public API for the dashboard, and the shop's own server for the demo.

export interface Person {
  id: string;
  email: string | null;
  name: string | null;
  company_id: string;
  createdAt: string;
  lastActive: string | null;
}

export interface TimelineEvent {
  messageId: string;
  eventType: string;
  eventData: Record<string, unknown> | null;
  timestamp: string;
  source: 'browser' | 'webhook';
  sessionId: string | null;
  userId: string | null;
}

export interface Timeline {
  profile: Person;
  summary: {
    totalEvents: number;
    sessions: { total: number; client: number; server: number };
    totalRevenue: { currency: string; amount: number | string }[];
    lastActive: string | null;
  };
  events: TimelineEvent[];
  pagination: { limit: number; hasMore: boolean; nextCursor: string | null };
}

export interface Webhook {
  id: string;
  name: string;
  url: string;
  events: string[];
  active: boolean;
  createdAt: string;
}

export interface Delivery {
  id: string;
  event: string;
  status: string;
  attempts: { attempt: number; statusCode: number | null; success: boolean; error: string | null; durationMs: number; at: string }[];
  createdAt: string;
}

export interface Received {
  event: string;
  timestamp: string;
  receivedAt: string;
}

/** A request that did not succeed: `status` 0 means that nobody answered. */
export class ApiError extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

async function request<T>(url: string, init: RequestInit = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch {
    throw new ApiError(0, 'Nobody answers there.');
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(response.status, body.message ?? `The server answered ${response.status}.`);
  return body as T;
}

/** TrackMate's admin API, with a key that this object alone keeps. */
export class Admin {
  constructor(private readonly key: string) {}

  private get<T>(path: string): Promise<T> {
    return request<T>(`/api/admin/${path}`, { headers: { 'X-Admin-ID': this.key } });
  }

  people(email: string) {
    return this.get<{ users: Person[] }>(`users?email=${encodeURIComponent(email)}`);
  }

  timeline(id: string, cursor?: string) {
    const page = new URLSearchParams({ limit: '50', order: 'asc', ...(cursor ? { cursor } : {}) });
    return this.get<Timeline>(`users/${encodeURIComponent(id)}/timeline?${page}`);
  }

  webhooks() {
    return this.get<{ webhooks: Webhook[] }>('webhooks');
  }

  webhook(id: string) {
    return this.get<{ webhook: Webhook; deliveries: Delivery[] }>(`webhooks/${encodeURIComponent(id)}`);
  }
}

/** The demo shop's own server. */
export class ShopServer {
  constructor(readonly url: string) {}

  checkout(order: { email: string; sessionId: string; profileId: string }) {
    const headers = { 'Content-Type': 'application/json' };
    return request<{ orderId: string }>(`${this.url}/checkout`, { method: 'POST', headers, body: JSON.stringify(order) });
  }

  timeline(profileId: string) {
    return request<Timeline>(`${this.url}/timeline?profileId=${encodeURIComponent(profileId)}`);
  }

  deliveries() {
    return request<{ deliveries: Received[] }>(`${this.url}/deliveries`);
  }
}
