// The viewer's place in the dashboard, kept in the URL's hash: `#/TM-SHOP99/people/abc?search=ann`.
// So a URL can be shared, needs no route on the server, and holds no secret.

import { computed, signal } from '@preact/signals';

export interface Route {
  /** The company, or '' before one is chosen. */
  company: string;
  /** The page's name, '' for the first. */
  page: string;
  /** The rest of the path: ids. */
  rest: string[];
  query: URLSearchParams;
}

const decode = (part: string) => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

function read(): Route {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?', 2);
  const [company = '', page = '', ...rest] = path.split('/').filter(Boolean).map(decode);
  return { company, page, rest, query: new URLSearchParams(query) };
}

/** Takes the place of the company in the URL while the viewer signs in to another one. */
export const SIGN_IN = 'sign-in';

export const route = signal<Route>(read());
export const company = computed(() => route.value.company);
addEventListener('hashchange', () => (route.value = read()));

export type Query = Record<string, string | string[] | undefined>;

function search(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    for (const one of [value ?? []].flat()) if (one) parameters.append(name, one);
  return parameters.size ? `?${parameters}` : '';
}

/** The URL of a place in the current company: `to(['people', id])`. */
export function to(path: string[], query: Query = {}, at = company.value): string {
  return `#/${[at, ...path].map(encodeURIComponent).join('/')}${search(query)}`;
}

/** The demo shop for the current company. It exists only in development. */
export const shop = () => `/shop/${search({ company: company.value === SIGN_IN ? '' : company.value })}`;

export function go(path: string[], query: Query = {}, at = company.value) {
  location.hash = to(path, query, at);
}

/**
 * Changes some query parameters of the current place, without a new entry in the browser's history.
 * undefined or '' removes a parameter.
 */
export function setQuery(change: Query) {
  const { page, rest, query } = route.value;
  const next: Query = {};
  for (const name of query.keys()) next[name] = query.getAll(name);
  history.replaceState(null, '', to([page, ...rest].filter(Boolean), { ...next, ...change }));
  route.value = read();
}
