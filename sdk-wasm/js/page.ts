// What is known about the page, for the events that are tracked on it, and when it becomes another one. Pages put things of their own where
// the browser's are, and browsers have bugs: what cannot be asked is left out.

import { json } from './json';
import { attempt } from './store';
import { guard, listen } from './events';

declare const VERSION: string;

/** Longest text of the page that goes along, in characters. */
const CHARS_MAX = 500;

/** Where an event was tracked. */
export interface PageFacts {
  url: string;
  title: string;
  referrer: string;
  /** The address by which the visitor came to this page: a router may since have taken the campaign out of it. */
  entryUrl?: string;
}

/** The page before this one; in a single-page site that is not what the document says. */
let previousUrl: string | undefined;
/** The address at the last look, and the one that was come by. */
let lastUrl: string;
let entryUrl = '';
/** The page as it was when it had come there. */
let cachedFacts: PageFacts | undefined;
/** The path that was viewed last. */
let lastViewedPath: string | undefined;

const textOf = (ask: () => unknown): string => {
  const told = attempt(ask);
  return typeof told === 'string' ? told : '';
};
export const titleNow = () => textOf(() => document.title);
export const address = () => textOf(() => document.URL) || location.href;

export const pageFacts = (url = address()): PageFacts => ({
  url,
  title: titleNow(),
  referrer: previousUrl ?? textOf(() => document.referrer),
  entryUrl: pathOf(url) === pathOf(entryUrl) ? entryUrl : url,
});

export const currentPage = (): PageFacts => (cachedFacts?.url === address() ? cachedFacts : (cachedFacts = pageFacts()));

/** Whether a view of this path is the one that was made last; from now on it is. */
export function isRepeatedView(url = address()): boolean {
  const path = pathOf(url);
  cachedFacts = undefined;
  return lastViewedPath === (lastViewedPath = path);
}

export const isViewed = () => lastViewedPath === pathOf(address());

/** The page came back, and nobody knows from where; only that it is not from where it came at first. */
export function pageReturned() {
  previousUrl = '';
  cachedFacts = undefined;
}

/**
 * Chromium does not tell a page that closes while it loads, unless it asks to be asked about it. Firefox keeps no page that asks in its
 * back/forward cache, so none goes on asking.
 */
export function ensurePagehide(ask = () => {}) {
  if (document.readyState !== 'complete') {
    addEventListener('beforeunload', ask);
    addEventListener('load', () => removeEventListener('beforeunload', ask));
  }
}

const withoutHash = (url: string) => url.split('#')[0]!;

/**
 * Follows a single-page site, which began at `url`: by the Navigation API, which sees every router, or around `history`. `moved` is called
 * whenever the site may have gone somewhere.
 */
export function watchHistory(url = address(), moved: () => void) {
  lastUrl = entryUrl = url;
  const onMove = guard((replaced?: boolean) => {
    const url = address();
    // What takes the place of the same page, or of one that nobody viewed, was come to from where that was.
    if (withoutHash(url) !== withoutHash(lastUrl) && !(replaced && (pathOf(url) === pathOf(lastUrl) || lastViewedPath !== pathOf(lastUrl)))) {
      previousUrl = lastUrl;
      entryUrl = url;
      cachedFacts = undefined;
    }
    lastUrl = url;
    setTimeout(moved); // The site has yet to set the title.
  });
  const { navigation } = window as unknown as { navigation?: { currentEntry?: unknown } };
  if (navigation?.currentEntry) {
    listen(navigation, 'currententrychange', ({ navigationType }) => onMove(navigationType === 'replace'));
  } else {
    for (const name of ['pushState', 'replaceState'] as const) {
      const change = history[name];
      history[name] = function (this: History, ...args) {
        change.apply(this, args);
        onMove(name > 'q');
      };
    }
    listen(window, 'popstate', () => onMove());
  }
  onMove(true);
}

/** Not through a character of two halves. */
export const truncate = (text: string, most = CHARS_MAX) => (text.length > most ? text.slice(0, most).replace(/[\ud800-\udbff]$/, '') : text);

/** `utm_…` of a query, without the prefix. */
export function campaignOf(url: string): Record<string, string> | undefined {
  // Taking an address apart is dear on a page that has just begun, and few have a campaign.
  if (!url.includes('utm_')) return;
  const found: Record<string, string> = {};
  let any;
  for (const [name, value] of new URLSearchParams(withoutHash(url).split('?')[1])) {
    if (name.startsWith('utm_')) found[(any = truncate(name.slice(4), 16))] = truncate(value, 100);
  }
  return any === undefined ? undefined : found;
}

/** What stands between host and query; `/` where there is neither. */
export const pathOf = (url: string) => `/${withoutHash(url).split('?')[0]!.split('/').slice(3).join('/')}`;

/** Temporal knows the zone soon (Chromium at once, Firefox in 4 ms); Intl loads its tables first, tens of milliseconds. */
const timeZone = () =>
  (globalThis as { Temporal?: { Now?: { timeZoneId?(): string } } }).Temporal?.Now?.timeZoneId?.() ??
  Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What events of one page share, so that they can share a request. */
export function contextOf({ url, title, referrer, entryUrl = url }: PageFacts, anonymousId: string): string {
  const page = { url: truncate(url), path: truncate(pathOf(url)), title: truncate(title), referrer: truncate(referrer) };
  return json({ anonymousId, page, campaign: attempt(() => campaignOf(entryUrl)) });
}

/** Bytes of a text without lone surrogates, which JSON has none of. A `TextEncoder` takes twice as long. */
export const byteLength = (text: string) => unescape(encodeURIComponent(text)).length;

/** Most bytes of what a page view says of its page, within an event's 32,768. */
const VIEW_BYTES_MAX = 30_000;

export function pageViewData({ url, title, referrer }: PageFacts) {
  for (let most = 8_192; ; most /= 2) {
    const view = { address: truncate(url, most), title: truncate(title, most), referrer: truncate(referrer, most), path: truncate(pathOf(url), most) };
    if (most < CHARS_MAX || byteLength(json(view)) < VIEW_BYTES_MAX) return view;
  }
}

/** Most bytes of `browser`. */
export const BROWSER_BYTES_MAX = 600;

/** Of a request's context: the browser that sends it, which is the one that the events were tracked in, whatever page sends them. */
const BROWSER_FACTS: Record<string, (browser: Navigator & { userAgentData?: object }) => unknown> = {
  library: () => `js-${VERSION}`,
  locale: ({ language }) => language,
  timezone: timeZone,
  screen: () => ({ width: screen.width, height: screen.height, density: devicePixelRatio }),
  webdriver: ({ webdriver }) => webdriver || undefined,
  userAgentData: ({ userAgentData }) => userAgentData,
};

let browserFacts = '';
/** The same as members of a JSON object. Asked when a page's first request goes out, as one that begins has better things to do. */
export function browserContext(): string {
  if (!browserFacts) {
    let all = '';
    for (const [name, ask] of Object.entries(BROWSER_FACTS)) {
      const said = attempt(() => json({ [name]: ask(navigator) }).slice(1, -1));
      if (said && byteLength(all + said) < BROWSER_BYTES_MAX) all += (all && ',') + said;
    }
    browserFacts = all;
  }
  return browserFacts;
}
