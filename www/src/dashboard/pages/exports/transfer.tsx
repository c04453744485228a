// The button that downloads, its progress, and what was saved in the end.

import { useEffect, useRef, useState } from 'preact/hooks';
import { signOutIfRevoked, signedIn } from '../../session';
import { Button } from '../../parts/forms';
import { Problem, Progress } from '../../parts/feedback';
import { Copy, number, plural, size } from '../../parts/display';
import { blobSink, type Transferred, download, fileSink, type Sink, type SavedExport } from './download';

export type Format = 'csv' | 'ndjson' | 'json';
const TYPES = { csv: 'text/csv', ndjson: 'application/x-ndjson', json: 'application/json' };
export const NO_QUERY = new URLSearchParams();

interface TransferRequest {
  path: string;
  query: URLSearchParams;
  format: Format;
}

/** Chromium's, where the page is served securely. */
const picker = () => (globalThis as { showSaveFilePicker?: (options: object) => Promise<FileSystemFileHandle> }).showSaveFilePicker;

function Outcome({ saved }: { saved: SavedExport }) {
  const rows = saved.parts.reduce((sum, part) => sum + part.rows, 0);
  const changed = Math.max(...saved.parts.map((part) => part.changedDuring ?? 0));
  const [first, ...more] = saved.parts;
  return (
    <div class="notice" role="status" data-saved={first?.id}>
      <p><strong>{saved.name}</strong>: {plural(rows, 'row')}, {size(saved.bytes)}{more.length > 0 && `, in ${saved.parts.length} parts`}. Every byte is what was sent: the SHA-256 {more.length ? 'of each part agrees with its record' : 'agrees with the record'}.</p>
      {!more.length && first?.sha256 && <p><Copy text={first.sha256} label="SHA-256" /></p>}
      {changed > 0 && <p>{plural(changed, 'person', 'people')} changed while it was made, so it is not the state of one instant. Take it again if that matters.</p>}
    </div>
  );
}

/** `rows` are those to be expected, where they were counted; `done` is told that the list of exports has a new one. */
export function Transfer({ request, rows, done, disabled }: { request: TransferRequest; rows: number | undefined; done?: () => void; disabled?: boolean }) {
  const [transferred, setTransferred] = useState<Transferred>();
  const [saved, setSaved] = useState<SavedExport>();
  const [error, setError] = useState<unknown>();
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  // Who leaves while it comes is asked first.
  useEffect(() => {
    if (!transferred) return;
    const ask = (leaving: BeforeUnloadEvent) => leaving.preventDefault();
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
  }, [!transferred]);

  const run = async (open: () => Promise<Sink>) => {
    const session = signedIn.value;
    if (!session || running.current) return;
    const stopped = (running.current = new AbortController());
    setSaved(undefined);
    setError(undefined);
    try {
      const sink = await open();
      setTransferred({ rows: 0, bytes: 0 });
      const { path, query, format } = request;
      setSaved(await download({ key: session.key, path, query, inParts: format !== 'json' }, sink, setTransferred, stopped.signal));
    } catch (error) {
      // Who stopped it, or closed the browser's own dialog, knows.
      if (!(error instanceof DOMException && error.name === 'AbortError')) setError(signOutIfRevoked(error));
    }
    setTransferred(undefined);
    running.current = undefined;
    done?.();
  };
  const type = TYPES[request.format];
  const pick = () => picker()?.({ suggestedName: `export.${request.format}`, types: [{ accept: { [type]: [`.${request.format}`] } }] }) ?? Promise.reject(new Error('This browser does not let pages write into files.'));

  return (
    <>
      {transferred ? (
        <div class="actions">
          <Progress label={`${number(rows === undefined ? transferred.rows : Math.min(transferred.rows, rows))}${rows === undefined ? '' : ` of ${number(rows)}`} rows, ${size(transferred.bytes)}`} value={transferred.rows} max={rows} />
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
      {saved && <Outcome saved={saved} />}
    </>
  );
}
