// The button that downloads, its progress, and what was saved in the end.

import { useEffect, useRef, useState } from 'preact/hooks';
import { noteRefusal, signedIn } from '../../session';
import { Button } from '../../parts/forms';
import { Problem, Progress } from '../../parts/feedback';
import { Copy, number, plural, size } from '../../parts/display';
import { blobSink, type Come, download, fileSink, type Sink, type Taken } from './download';

export type Format = 'csv' | 'ndjson' | 'json';
const TYPES = { csv: 'text/csv', ndjson: 'application/x-ndjson', json: 'application/json' };
export const plain = new URLSearchParams();

interface Wanted {
  path: string;
  query: URLSearchParams;
  format: Format;
}

/** Chromium's, where the page is served securely. */
const picker = () => (globalThis as { showSaveFilePicker?: (options: object) => Promise<FileSystemFileHandle> }).showSaveFilePicker;

function Outcome({ taken }: { taken: Taken }) {
  const rows = taken.parts.reduce((sum, part) => sum + part.rows, 0);
  const changed = Math.max(...taken.parts.map((part) => part.changedDuring ?? 0));
  const [first, ...more] = taken.parts;
  return (
    <div class="notice" role="status" data-taken={first?.id}>
      <p><strong>{taken.name}</strong>: {plural(rows, 'row')}, {size(taken.bytes)}{more.length > 0 && `, in ${taken.parts.length} parts`}. Every byte is what was sent: the SHA-256 {more.length ? 'of each part agrees with its record' : 'agrees with the record'}.</p>
      {!more.length && first?.sha256 && <p><Copy text={first.sha256} label="SHA-256" /></p>}
      {changed > 0 && <p>{plural(changed, 'person', 'people')} changed while it was made, so it is not the state of one instant. Take it again if that matters.</p>}
    </div>
  );
}

/** `rows` are those to be expected, where they were counted; `done` is told that the list of exports has a new one. */
export function Transfer({ wanted, rows, done, disabled }: { wanted: Wanted; rows: number | undefined; done?: () => void; disabled?: boolean }) {
  const [come, setCome] = useState<Come>();
  const [taken, setTaken] = useState<Taken>();
  const [error, setError] = useState<unknown>();
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  // Who leaves while it comes is asked first.
  useEffect(() => {
    if (!come) return;
    const ask = (leaving: BeforeUnloadEvent) => leaving.preventDefault();
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
  }, [!come]);

  const run = async (open: () => Promise<Sink>) => {
    const session = signedIn.value;
    if (!session || running.current) return;
    const stopped = (running.current = new AbortController());
    setTaken(undefined);
    setError(undefined);
    try {
      const sink = await open();
      setCome({ rows: 0, bytes: 0 });
      const { path, query, format } = wanted;
      setTaken(await download({ key: session.key, path, query, inParts: format !== 'json' }, sink, setCome, stopped.signal));
    } catch (error) {
      // Who stopped it, or closed the browser's own dialog, knows.
      if (!(error instanceof DOMException && error.name === 'AbortError')) setError(noteRefusal(error));
    }
    setCome(undefined);
    running.current = undefined;
    done?.();
  };
  const type = TYPES[wanted.format];
  const pick = () => picker()?.({ suggestedName: `export.${wanted.format}`, types: [{ accept: { [type]: [`.${wanted.format}`] } }] }) ?? Promise.reject(new Error('This browser does not let pages write into files.'));

  return (
    <>
      {come ? (
        <div class="actions">
          <Progress label={`${number(rows === undefined ? come.rows : Math.min(come.rows, rows))}${rows === undefined ? '' : ` of ${number(rows)}`} rows, ${size(come.bytes)}`} value={come.rows} max={rows} />
          <Button tone="secondary" onClick={() => running.current?.abort()}>Stop</Button>
          <span class="hint">Stay on this page until it is done.</span>
        </div>
      ) : (
        <div class="actions">
          <Button disabled={disabled} onClick={() => run(async () => blobSink(type))}>Download</Button>
          {picker() && <Button tone="secondary" disabled={disabled} onClick={() => run(async () => fileSink(await pick()))}>Save into a file…</Button>}
        </div>
      )}
      {picker() && <p class="hint">“Download” gathers the file in the browser before it is saved; “Save into a file…” writes it as it comes, which suits very large ones.</p>}
      <Problem error={error} />
      {taken && <Outcome taken={taken} />}
    </>
  );
}
