// The snippet that installs the SDK, for the chosen options. Options with their default value are
// left out. Pure.

export type Form = 'module' | 'classic' | 'async';

export interface Choice {
  form: Form;
  pageViews: boolean;
  consent: 'granted' | 'pending' | 'denied';
  respectGpc: boolean;
  respectDnt: boolean;
  sessionPerCampaign: boolean;
  cookie: boolean;
  debug: boolean;
  batchSize: number;
  flushInterval: number;
  path: string;
  /** Adds the integrity hash, so that only this version of the classic script runs. */
  pinned: boolean;
}

export const DEFAULTS: Choice = {
  form: 'module',
  pageViews: false,
  consent: 'granted',
  respectGpc: true,
  respectDnt: false,
  sessionPerCampaign: false,
  cookie: false,
  debug: false,
  batchSize: 20,
  flushInterval: 5_000,
  path: '/api',
  pinned: false,
};

const OPTIONS = [
  'pageViews',
  'consent',
  'respectGpc',
  'respectDnt',
  'sessionPerCampaign',
  'cookie',
  'debug',
  'batchSize',
  'flushInterval',
  'path',
] as const;

function calls(origin: string, company: string, choice: Choice): string[] {
  const options = OPTIONS.filter((name) => choice[name] !== DEFAULTS[name]).map(
    (name) => `${name}: ${typeof choice[name] === 'string' ? `'${choice[name]}'` : choice[name]}`,
  );
  return [
    `TrackMate.init('${company}', '${origin}'${options.length ? `, { ${options.join(', ')} }` : ''});`,
    // With pageViews the SDK tracks the first page view itself.
    ...(choice.pageViews ? [] : ['TrackMate.trackPageView();']),
  ];
}

export function snippet(
  origin: string,
  company: string,
  choice: Choice,
  sdk: { stub: string; integrity: string },
): string {
  const lines = calls(origin, company, choice).map((line) => `  ${line}`);
  const integrity = choice.pinned ? ` integrity="${sdk.integrity}" crossorigin="anonymous"` : '';
  const classic = `${origin}/sdk/trackmate.classic.js`;
  switch (choice.form) {
    case 'module':
      return [
        '<script type="module">',
        `  import TrackMate from '${origin}/sdk/trackmate.js';`,
        ...lines,
        '</script>',
      ].join('\n');
    case 'classic':
      return [`<script src="${classic}"${integrity}></script>`, '<script>', ...lines, '</script>'].join('\n');
    case 'async':
      return [
        `<script>${sdk.stub}`,
        ...lines,
        '</script>',
        `<script async src="${classic}"${integrity}></script>`,
      ].join('\n');
  }
}

/** What a page's Content-Security-Policy must allow. */
export const policy = (origin: string) => `script-src ${origin} 'wasm-unsafe-eval'; connect-src ${origin}`;
