// What `init` was told: whose events these are, where they go, and its options.

import type { InitOptions } from './trackmate';

export let company = '';
export let endpoint = '';
export let settings: InitOptions = {};

export function configure(companyId: string, url: string, options?: InitOptions) {
  company = companyId;
  endpoint = url;
  settings = { ...options };
}
