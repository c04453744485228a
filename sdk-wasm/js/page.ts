// What is known about the page, for the events that are tracked on it.

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

export const moved = (from: string) => (previous = from);

export const facts = (): Facts => ({ url: location.href, title: document.title, referrer: previous ?? document.referrer });

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

/** The context of events: the same text for all events of one page, so that they can share a request. */
export function contextOf({ url, title, referrer }: Facts, anonymousId: string): string {
  const { language, webdriver, userAgentData } = navigator as Navigator & { userAgentData?: object };
  const { width, height } = screen;
  return JSON.stringify({
    anonymousId,
    page: { url: cut(url), path: cut(pathOf(url)), title: cut(title), referrer: cut(referrer) },
    campaign: campaignOf(url),
    locale: language,
    timezone: zone(),
    screen: { width, height, density: devicePixelRatio },
    userAgentData,
    webdriver: webdriver || undefined,
    library: `js-${VERSION}`,
  });
}
