// What is known about the page, for the events that are tracked on it, and when it becomes another one.

declare const VERSION: string;

/** Longest text of the page that goes along, in characters. */
const CHARS_MAX = 500;

/** Where an event was tracked. */
export interface Facts {
  url: string;
  title: string;
  referrer: string;
}

/** The page before this one; in a single-page site that is not what the document says. */
let previous: string | undefined;

export const facts = (): Facts => ({ url: document.URL, title: document.title, referrer: previous ?? document.referrer });

/**
 * Chromium does not tell a page that closes while it loads, unless it asks to be asked about it. Firefox keeps no page that asks in its
 * back/forward cache, so none goes on asking.
 */
export function askWhileLoading() {
  if (document.readyState === 'complete') return;
  const ask = () => {};
  addEventListener('beforeunload', ask);
  addEventListener('load', () => removeEventListener('beforeunload', ask));
}

/** `look` is called now, and whenever a single-page site has gone somewhere. */
export function watchHistory(look: () => void) {
  for (const name of ['pushState', 'replaceState'] as const) {
    const change = history[name];
    history[name] = function (this: History, ...args) {
      const from = location.href;
      change.apply(this, args);
      if (location.href !== from) previous = from;
      setTimeout(look); // The site has yet to set the title.
    };
  }
  addEventListener('popstate', () => setTimeout(look));
  look();
}

const cut = (text: string) => text.slice(0, CHARS_MAX);

/** `utm_…` of a query, without the prefix. */
export function campaignOf(url: string): Record<string, string> | undefined {
  // Taking an address apart is dear on a page that has just begun, and few have a campaign.
  if (!url.includes('utm_')) return;
  const found: Record<string, string> = {};
  let any;
  for (const [name, value] of new URL(url, 'http://x').searchParams) {
    if (name.startsWith('utm_')) found[(any = name.slice(4, 20))] = value.slice(0, 100);
  }
  return any === undefined ? undefined : found;
}

/** What stands between host and query; `/` where there is neither. */
export const pathOf = (url: string) => `/${url.split('#')[0]!.split('?')[0]!.split('/').slice(3).join('/')}`;

/** Temporal knows the zone soon (Chromium at once, Firefox in 4 ms); Intl loads its tables first, tens of milliseconds. */
const zone = () =>
  (globalThis as { Temporal?: { Now: { timeZoneId(): string } } }).Temporal?.Now.timeZoneId() ??
  Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What events of one page share, so that they can share a request. */
export function contextOf({ url, title, referrer }: Facts, anonymousId: string): string {
  const page = { url: cut(url), path: cut(pathOf(url)), title: cut(title), referrer: cut(referrer) };
  return JSON.stringify({ anonymousId, page, campaign: campaignOf(url) });
}

/** Bytes of a text without lone surrogates, which JSON has none of. A `TextEncoder` takes twice as long. */
export const size = (text: string) => unescape(encodeURIComponent(text)).length;

/** Most bytes of `browser`. */
export const BROWSER_BYTES_MAX = 600;

/**
 * The rest of a request's context, as members of a JSON object: the browser that sends it, which is the one that the events were tracked
 * in, whatever page sends them. Asked when a page's first request goes out, as one that begins has better things to do.
 */
export const browser = () => (described ??= describe());
let described: string | undefined;

function describe(): string {
  const { language, webdriver, userAgentData } = navigator as Navigator & { userAgentData?: object };
  const { width, height } = screen;
  const library = `js-${VERSION}`;
  const all = {
    locale: language,
    timezone: zone(),
    screen: { width, height, density: devicePixelRatio },
    userAgentData,
    webdriver: webdriver || undefined,
    library,
  };
  const text = JSON.stringify(all);
  return (size(text) > BROWSER_BYTES_MAX ? JSON.stringify({ library }) : text).slice(1, -1);
}
