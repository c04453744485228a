// Facts about the page for the events that are tracked on it, and the moments when a single-page
// site moves to another page. Pages replace objects of the browser, and browsers have bugs, so each
// fact is read by itself, and left out if that throws.

import { guard, listen } from './events';
import { json } from './json';
import { attempt } from './store';

declare const VERSION: string;

/** Longest text about the page in a request's context, in characters. */
const CHARS_MAX = 500;

/** Where an event was tracked. */
export interface PageFacts {
  url: string;
  title: string;
  referrer: string;
  /**
   * The URL at which the visitor entered this page. A router may have removed the campaign from it
   * since.
   */
  entryUrl?: string;
}

/** The page before this one. In a single-page site it differs from `document.referrer`. */
let previousUrl: string | undefined;
/** The URL at the last check. */
let lastUrl: string;
/** The URL at which the visitor entered this page. */
let entryUrl = '';
/** The facts of this page as they were first read. */
let cachedFacts: PageFacts | undefined;
/** The path of the last page view. */
let lastViewedPath: string | undefined;

const textOf = (read: () => unknown): string => {
  const value = attempt(read);
  return typeof value === 'string' ? value : '';
};
export const titleNow = () => textOf(() => document.title);
export const address = () => textOf(() => document.URL) || location.href;

export const pageFacts = (url = address()): PageFacts => ({
  url,
  title: titleNow(),
  referrer: previousUrl ?? textOf(() => document.referrer),
  entryUrl: pathOf(url) === pathOf(entryUrl) ? entryUrl : url,
});

export const currentPage = (): PageFacts =>
  cachedFacts?.url === address() ? cachedFacts : (cachedFacts = pageFacts());

/** Whether the last page view had this path too. This view is the last one from now on. */
export function isRepeatedView(url = address()): boolean {
  const path = pathOf(url);
  cachedFacts = undefined;
  return lastViewedPath === (lastViewedPath = path);
}

export const isViewed = () => lastViewedPath === pathOf(address());

/**
 * The page returned from the back/forward cache. Its referrer is unknown: it is not the first one
 * any more.
 */
export function pageReturned() {
  previousUrl = '';
  cachedFacts = undefined;
}

/**
 * Chromium sends no `pagehide` to a page that closes while it loads, unless it listens to
 * `beforeunload`. Firefox excludes pages with such a listener from its back/forward cache, so it is
 * removed after `load`.
 */
export function ensurePagehide(listener = () => {}) {
  if (document.readyState !== 'complete') {
    addEventListener('beforeunload', listener);
    addEventListener('load', () => removeEventListener('beforeunload', listener));
  }
}

const withoutHash = (url: string) => url.split('#')[0]!;

/**
 * Follows a single-page site that was entered at `url`: with the Navigation API, which sees every
 * router, or by wrapping `history`. Calls `moved` whenever the URL may have changed.
 */
export function watchHistory(url = address(), moved: () => void) {
  lastUrl = entryUrl = url;
  const onMove = guard((replaced?: boolean) => {
    const url = address();
    // A URL that replaces one of the same path, or one without a page view, is the same page as
    // before: its referrer and entry URL stay.
    const samePage = replaced && (pathOf(url) === pathOf(lastUrl) || lastViewedPath !== pathOf(lastUrl));
    if (withoutHash(url) !== withoutHash(lastUrl) && !samePage) {
      previousUrl = lastUrl;
      entryUrl = url;
      cachedFacts = undefined;
    }
    lastUrl = url;
    setTimeout(moved); // The site sets the title later.
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

/** Cuts a text, but not through a surrogate pair. */
export const truncate = (text: string, most = CHARS_MAX) =>
  text.length > most ? text.slice(0, most).replace(/[\ud800-\udbff]$/, '') : text;

/** The `utm_…` parameters of a URL, without the prefix. */
export function campaignOf(url: string): Record<string, string> | undefined {
  // Parsing a URL is expensive when a page starts, and few have a campaign.
  if (!url.includes('utm_')) return;
  const found: Record<string, string> = {};
  let any;
  for (const [name, value] of new URLSearchParams(withoutHash(url).split('?')[1])) {
    if (name.startsWith('utm_')) found[(any = truncate(name.slice(4), 16))] = truncate(value, 100);
  }
  return any === undefined ? undefined : found;
}

/** The part between host and query. */
export const pathOf = (url: string) => `/${withoutHash(url).split('?')[0]!.split('/').slice(3).join('/')}`;

/**
 * `Temporal` returns the time zone within 4 ms. `Intl` loads tables first, for tens of
 * milliseconds.
 */
const timeZone = () =>
  (globalThis as { Temporal?: { Now?: { timeZoneId?(): string } } }).Temporal?.Now?.timeZoneId?.() ??
  Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The context that events of one page share, so that they can share a request. */
export function contextOf({ url, title, referrer, entryUrl = url }: PageFacts, anonymousId: string): string {
  const page = {
    url: truncate(url),
    path: truncate(pathOf(url)),
    title: truncate(title),
    referrer: truncate(referrer),
  };
  return json({ anonymousId, page, campaign: attempt(() => campaignOf(entryUrl)) });
}

/** Bytes of a text without lone surrogates: JSON has none. A `TextEncoder` takes twice as long. */
export const byteLength = (text: string) => unescape(encodeURIComponent(text)).length;

/** Most bytes of a page view's data, within the 32,768 of an event. */
const VIEW_BYTES_MAX = 30_000;

export function pageViewData({ url, title, referrer }: PageFacts) {
  for (let most = 8_192; ; most /= 2) {
    const view = {
      address: truncate(url, most),
      title: truncate(title, most),
      referrer: truncate(referrer, most),
      path: truncate(pathOf(url), most),
    };
    if (most < CHARS_MAX || byteLength(json(view)) < VIEW_BYTES_MAX) return view;
  }
}

/** Most bytes of `browserContext`. */
export const BROWSER_BYTES_MAX = 600;

/** Facts about the browser. They are the same for every page that may send an event. */
const BROWSER_FACTS: Record<string, (browser: Navigator & { userAgentData?: object }) => unknown> = {
  library: () => `js-${VERSION}`,
  locale: ({ language }) => language,
  timezone: timeZone,
  screen: () => ({ width: screen.width, height: screen.height, density: devicePixelRatio }),
  webdriver: ({ webdriver }) => webdriver || undefined,
  userAgentData: ({ userAgentData }) => userAgentData,
};

let browserFacts = '';
/**
 * Facts about the browser as members of a JSON object. They are read when the page first sends, not
 * when it starts.
 */
export function browserContext(): string {
  if (!browserFacts) {
    let all = '';
    for (const [name, read] of Object.entries(BROWSER_FACTS)) {
      const member = attempt(() => json({ [name]: read(navigator) }).slice(1, -1));
      if (member && byteLength(all + member) < BROWSER_BYTES_MAX) all += (all && ',') + member;
    }
    browserFacts = all;
  }
  return browserFacts;
}
