// Retry policies: the presets of the API's reference, and custom values, in words. Pure.

import type { Schema } from '../../../api';
import { duration } from '../../parts/display';

export type Preset = NonNullable<Schema<'WebhookChange'>['preset']>;

export interface Policy {
  attempts: number;
  /** Seconds before the second attempt. Doubles after each attempt. */
  delay: number;
  timeoutMs: number;
}

export const PRESETS: Record<Preset, Policy & { name: string; summary: string }> = {
  crm: {
    name: 'CRM',
    attempts: 3,
    delay: 60,
    timeoutMs: 10_000,
    summary: '3 attempts: at once, after 60 s, and 120 s later. Timeout 10 s.',
  },
  funnel: {
    name: 'Funnel',
    attempts: 3,
    delay: 1,
    timeoutMs: 30_000,
    summary: '3 attempts: at once, after 1 s, and 2 s later. Timeout 30 s.',
  },
  standard: {
    name: 'Standard Webhooks',
    attempts: 10,
    delay: 5,
    timeoutMs: 15_000,
    summary:
      '10 attempts over 75 hours: after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h, each ± 20 %. Timeout 15 s.',
  },
};

/** Describes a policy in words. */
export function describePolicy({ attempts, delay, timeoutMs }: Policy): string {
  const waits = Array.from({ length: Math.min(attempts - 1, 4) }, (_, index) => Math.min(delay * 2 ** index, 86_400));
  const after = waits.map((wait) => duration(wait * 1_000)).join(', ');
  return `${attempts === 1 ? '1 attempt' : `${attempts} attempts: at once, then after ${after}${attempts > 5 ? ' and so on' : ''}`}. Timeout ${duration(timeoutMs)}.`;
}

export function policyOf({ preset, retryAttempts, retryDelay, timeoutMs }: Schema<'Webhook'>): string {
  return preset && preset in PRESETS
    ? `${PRESETS[preset as Preset].name}: ${PRESETS[preset as Preset].summary}`
    : describePolicy({ attempts: retryAttempts, delay: retryDelay, timeoutMs });
}
