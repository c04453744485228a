// The download button, its progress, and the summary of the saved file.

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

/** The browser's file picker. Only Chromium has one, and only on secure pages. */
const picker = () =>
  (globalThis as { showSaveFilePicker?: (options: object) => Promise<FileSystemFileHandle> }).showSaveFilePicker;

function Outcome({ saved }: { saved: SavedExport }) {
  const rows = saved.parts.reduce((sum, part) => sum + part.rows, 0);
  const changed = Math.max(...saved.parts.map((part) => part.changedDuring ?? 0));
  const [first, ...more] = saved.parts;
  return (
    <div class="notice" role="status" data-saved={first?.id}>
      <p>
        <strong>{saved.name}</strong>: {plural(rows, 'row')}, {size(saved.bytes)}
        {more.length > 0 && `, in ${saved.parts.length} parts`}. The file is complete: the SHA-256{' '}
        {more.length ? 'of each part matches its record' : 'matches the record'}.
      </p>
      {!more.length && first?.sha256 && (
        <p>
          <Copy text={first.sha256} label="SHA-256" />
        </p>
      )}
      {changed > 0 && (
        <p>
          {plural(changed, 'person', 'people')} changed during the export, so the file is not a snapshot of one instant.
          Export again if that matters.
        </p>
      )}
    </div>
  );
}

/**
 * `rows` is the expected number, if it was counted. `done` is called after each attempt, since the
 * list of exports has a new entry then.
 */
export function Transfer({
  request,
  rows,
  done,
  disabled,
}: {
  request: TransferRequest;
  rows: number | undefined;
  done?: () => void;
  disabled?: boolean;
}) {
  const [transferred, setTransferred] = useState<Transferred>();
  const [saved, setSaved] = useState<SavedExport>();
  const [error, setError] = useState<unknown>();
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  // Ask before the viewer leaves the page during a download.
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
      setSaved(
        await download(
          { key: session.key, path, query, inParts: format !== 'json' },
          sink,
          setTransferred,
          stopped.signal,
        ),
      );
    } catch (error) {
      // The viewer stopped it or closed the file picker: that is no error.
      if (!(error instanceof DOMException && error.name === 'AbortError')) setError(signOutIfRevoked(error));
    }
    setTransferred(undefined);
    running.current = undefined;
    done?.();
  };
  const type = TYPES[request.format];
  const pick = () =>
    picker()?.({
      suggestedName: `export.${request.format}`,
      types: [{ accept: { [type]: [`.${request.format}`] } }],
    }) ?? Promise.reject(new Error('This browser does not let pages write files.'));

  return (
    <>
      {transferred ? (
        <div class="actions">
          <Progress
            label={`${number(rows === undefined ? transferred.rows : Math.min(transferred.rows, rows))}${rows === undefined ? '' : ` of ${number(rows)}`} rows, ${size(transferred.bytes)}`}
            value={transferred.rows}
            max={rows}
          />
          <Button tone="secondary" onClick={() => running.current?.abort()}>
            Stop
          </Button>
          <span class="hint">Stay on this page until the download is finished.</span>
        </div>
      ) : (
        <div class="actions">
          <Button disabled={disabled} onClick={() => run(async () => blobSink(type))}>
            Download
          </Button>
          {picker() && (
            <Button tone="secondary" disabled={disabled} onClick={() => run(async () => fileSink(await pick()))}>
              Save to a file…
            </Button>
          )}
        </div>
      )}
      {picker() && (
        <p class="hint">
          “Download” collects the file in the browser before saving it. “Save to a file…” writes it as it arrives, which
          is better for very large files.
        </p>
      )}
      <Problem error={error} />
      {saved && <Outcome saved={saved} />}
    </>
  );
}
