// The log of a company's exports: who exported what and when, its size, its hash, and how it ended.

import { useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { useLoad, usePages } from '../../load';
import { Dialog } from '../../parts/dialog';
import { Badge, Empty, Problem, type Tone, Waiting } from '../../parts/feedback';
import { Card, Copy, Facts, Json, More, number, size, Table, Time } from '../../parts/display';

type Export = Schema<'Export'>;

const TONES: Record<Export['state'], Tone> = { complete: 'good', partial: 'warn', running: 'accent', aborted: 'bad' };
const NAMES: Record<Export['kind'], string> = { users: 'People', events: 'Events', user: 'One person' };
const what = ({ kind, format }: Export) => `${NAMES[kind]}, ${format.toUpperCase()}`;
const filters = ({ filters }: Export) =>
  Object.entries(filters)
    .map(([name, value]) => `${name}: ${[value].flat().join(', ')}`)
    .join(' · ');

function ExportDialog({ of, who, close }: { of: Export; who: string | undefined; close: () => void }) {
  const { id, key, fields, snapshot, startedAt, endedAt, rows, bytes, changedDuring, sha256, next, state } = of;
  return (
    <Dialog title={what(of)} close={close} wide>
      <Facts
        of={[
          ['State', <Badge tone={TONES[state]}>{state}</Badge>],
          ['Rows', number(rows)],
          ['Size', size(bytes)],
          [
            'Key',
            <>
              {who} <code>{key.prefix}…</code>
            </>,
          ],
          ['Began', <Time at={startedAt} />],
          ['Ended', <Time at={endedAt} />],
          ['As of', <Time at={snapshot} />],
          ['People changed meanwhile', changedDuring === null ? '–' : number(changedDuring)],
        ]}
      />
      <p>SHA-256: {sha256 ? <Copy text={sha256} label="SHA-256" /> : 'none, since the export did not finish.'}</p>
      <p class="quiet">
        To check a file: <code>sha256sum file</code> (Windows: <code>certutil -hashfile file SHA256</code>).
      </p>
      <h3>Filters</h3>
      {Object.keys(of.filters).length > 0 ? <Json value={of.filters} /> : <p>None.</p>}
      <h3>Columns</h3>
      <p>{fields ? <code>{fields.join(', ')}</code> : 'All.'}</p>
      {next && (
        <p>
          The next part begins after <code>{next}</code>.
        </p>
      )}
      <p class="quiet">
        Id <Copy text={id} label="id" />
      </p>
    </Dialog>
  );
}

/** A new `version` reloads the list. */
export function Exports({ version }: { version: number }) {
  const [opened, setOpened] = useState<Export>();
  const pages = usePages(
    (admin, cursor): Promise<Schema<'ExportList'>> =>
      answer(admin.GET('/api/admin/exports', { params: { query: { cursor } } })),
    ({ exports }) => exports,
    [version],
  );
  // The list shows the names of keys. Until they are loaded, or without a name, it shows the
  // prefix.
  const keys = useLoad((admin) => answer(admin.GET('/api/admin/keys')), []);
  const who = ({ key }: Export) => keys.data?.keys.find(({ id }) => id === key.id)?.name ?? undefined;
  return (
    <Card
      title="Past exports"
      actions={
        <button type="button" class="small secondary" onClick={pages.reload}>
          Refresh
        </button>
      }
    >
      <Problem error={pages.error} retry={pages.reload} />
      {!pages.first && !pages.error && <Waiting />}
      {pages.first && pages.items.length === 0 && (
        <Empty title="None yet">
          <p>Every export is listed here, whether it was made from this page, a script, or the command line.</p>
        </Empty>
      )}
      {pages.items.length > 0 && (
        <div class={pages.busy ? 'stale' : ''} aria-busy={pages.busy}>
          <Table
            caption="Past exports"
            items={pages.items}
            keyOf={({ id }) => id}
            columns={[
              { name: 'When', show: ({ startedAt }) => <Time at={startedAt} /> },
              {
                name: 'What',
                show: (one) => (
                  <button type="button" class="link line" onClick={() => setOpened(one)}>
                    {what(one)}
                  </button>
                ),
              },
              { name: 'State', show: ({ state }) => <Badge tone={TONES[state]}>{state}</Badge> },
              { name: 'Rows', number: true, show: ({ rows }) => number(rows) },
              { name: 'Size', number: true, show: ({ bytes }) => size(bytes) },
              { name: 'Filters', show: (one) => filters(one) || <span class="quiet">none</span> },
              { name: 'Key', show: (one) => who(one) ?? <code class="line">{one.key.prefix}…</code> },
              {
                name: 'SHA-256',
                show: ({ sha256 }) =>
                  sha256 && (
                    <code class="line" title={sha256}>
                      {sha256.slice(0, 12)}…
                    </code>
                  ),
              },
            ]}
          />
          <More pages={pages} />
        </div>
      )}
      {opened && <ExportDialog of={opened} who={who(opened)} close={() => setOpened(undefined)} />}
    </Card>
  );
}
