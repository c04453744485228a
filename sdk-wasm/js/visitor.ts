// The visitor: the anonymous id, the session, and the consent to store them.

import type { Core } from './core';
import { emit } from './events';
import { randomHex } from './ids';
import { campaignOf } from './page';
import { settings } from './settings';
import { attempt, get, remove, set } from './store';
import type { Consent } from './trackmate';

const CONSENTS: Consent[] = ['granted', 'denied', 'pending'];
/** By `session::SessionChange`, from 2 on. */
const SESSION_REASONS = ['first', 'ended', 'campaign'] as const;
/**
 * The second at which the session started, or 0 if the id is not `session_<second>_<32 hex
 * digits>`.
 */
const startOfSession = (id: string) =>
  id.length === 51 &&
  id.startsWith('session_') &&
  id[18] === '_' &&
  [...id.slice(19)].every((digit) => '0123456789abcdef'.includes(digit))
    ? Number(id.slice(8, 18))
    : 0;

/** The visitor's decision, as `core::Consent`. */
export let consentState = 2;
let mayStore = false;

/** Whether the browser refuses consent for the visitor, by GPC or DNT. */
export function browserRefuses(): boolean {
  const { respectGpc = true, respectDnt } = settings;
  const { globalPrivacyControl } = navigator as Navigator & { globalPrivacyControl?: boolean };
  return (respectGpc && globalPrivacyControl) || (respectDnt && navigator.doNotTrack === '1') || false;
}

// Every call reads both, so they share a storage entry: the anonymous id, and the session as `<id>
// <second of a recent call> <campaign>`. Regular expressions are avoided, because the first one on
// a page takes longer than all of this.
export let anonymousId = '';
let session = '';
let stored = '';

function loadVisitor() {
  const saved = mayStore ? get('visitor') : '';
  if (saved && saved !== stored) {
    [anonymousId] = saved.split(' ', 1) as [string];
    session = saved.slice(anonymousId.length + 1);
  }
  stored = saved;
}

function saveVisitor() {
  // Browsers delete the storage of scripts sooner than a cookie that the site's server has set.
  anonymousId ||=
    (mayStore && settings.cookie && attempt(() => /(?:^|; )trackmate_id=([\w-]+)/.exec(document.cookie)?.[1])) ||
    randomHex();
  const text = `${anonymousId} ${session}`;
  if (mayStore && text !== stored) set('visitor', (stored = text));
}

/** The anonymous id, which is created if there is none. */
export function getAnonymousId(): string {
  loadVisitor();
  saveVisitor();
  return anonymousId;
}

/** The input of the last check for a new session. The same input has the same result. */
let answeredFor = '';
/**
 * The session id for a call on a page that the visitor entered at `url`. Starts a session if
 * needed.
 */
export function currentSession(core: Core, url: string, reason?: 'reset'): string {
  loadVisitor();
  const nowS = Math.floor(Date.now() / 1000);
  const campaign = settings.sessionPerCampaign ? JSON.stringify(campaignOf(url) ?? '') : '';
  if (answeredFor !== `${session}/${nowS}/${campaign}`) {
    let hash = 0;
    for (const char of campaign.slice(2)) hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
    let [sessionId = '', last, by = '0'] = session.split(' ');
    // Without a stored session the core has nothing to decide: the first one starts.
    const why = sessionId ? core.sessionChange_(nowS, hash, startOfSession(sessionId), Number(last), Number(by)) : 2;
    if (why > 1) [sessionId, by] = [`session_${String(nowS).padStart(10, '0')}_${randomHex()}`, String(hash)];
    if (why) session = `${sessionId} ${nowS} ${by}`;
    answeredFor = `${session}/${nowS}/${campaign}`;
    if (why > 1) emit('session', { sessionId, reason: reason ?? SESSION_REASONS[why - 2]! });
  }
  saveVisitor();
  return session.split(' ')[0]!;
}

/** Starts another session, and another visitor unless `keepAnonymousId`. */
export function resetVisitor(core: Core, url: string, keepAnonymousId?: boolean) {
  loadVisitor();
  remove('visitor');
  session = '';
  if (!keepAnonymousId) forgetVisitor();
  currentSession(core, url, 'reset');
}

/** The visitor decides, unless the browser refuses. */
export function setConsent(consent: Consent) {
  consentState = browserRefuses() ? 1 : CONSENTS.indexOf(consent);
  mayStore = consentState === 0;
  if (consentState === 1) {
    remove('visitor');
    forgetVisitor();
  }
}

function forgetVisitor() {
  anonymousId = '';
  if (settings.cookie) attempt(() => (document.cookie = 'trackmate_id=;path=/;max-age=0'));
}
