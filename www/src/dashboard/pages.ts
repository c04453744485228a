// The dashboard's pages, in the order of its menu. To add one: 1. a file in pages/ whose default
// export is the page, 2. a line here, 3. a scenario in tests/browser/dashboard/. Each page is
// loaded when it is first opened.

import type { ComponentType } from 'preact';

export interface PageEntry {
  page: string;
  name: string;
  /** Whether the first path segment below it is a page of its own, such as one person's page. */
  places?: boolean;
  load: () => Promise<{ default: ComponentType }>;
}

export const PAGES: PageEntry[] = [
  { page: 'live', name: 'Live', load: () => import('./pages/live') },
  { page: 'overview', name: 'Overview', load: () => import('./pages/overview') },
  { page: 'people', name: 'People', places: true, load: () => import('./pages/people') },
  { page: 'webhooks', name: 'Webhooks', places: true, load: () => import('./pages/webhooks') },
  { page: 'funnel', name: 'Funnel', load: () => import('./pages/funnel') },
  { page: 'exports', name: 'Exports', load: () => import('./pages/exports') },
  { page: 'settings', name: 'Settings', load: () => import('./pages/settings') },
];
