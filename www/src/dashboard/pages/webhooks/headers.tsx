// A webhook's custom headers. A stored value is not shown: it can be kept, replaced or removed.

import { Button, Text } from '../../parts/forms';
import type { Header } from './draft';

const HEADERS_MAX = 20;

export function Headers({ headers, set }: { headers: Header[]; set: (headers: Header[]) => void }) {
  const replace = (at: number, change: Partial<Header>) =>
    set(headers.map((one, index) => (index === at ? { ...one, ...change } : one)));
  return (
    <fieldset>
      <legend>Headers</legend>
      <p class="hint">
        Sent with each delivery, for example <code>Authorization</code>. Values are stored encrypted and not shown
        again.
      </p>
      {headers.map(({ name, value, stored }, index) => (
        <div class="row" key={index}>
          {stored ? (
            <>
              <p class="stored">
                <code>{name}</code>:{' '}
                {stored === 'remove' ? (
                  <s>stored value</s>
                ) : stored === 'keep' ? (
                  <span class="quiet">stored value</span>
                ) : (
                  'a new value'
                )}
              </p>
              {stored === 'replace' && (
                <Text
                  label={`New value of ${name}`}
                  type="password"
                  autocomplete="off"
                  required
                  value={value}
                  set={(value) => replace(index, { value })}
                />
              )}
              {stored === 'keep' && (
                <Button
                  tone="small secondary"
                  label={`Replace ${name}`}
                  onClick={() => replace(index, { stored: 'replace', value: '' })}
                >
                  Replace
                </Button>
              )}
              {stored === 'keep' && (
                <Button
                  tone="small secondary"
                  label={`Remove ${name}`}
                  onClick={() => replace(index, { stored: 'remove' })}
                >
                  Remove
                </Button>
              )}
              {stored !== 'keep' && (
                <Button
                  tone="small secondary"
                  label={`Keep ${name}`}
                  onClick={() => replace(index, { stored: 'keep', value: '' })}
                >
                  Keep
                </Button>
              )}
            </>
          ) : (
            <>
              <Text
                label="Header"
                required
                spellcheck={false}
                value={name}
                set={(name) => replace(index, { name })}
                placeholder="Authorization"
              />
              <Text
                label="Value"
                type="password"
                autocomplete="off"
                value={value}
                set={(value) => replace(index, { value })}
              />
              <Button
                tone="small secondary"
                label={`Remove header ${name}`}
                onClick={() => set(headers.filter((_, at) => at !== index))}
              >
                Remove
              </Button>
            </>
          )}
        </div>
      ))}
      {headers.length < HEADERS_MAX && (
        <div>
          <Button tone="secondary" onClick={() => set([...headers, { name: '', value: '' }])}>
            Add a header
          </Button>
        </div>
      )}
    </fieldset>
  );
}
