// The documentation's pages, in the order of the menu. To add one: 1. a Markdown file, 2. a line
// here. tests/docs.test.mjs runs every code sample of the page.

/**
 * `name` is the path below /docs/ ('' is /docs/ itself), `file` the page's Markdown. A page without
 * a file is generated.
 */
export const PAGES = [
  { name: '', title: 'Five-minute start', file: 'docs/start.md' },
  { name: 'sdk', title: 'Browser SDK', file: 'docs/sdk.md' },
  { name: 'identity', title: 'Who is who', file: 'docs/identity.md' },
  { name: 'webhooks', title: 'Webhooks', file: 'docs/webhooks.md' },
  { name: 'api', title: 'HTTP API', file: 'docs/api.md' },
  { name: 'http', title: 'Every route' },
  { name: 'clients/others', title: 'Which clients are supported', file: 'docs/clients/others.md' },
  { name: 'clients/segment', title: "Segment's clients", file: 'docs/clients/segment.md' },
  { name: 'clients/rudderstack', title: "RudderStack's clients", file: 'docs/clients/rudderstack.md' },
  { name: 'clients/posthog', title: "PostHog's clients", file: 'docs/clients/posthog.md' },
  { name: 'clients/jitsu', title: "Jitsu's clients", file: 'docs/clients/jitsu.md' },
  { name: 'problems', title: 'Problems', file: 'docs/problems.md' },
  { name: 'limits', title: 'Limits' },
  { name: 'security', title: 'Security', file: 'SECURITY.md' },
  { name: 'deploy', title: 'Deploy', file: 'docs/deploy.md' },
  { name: 'monitor', title: 'Monitor', file: 'docs/monitor.md' },
  { name: 'cost', title: 'Cost', file: 'docs/cost.md' },
];
