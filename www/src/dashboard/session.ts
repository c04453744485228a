// The signed-in companies and their admin keys. A key is stored in sessionStorage, which ends with
// the tab, and in localStorage only if the viewer chooses so. It leaves the page only in a header
// of requests to the API.

import { computed, signal } from '@preact/signals';
import { type Admin, ApiError, adminClient, answer } from '../api';
import { company, go } from './route';

interface StoredSession {
  company: string;
  name: string;
  key: string;
  /** Stays after the tab is closed. */
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
const sessions = signal<StoredSession[]>(
  first.filter(({ company }, index) => first.findIndex((one) => one.company === company) === index),
);

function store(all: StoredSession[]) {
  sessions.value = all;
  for (const [storage, remembered] of [
    [sessionStorage, false],
    [localStorage, true],
  ] as const) {
    const own = all.filter((one) => one.remembered === remembered);
    if (own.length) storage.setItem(STORAGE_KEY, JSON.stringify(own));
    else storage.removeItem(STORAGE_KEY);
  }
}

export const companies = computed(() => sessions.value.map(({ company, name }) => ({ company, name })));
/** Why the viewer has to sign in again. Shown on the sign-in page. */
export const signInReason = signal('');

const current = computed(() => sessions.value.find((one) => one.company === company.value));

/** The company on screen, its API client, and its key for streams. */
export const signedIn = computed<{ company: string; name: string; key: string; admin: Admin } | undefined>(() => {
  const session = current.value;
  return session && { company: session.company, name: session.name, key: session.key, admin: adminClient(session.key) };
});

/** Finds the company of this key and stores the key. Throws an ApiError if no company has it. */
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

/** Shows a company's new name at once. */
export function renamed(name: string) {
  store(sessions.value.map((one) => (one.company === company.value ? { ...one, name } : one)));
}

/** Signs out if the error says that the key was revoked. Returns the error. */
export function signOutIfRevoked(error: unknown): unknown {
  if (error instanceof ApiError && error.status === 401 && current.value)
    signOut('This key was revoked. Sign in with another admin key of the company.');
  return error;
}
