// The state of a webhook's form, and the request that saves its changes. Pure.

import type { Schema } from '../../../api';
import { PRESETS, type Preset } from './policy';

type Webhook = Schema<'Webhook'>;
type Change = Schema<'WebhookChange'>;

export interface Header {
  name: string;
  value: string;
  /** Set for a stored header, whose value is not shown: what to do with it on save. */
  stored?: 'keep' | 'replace' | 'remove';
}

export interface Draft {
  name: string;
  url: string;
  description: string;
  events: string[];
  headers: Header[];
  preset: Preset | 'custom';
  attempts: string;
  delay: string;
  timeoutMs: string;
  rateLimit: string;
  disableAfterFailures: string;
  disableAfterHours: string;
}

export function draftOf(webhook?: Webhook): Draft {
  const { attempts, delay, timeoutMs } = PRESETS.crm;
  return {
    name: webhook?.name ?? '',
    url: webhook?.url ?? '',
    description: webhook?.description ?? '',
    events: webhook?.events ?? [],
    headers: Object.keys(webhook?.headers ?? {}).map((name) => ({ name, value: '', stored: 'keep' })),
    preset: webhook ? ((webhook.preset as Preset | null) ?? 'custom') : 'crm',
    attempts: String(webhook?.retryAttempts ?? attempts),
    delay: String(webhook?.retryDelay ?? delay),
    timeoutMs: String(webhook?.timeoutMs ?? timeoutMs),
    rateLimit: webhook?.rateLimit ? String(webhook.rateLimit) : '',
    disableAfterFailures: String(webhook?.disableAfterFailures ?? 20),
    disableAfterHours: String(webhook?.disableAfterHours ?? 24),
  };
}

function headersOf(headers: Header[]) {
  const change: Record<string, string | null> = {};
  for (const { name, value, stored } of headers) {
    if (stored === 'remove') change[name] = null;
    else if (name.trim() && stored !== 'keep') change[name.trim()] = value;
  }
  return Object.keys(change).length ? change : undefined;
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** The request that changes `before` into `draft`: only the changed fields. */
export function changeOf(draft: Draft, before: Draft): Change {
  const pick = <T>(field: keyof Draft, value: T) => (same(draft[field], before[field]) ? undefined : value);
  const headers = headersOf(draft.headers);
  const policyChanged = (['preset', 'attempts', 'delay', 'timeoutMs'] as const).some(
    (field) => draft[field] !== before[field],
  );
  const policy: Change =
    draft.preset !== 'custom'
      ? { preset: pick('preset', draft.preset) }
      : policyChanged
        ? { retryAttempts: Number(draft.attempts), retryDelay: Number(draft.delay), timeoutMs: Number(draft.timeoutMs) }
        : {};
  return {
    name: pick('name', draft.name),
    url: pick('url', draft.url),
    description: pick('description', draft.description),
    events: pick('events', draft.events),
    headers,
    ...policy,
    rateLimit: pick('rateLimit', Number(draft.rateLimit)),
    disableAfterFailures: pick('disableAfterFailures', Number(draft.disableAfterFailures)),
    disableAfterHours: pick('disableAfterHours', Number(draft.disableAfterHours)),
  };
}

/** The request that creates a webhook. */
export function requestOf(draft: Draft): Schema<'WebhookRequest'> {
  const change = changeOf(draft, draftOf());
  return {
    ...change,
    preset: draft.preset === 'custom' ? undefined : draft.preset,
    name: draft.name,
    url: draft.url,
    events: draft.events,
  };
}
