// What is known about the page, for the events that are tracked on it, and when it becomes another one. Pages put things of their own where
// the browser's are, and browsers have bugs: what cannot be asked is left out.

import { json } from './json';
import { attempt } from './store';
import { guard, listen } from './talk';

declare const VERSION: string;

/** Longest text of the page that goes along, in characters. */
const CHARS_MAX = 500;

/** Where an event was tracked. */
export interface Facts {
  url: string;
  title: string;
  referrer: string;
  /** The address by which the visitor came to this page: a router may since have taken the campaign out of it. */
  came?: string;
}

/** The page before this one; in a single-page site that is not what the document says. */
let previous: string | undefined;
/** The address at the last look, and the one that was come by. */
let last: string;
let came = '';
/** The page as it was when it had come there. */
let here: Facts | undefined;
/** The path that was viewed last. */
let viewed: string | undefined;

const text = (ask: () => unknown): string => {
  const told = attempt(ask);
  return typeof told === 'string' ? told : '';
};
export const titleNow = () => text(() => document.title);
export const address = () => text(() => document.URL) || location.href;

export const facts = (url = address()): Facts => ({
  url,
  title: titleNow(),
  referrer: previous ?? text(() => document.referrer),
  came: pathOf(url) === pathOf(came) ? came : url,
});

export const where = (): Facts => (here?.url === address() ? here : (here = facts()));

/** Whether a view of this path is the one that was made last; from now on it is. */
export function viewedBefore(url = address()): boolean {
  const path = pathOf(url);
  here = undefined;
  return viewed === (viewed = path);
}

export const isViewed = () => viewed === pathOf(address());

/** The page came back, and nobody knows from where; only that it is not from where it came at first. */
export function returned() {
  previous = '';
  here = undefined;
}

/**
 * Chromium does not tell a page that closes while it loads, unless it asks to be asked about it. Firefox keeps no page that asks in its
 * back/forward cache, so none goes on asking.
 */
export function askWhileLoading(ask = () => {}) {
  if (document.readyState !== 'complete') {
    addEventListener('beforeunload', ask);
    addEventListener('load', () => removeEventListener('beforeunload', ask));
  }
}

const bare = (url: string) => url.split('#')[0]!;

/**
 * Follows a single-page site, which began at `url`: by the Navigation API, which sees every router, or around `history`. `moved` is called
 * whenever the site may have gone somewhere.
 */
export function watchHistory(url = address(), moved: () => void) {
  last = came = url;
  const look = guard((replaced?: boolean) => {
    const url = address();
    // What takes the place of the same page, or of one that nobody viewed, was come to from where that was.
    if (bare(url) !== bare(last) && !(replaced && (pathOf(url) === pathOf(last) || viewed !== pathOf(last)))) {
      previous = last;
      came = url;
      here = undefined;
    }
    last = url;
    setTimeout(moved); // The site has yet to set the title.
  });
  const { navigation } = window as unknown as { navigation?: { currentEntry?: unknown } };
  if (navigation?.currentEntry) {
    listen(navigation, 'currententrychange', ({ navigationType }) => look(navigationType === 'replace'));
  } else {
    for (const name of ['pushState', 'replaceState'] as const) {
      const change = history[name];
      history[name] = function (this: History, ...args) {
        change.apply(this, args);
        look(name > 'q');
      };
    }
    listen(window, 'popstate', () => look());
  }
  look(true);
}

/** Not through a character of two halves. */
export const cut = (text: string, most = CHARS_MAX) => (text.length > most ? text.slice(0, most).replace(/[\ud800-\udbff]$/, '') : text);

/** `utm_…` of a query, without the prefix. */
export function campaignOf(url: string): Record<string, string> | undefined {
  // Taking an address apart is dear on a page that has just begun, and few have a campaign.
  if (!url.includes('utm_')) return;
  const found: Record<string, string> = {};
  let any;
  for (const [name, value] of new URLSearchParams(bare(url).split('?')[1])) {
    if (name.startsWith('utm_')) found[(any = cut(name.slice(4), 16))] = cut(value, 100);
  }
  return any === undefined ? undefined : found;
}

/** What stands between host and query; `/` where there is neither. */
export const pathOf = (url: string) => `/${bare(url).split('?')[0]!.split('/').slice(3).join('/')}`;

/** Temporal knows the zone soon (Chromium at once, Firefox in 4 ms); Intl loads its tables first, tens of milliseconds. */
const zone = () =>
  (globalThis as { Temporal?: { Now?: { timeZoneId?(): string } } }).Temporal?.Now?.timeZoneId?.() ??
  Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What events of one page share, so that they can share a request. */
export function contextOf({ url, title, referrer, came = url }: Facts, anonymousId: string): string {
  const page = { url: cut(url), path: cut(pathOf(url)), title: cut(title), referrer: cut(referrer) };
  return json({ anonymousId, page, campaign: attempt(() => campaignOf(came)) });
}

/** Bytes of a text without lone surrogates, which JSON has none of. A `TextEncoder` takes twice as long. */
export const size = (text: string) => unescape(encodeURIComponent(text)).length;

/** Most bytes of what a page view says of its page, within an event's 32,768. */
const VIEW_BYTES_MAX = 30_000;

export function viewOf({ url, title, referrer }: Facts) {
  for (let most = 8_192; ; most /= 2) {
    const view = { address: cut(url, most), title: cut(title, most), referrer: cut(referrer, most), path: cut(pathOf(url), most) };
    if (most < CHARS_MAX || size(json(view)) < VIEW_BYTES_MAX) return view;
  }
}

/** Most bytes of `browser`. */
export const BROWSER_BYTES_MAX = 600;

/** Of a request's context: the browser that sends it, which is the one that the events were tracked in, whatever page sends them. */
const KNOWN: Record<string, (browser: Navigator & { userAgentData?: object }) => unknown> = {
  library: () => `js-${VERSION}`,
  locale: ({ language }) => language,
  timezone: zone,
  screen: () => ({ width: screen.width, height: screen.height, density: devicePixelRatio }),
  webdriver: ({ webdriver }) => webdriver || undefined,
  userAgentData: ({ userAgentData }) => userAgentData,
};

let described = '';
/** The same as members of a JSON object. Asked when a page's first request goes out, as one that begins has better things to do. */
export function browser(): string {
  if (!described) {
    let all = '';
    for (const [name, ask] of Object.entries(KNOWN)) {
      const said = attempt(() => json({ [name]: ask(navigator) }).slice(1, -1));
      if (said && size(all + said) < BROWSER_BYTES_MAX) all += (all && ',') + said;
    }
    described = all;
  }
  return described;
}
