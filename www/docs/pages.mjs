// The documentation's pages, in the order of the menu. To add one: 1. a Markdown file, 2. a line
// here. tests/docs.test.mjs runs every code sample of the page.

/**
 * The sections of the menu. `name` is the path below /docs/ ('' is /docs/ itself), `file` the
 * page's Markdown, `about` one line for search engines and llms.txt. A page without a file is
 * generated.
 */
export const SECTIONS = [
  {
    title: 'Start',
    pages: [
      {
        name: '',
        title: 'Five-minute start',
        file: 'docs/start.md',
        about: 'From nothing to an event of a page, of a server, and a signed webhook.',
      },
      {
        name: 'identity',
        title: 'Who is who',
        file: 'docs/identity.md',
        about: 'How TrackMate decides which person an event belongs to, and how to undo a mistake.',
      },
    ],
  },
  {
    title: 'How-to guides',
    pages: [
      {
        name: 'guides',
        title: 'All guides',
        file: 'docs/guides/README.md',
        about: 'The list of guides, by what you want to do.',
      },
      {
        name: 'guides/react',
        title: 'React and Next.js',
        file: 'docs/guides/react.md',
        about: 'How to add TrackMate to a React or Next.js app.',
      },
      {
        name: 'guides/google-tag-manager',
        title: 'Google Tag Manager',
        file: 'docs/guides/google-tag-manager.md',
        about: 'How to add TrackMate to a site with Google Tag Manager.',
      },
      {
        name: 'guides/wordpress',
        title: 'WordPress',
        file: 'docs/guides/wordpress.md',
        about: 'How to add TrackMate to a WordPress site.',
      },
      {
        name: 'guides/consent',
        title: 'Ask for consent',
        file: 'docs/guides/consent.md',
        about: 'How to store and send nothing until a visitor agrees.',
      },
      {
        name: 'guides/segment',
        title: 'Move from Segment',
        file: 'docs/guides/segment.md',
        about: "How to move from Segment and keep Segment's clients.",
      },
      {
        name: 'guides/posthog',
        title: 'Move from PostHog',
        file: 'docs/guides/posthog.md',
        about: "How to move from PostHog and keep PostHog's clients.",
      },
      {
        name: 'guides/local-webhooks',
        title: 'Webhooks on your machine',
        file: 'docs/guides/local-webhooks.md',
        about: 'How to develop a receiver of webhooks without a public address.',
      },
      {
        name: 'guides/colleague',
        title: 'Give a colleague access',
        file: 'docs/guides/colleague.md',
        about: 'How to give somebody access to a company, see what they did, and take it away.',
      },
      {
        name: 'guides/rotate-keys',
        title: 'Rotate keys and secrets',
        file: 'docs/guides/rotate-keys.md',
        about: 'How to replace each key and secret without lost events.',
      },
      {
        name: 'guides/erase-a-person',
        title: 'Erase a person',
        file: 'docs/guides/erase-a-person.md',
        about: 'How to answer a request to delete personal data.',
      },
      {
        name: 'troubleshooting',
        title: 'Troubleshooting',
        file: 'docs/troubleshooting.md',
        about: 'Symptoms, such as an event that does not show, with the command that shows the cause.',
      },
    ],
  },
  {
    title: 'Reference',
    pages: [
      {
        name: 'sdk',
        title: 'Browser SDK',
        file: 'docs/sdk.md',
        about: 'Every call and option of the browser SDK, what it sends and stores, and what it promises.',
      },
      {
        name: 'webhooks',
        title: 'Webhooks',
        file: 'docs/webhooks.md',
        about: 'What a receiver gets, how to verify it, and how to keep a copy of people.',
      },
      {
        name: 'api',
        title: 'HTTP API',
        file: 'docs/api.md',
        about: 'The rules of the HTTP API: requests, answers, people, exports, deliveries.',
      },
      {
        name: 'http',
        title: 'Every route',
        about: 'Every route with its fields, examples and problems, from the OpenAPI document.',
      },
      {
        name: 'problems',
        title: 'Problems',
        file: 'docs/problems.md',
        about: 'Every problem code with its cause and what to do.',
      },
      { name: 'limits', title: 'Limits', about: 'Every limit with its value and its reason.' },
      {
        name: 'security',
        title: 'Security',
        file: 'SECURITY.md',
        about: 'What is defended and how, what is not, and how to report a vulnerability.',
      },
      {
        name: 'changelog',
        title: 'Changelog',
        file: 'CHANGELOG.md',
        about: 'What changed for users, newest first.',
      },
    ],
  },
  {
    title: 'Clients of others',
    pages: [
      {
        name: 'clients/others',
        title: 'Which clients are supported',
        file: 'docs/clients/others.md',
        about: 'Which clients of other vendors work with TrackMate, and which do not.',
      },
      {
        name: 'clients/segment',
        title: "Segment's clients",
        file: 'docs/clients/segment.md',
        about: "How to point Segment's and Customer.io's clients at TrackMate.",
      },
      {
        name: 'clients/rudderstack',
        title: "RudderStack's clients",
        file: 'docs/clients/rudderstack.md',
        about: "How to point RudderStack's clients at TrackMate.",
      },
      {
        name: 'clients/posthog',
        title: "PostHog's clients",
        file: 'docs/clients/posthog.md',
        about: "How to point PostHog's clients at TrackMate.",
      },
      {
        name: 'clients/jitsu',
        title: "Jitsu's clients",
        file: 'docs/clients/jitsu.md',
        about: "How to point Jitsu's clients at TrackMate.",
      },
      {
        name: 'mcp',
        title: 'AI clients (MCP)',
        file: 'docs/mcp.md',
        about: 'How to let an AI client read a company with `trackmate mcp`.',
      },
    ],
  },
  {
    title: 'Operation',
    pages: [
      {
        name: 'deploy',
        title: 'Deploy',
        file: 'docs/deploy.md',
        about: 'How to deploy to Cloudflare, the settings of a deployment, and what to do when it is full.',
      },
      {
        name: 'cells',
        title: 'Cells',
        file: 'docs/cells.md',
        about: 'How to run several databases, keep data in a jurisdiction, and move companies.',
      },
      {
        name: 'self-host',
        title: 'Self-host',
        file: 'docs/self-host.md',
        about: 'How to run TrackMate on a machine of your own, in a container or without.',
      },
      {
        name: 'backup',
        title: 'Back up and restore',
        file: 'docs/backup.md',
        about: 'How to take a backup of a running deployment, and restore it into an empty one.',
      },
      {
        name: 'monitor',
        title: 'Monitor',
        file: 'docs/monitor.md',
        about: 'Health checks, metrics, alerts and logs of a deployment.',
      },
      {
        name: 'cost',
        title: 'Cost',
        file: 'docs/cost.md',
        about: 'What each operation costs in D1 rows and round trips, and what a month costs.',
      },
      {
        name: 'scale',
        title: 'Scale',
        file: 'docs/scale.md',
        about: 'When one database is enough, how companies are spread over several, and where that ends.',
      },
    ],
  },
];

export const PAGES = SECTIONS.flatMap(({ pages }) => pages);

/** A page's path on the site. */
export const hrefOf = ({ name }) => (name ? `/docs/${name}/` : '/docs/');
