// Receiver code for a webhook: the examples that the tests run, with a variable named after this
// webhook.

import node from 'example:receivers/node/receiver.mjs';
import php from 'example:receivers/php/receiver.php';
import python from 'example:receivers/python/receiver.py';
import { useState } from 'preact/hooks';
import type { Schema } from '../../../api';
import { Select } from '../../parts/forms';
import { Code } from '../../parts/display';

const LANGUAGES = {
  node: { name: 'Node (20 or newer)', text: node, file: 'receiver.mjs', run: (file: string) => `node ${file}` },
  python: {
    name: 'Python (3.9 or newer)',
    text: python,
    file: 'receiver.py',
    run: (file: string) => `python3 ${file}`,
  },
  php: {
    name: 'PHP (8 or newer)',
    text: php,
    file: 'receiver.php',
    run: (file: string) => `php -S "127.0.0.1:$PORT" ${file}`,
  },
};
type Language = keyof typeof LANGUAGES;

/**
 * The environment variable for a webhook's secret: `CRM in Oslo` → `CRM_IN_OSLO_WEBHOOK_SECRET`.
 */
export function variable(name: string): string {
  const word = name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');
  return /^[A-Z]/.test(word) ? `${word.slice(0, 40)}_WEBHOOK_SECRET` : 'WEBHOOK_SECRET';
}

export function Receiver({ webhook }: { webhook: Schema<'Webhook'> }) {
  const [language, setLanguage] = useState<Language>('node');
  const { name, text, file, run } = LANGUAGES[language];
  const secret = variable(webhook.name);
  const shown = text.replaceAll('WEBHOOK_SECRET', secret);
  const url = URL.canParse(webhook.url) ? new URL(webhook.url) : undefined;
  return (
    <>
      <p>
        A receiver in one file, without dependencies. It verifies both signatures over the raw body and accepts any
        path. This webhook sends to <code>{url ? url.pathname : '/'}</code> of <code>{url?.host}</code>.
      </p>
      <Select
        label="Language"
        value={language}
        set={(value) => setLanguage(value as Language)}
        options={Object.entries(LANGUAGES).map(([id, { name }]) => [id, name])}
      />
      <h3>Run it</h3>
      <Code label="command" text={`export PORT=3000 ${secret}='${webhook.secret ?? 'whsec_…'}'\n${run(file)}`} />
      <h3>{file}</h3>
      <Code label={`code in ${name}`} text={shown} />
    </>
  );
}
