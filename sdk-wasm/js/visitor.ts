// Who visits, and since when: the anonymous id, the session, and whether either may be kept.

import type { Core } from './core';
import { randomHex } from './ids';
import { campaignOf } from './page';
import { settings } from './settings';
import { attempt, get, remove, set } from './store';
import { emit } from './events';
import type { Consent } from './trackmate';

const CONSENTS: Consent[] = ['granted', 'denied', 'pending'];
/** By `session::Visit`, from 2 on. */
const SESSION_REASONS = ['first', 'ended', 'campaign'] as const;
/** The second at which a session of this id began; 0 where the id is not one of ours, `session_<second>_<32 digits>`. */
const startOfSession = (id: string) =>
  id.length === 51 && id.startsWith('session_') && id[18] === '_' && [...id.slice(19)].every((digit) => '0123456789abcdef'.includes(digit))
    ? Number(id.slice(8, 18))
    : 0;

/** What was decided, as `core::Consent`. */
export let consentState = 2;
let mayStore = false;

/** Whether the browser says no for the visitor, by GPC or DNT. */
export function browserRefuses(): boolean {
  const { respectGpc = true, respectDnt } = settings;
  const { globalPrivacyControl } = navigator as Navigator & { globalPrivacyControl?: boolean };
  return (respectGpc && globalPrivacyControl) || (respectDnt && navigator.doNotTrack === '1') || false;
}

// In one entry of the storage, as every call reads both: the anonymous id, and the session, `<id> <second of about its last call> <campaign>`.
// Without regular expressions: a page's first takes longer than all the rest of this.
export let anonymousId = '';
let session = '';
let stored = '';

function loadVisitor() {
  const kept = mayStore ? get('visitor') : '';
  if (kept && kept !== stored) {
    [anonymousId] = kept.split(' ', 1) as [string];
    session = kept.slice(anonymousId.length + 1);
  }
  stored = kept;
}

function saveVisitor() {
  // A cookie set by a server of the site outlives what browsers leave in a script's storage.
  anonymousId ||= (mayStore && settings.cookie && attempt(() => /(?:^|; )trackmate_id=([\w-]+)/.exec(document.cookie)?.[1])) || randomHex();
  const text = `${anonymousId} ${session}`;
  if (mayStore && text !== stored) set('visitor', (stored = text));
}

/** The anonymous id, a new one where there is none. */
export function getAnonymousId(): string {
  loadVisitor();
  saveVisitor();
  return anonymousId;
}

/** What `core.visit` was last asked; asked the same, it says the same. */
let answeredFor = '';
/** The id of the session of a call on a page that was come to by `url`. */
export function currentSession(core: Core, url: string, reason?: 'reset'): string {
  loadVisitor();
  const nowS = Math.floor(Date.now() / 1000);
  const campaign = settings.sessionPerCampaign ? JSON.stringify(campaignOf(url) ?? '') : '';
  if (answeredFor !== `${session}/${nowS}/${campaign}`) {
    let hash = 0;
    for (const char of campaign.slice(2)) hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
    let [sessionId = '', last, by = '0'] = session.split(' ');
    // Where there is none, there is nothing to decide: the first begins.
    const why = sessionId ? core.sessionChange_(nowS, hash, startOfSession(sessionId), Number(last), Number(by)) : 2;
    if (why > 1) [sessionId, by] = [`session_${String(nowS).padStart(10, '0')}_${randomHex()}`, String(hash)];
    if (why) session = `${sessionId} ${nowS} ${by}`;
    answeredFor = `${session}/${nowS}/${campaign}`;
    if (why > 1) emit('session', { sessionId, reason: reason ?? SESSION_REASONS[why - 2]! });
  }
  saveVisitor();
  return session.split(' ')[0]!;
}

/** Another session from now on, and another visitor unless that is to be kept. */
export function resetVisitor(core: Core, url: string, keepAnonymousId?: boolean) {
  loadVisitor();
  remove('visitor');
  session = '';
  if (!keepAnonymousId) forgetVisitor();
  currentSession(core, url, 'reset');
}

/** What the visitor says, or the browser for him. */
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
