// What the page passed to `init`: the company, the address of the API, and the options.

import type { InitOptions } from './trackmate';

export let company = '';
/** The address of the API, with its path. */
export let endpoint = '';
export let settings: InitOptions = {};

export function configure(companyId: string, url: string, options?: InitOptions) {
  company = companyId;
  endpoint = url;
  settings = { ...options };
}
