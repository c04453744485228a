// The install snippet for the chosen options. The options are part of the URL, so they can be
// shared.

import sdk from 'built:sdk';
import { Check, Select, Text } from '../../parts/forms';
import { Card, Code } from '../../parts/display';
import { setQuery, route } from '../../route';
import { SnippetCheck } from './snippet-check';
import type { Settings } from './save';
import { type Choice, DEFAULTS, policy, snippet } from './snippet';

const FORMS: [form: string, name: string][] = [
  ['module', 'module'],
  ['classic', 'classic script'],
  ['async', 'asynchronous, with a stub'],
];
const MEANS: Record<Choice['form'], string> = {
  module: 'The simplest form. Runs when the page is parsed.',
  classic: 'For pages without modules. TrackMate is a global variable.',
  async:
    'Does not block the page. A stub of half a kilobyte queues calls from the start; the script runs them when it is loaded.',
};

function read(query: URLSearchParams): Choice {
  const of = (name: keyof Choice) => {
    const text = query.get(name);
    const standard = DEFAULTS[name];
    if (text === null) return standard;
    if (typeof standard === 'boolean') return text === 'true';
    return typeof standard === 'number' ? Number(text) || standard : text;
  };
  const chosen = Object.fromEntries(
    Object.keys(DEFAULTS).map((name) => [name, of(name as keyof Choice)]),
  ) as unknown as Choice;
  const known = <T extends string>(value: T, all: string[], standard: T) => (all.includes(value) ? value : standard);
  return {
    ...chosen,
    form: known(
      chosen.form,
      FORMS.map(([form]) => form),
      DEFAULTS.form,
    ),
    consent: known(chosen.consent, ['granted', 'pending', 'denied'], DEFAULTS.consent),
    // The path is placed inside quotes of the snippet. A shared URL must not be able to inject
    // code.
    path: /^[\w/.~-]*$/.test(chosen.path) ? chosen.path : DEFAULTS.path,
  };
}

export function Install({ settings }: { settings: Settings }) {
  const choice = read(route.value.query);
  const set = (name: keyof Choice) => (value: string | boolean) =>
    setQuery({ [name]: String(value) === String(DEFAULTS[name]) ? undefined : String(value) });
  const origin = location.origin;
  return (
    <>
      <div class="grid">
        <Card title="Options">
          <form onSubmit={(submitted) => submitted.preventDefault()}>
            <Select label="Form" value={choice.form} set={set('form')} options={FORMS} hint={MEANS[choice.form]} />
            <Check
              label="Track page views automatically"
              value={choice.pageViews}
              set={set('pageViews')}
              hint="Tracks the first page view, and one for each new path of a single-page app. Otherwise the snippet tracks one when the page loads."
            />
            <Select
              label="Initial consent"
              value={choice.consent}
              set={set('consent')}
              options={[
                ['granted', 'granted'],
                ['pending', 'pending: nothing is stored or sent'],
                ['denied', 'denied'],
              ]}
              hint={
                choice.consent === 'granted'
                  ? undefined
                  : "Call TrackMate.consent('granted') when the visitor agrees, on every page."
              }
            />
            <Check label="Respect Global Privacy Control" value={choice.respectGpc} set={set('respectGpc')} />
            <Check label="Respect Do Not Track" value={choice.respectDnt} set={set('respectDnt')} />
            <Check
              label="A new session for each campaign"
              value={choice.sessionPerCampaign}
              set={set('sessionPerCampaign')}
            />
            <Check
              label="Keep the anonymous id in a cookie"
              value={choice.cookie}
              set={set('cookie')}
              hint="Only if the API is on the page's own origin."
            />
            <Check label="Log decisions to the console" value={choice.debug} set={set('debug')} />
            {choice.form !== 'module' && (
              <Check
                label="Pin the script (integrity)"
                value={choice.pinned}
                set={set('pinned')}
                hint="Only exactly this version runs. After an upgrade of TrackMate the page needs the new hash, or nothing is tracked."
              />
            )}
            <details>
              <summary>Sending</summary>
              <div class="columns">
                <Text
                  label="Events per request"
                  type="number"
                  min={1}
                  max={500}
                  value={String(choice.batchSize)}
                  set={set('batchSize')}
                />
                <Text
                  label="Longest wait (ms)"
                  type="number"
                  min={0}
                  value={String(choice.flushInterval)}
                  set={set('flushInterval')}
                />
                <Text
                  label="Path of the API"
                  value={choice.path}
                  set={set('path')}
                  pattern="[\w\/.~\-]*"
                  hint="A path of your own site that you route to TrackMate."
                />
              </div>
            </details>
          </form>
        </Card>
        <div>
          <Card title="Snippet">
            <p>Paste this into the head of each page.</p>
            <Code label="snippet" text={snippet(origin, settings.company_id, choice, sdk)} />
            <h3>Then</h3>
            <Code
              label="calls"
              text={`TrackMate.track('added_to_cart', { product: 'headphones', amount: 79.99 });\nTrackMate.identify({ email: 'ada@example.com', name: 'Ada Lovelace' });`}
            />
            <details>
              <summary>If the page has a Content-Security-Policy</summary>
              <p>
                The policy must allow these sources. Without <code>'wasm-unsafe-eval'</code> the SDK loads its fallback
                automatically.
              </p>
              <Code label="policy" text={policy(origin)} />
            </details>
          </Card>
          <SnippetCheck settings={settings} />
        </div>
      </div>
    </>
  );
}
