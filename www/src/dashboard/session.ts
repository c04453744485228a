// Who is signed in: the companies whose admin keys this tab holds. A key is kept in sessionStorage, which goes with the tab, and in localStorage only if the
// viewer asks for it. It leaves the page in a header of the API's own requests and nowhere else.

import { computed, signal } from '@preact/signals';
import { type Admin, ApiError, adminClient, answer } from '../api';
import { company, go } from './route';

interface StoredSession {
  company: string;
  name: string;
  key: string;
  /** Also after the tab is closed. */
  remembered: boolean;
}

const STORAGE_KEY = 'trackmate.dashboard';

function readStored(storage: Storage): StoredSession[] {
  try {
    const sessions: unknown = JSON.parse(storage.getItem(STORAGE_KEY) ?? '[]');
    return Array.isArray(sessions) ? sessions : [];
  } catch {
    return [];
  }
}

const first = [...readStored(sessionStorage), ...readStored(localStorage)];
const sessions = signal<StoredSession[]>(first.filter(({ company }, index) => first.findIndex((one) => one.company === company) === index));

function store(all: StoredSession[]) {
  sessions.value = all;
  for (const [storage, remembered] of [[sessionStorage, false], [localStorage, true]] as const) {
    const own = all.filter((one) => one.remembered === remembered);
    if (own.length) storage.setItem(STORAGE_KEY, JSON.stringify(own));
    else storage.removeItem(STORAGE_KEY);
  }
}

export const companies = computed(() => sessions.value.map(({ company, name }) => ({ company, name })));
/** Why the viewer has to sign in (again). */
export const signInReason = signal('');

const current = computed(() => sessions.value.find((one) => one.company === company.value));

/** The company that is looked at: what asks the API in its name, and its key for streams. */
export const signedIn = computed<{ company: string; name: string; key: string; admin: Admin } | undefined>(() => {
  const session = current.value;
  return session && { company: session.company, name: session.name, key: session.key, admin: adminClient(session.key) };
});

/** Asks whose key this is, and keeps it. Throws an ApiError if it is nobody's. */
export async function signIn(key: string, remembered: boolean) {
  const { settings } = await answer(adminClient(key).GET('/api/admin/settings'));
  const others = sessions.value.filter((one) => one.company !== settings.company_id);
  store([...others, { company: settings.company_id, name: settings.name, key, remembered }]);
  signInReason.value = '';
  return settings.company_id;
}

export function signOut(reason = '') {
  store(sessions.value.filter((one) => one.company !== company.value));
  signInReason.value = reason;
  const [next] = companies.value;
  if (reason === '') go([], {}, next?.company ?? '');
}

/** A company's new name shows at once. */
export function renamed(name: string) {
  store(sessions.value.map((one) => (one.company === company.value ? { ...one, name } : one)));
}

/** Passes an error on, after signing out if the key is no longer good. */
export function signOutIfRevoked(error: unknown): unknown {
  if (error instanceof ApiError && error.status === 401 && current.value) signOut('This key is no longer an admin key of the company: it was revoked. Sign in with another.');
  return error;
}
