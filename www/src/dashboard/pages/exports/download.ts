// Downloads an export into a file. A long export takes several requests, one per part. The hash of
// each part is compared with the export's record.

import { Hash } from 'fast-sha256';
import { adminClient, answer, type Schema, stream } from '../../../api';

type Export = Schema<'Export'>;

/** What was received so far. */
export interface Transferred {
  /** An estimate: a cell with a line break counts as more rows. */
  rows: number;
  bytes: number;
}

export interface SavedExport {
  name: string;
  bytes: number;
  /** The records of the parts. There is one, unless the export was too long for one request. */
  parts: Export[];
}

/** Where the bytes go. */
export interface Sink {
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Saves the file. */
  close(name: string): Promise<void>;
  /** Discards the file. */
  abort(): Promise<void>;
}

const FOLD_BYTES = 8 * 1024 * 1024;
const URL_LIFETIME_MS = 60_000;
const LINE_END = 10;
const RECORD_TRIES = 40;
const RECORD_PAUSE_MS = 250;

/**
 * Collects the file in a Blob and lets the browser save it. Pieces join the Blob every few
 * megabytes, since the browser may keep a Blob on disk.
 */
export function blobSink(type: string): Sink {
  let whole = new Blob([], { type });
  let pieces: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  const fold = () => {
    whole = new Blob([whole, ...pieces], { type });
    pieces = [];
    bytes = 0;
  };
  return {
    async write(piece) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes > FOLD_BYTES) fold();
    },
    async close(name) {
      fold();
      const link = document.createElement('a');
      link.href = URL.createObjectURL(whole);
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), URL_LIFETIME_MS);
    },
    async abort() {
      pieces = [];
    },
  };
}

/** Writes directly into a file that the viewer chose. */
export async function fileSink(file: FileSystemFileHandle): Promise<Sink> {
  const writable = await file.createWritable();
  return { write: (bytes) => writable.write(bytes), close: () => writable.close(), abort: () => writable.abort() };
}

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** The record of a finished export. TrackMate completes it a moment after the last byte. */
async function recordOf(key: string, id: string): Promise<Export> {
  for (let tries = 1; ; tries += 1) {
    const { export: record } = await answer(
      adminClient(key).GET('/api/admin/exports/{id}', { params: { path: { id } } }),
    );
    if (record.state !== 'running' || tries === RECORD_TRIES) return record;
    await new Promise((next) => setTimeout(next, RECORD_PAUSE_MS));
  }
}

export interface ExportRequest {
  key: string;
  /** Relative to `/api/admin/`. */
  path: string;
  query: URLSearchParams;
  /** Whether the parts can be concatenated: true for lines, false for one JSON document. */
  inParts: boolean;
}

/**
 * Downloads the whole export into the sink. Throws if the connection breaks, the signal aborts, or
 * a hash differs.
 */
export async function download(
  { key, path, query, inParts }: ExportRequest,
  sink: Sink,
  onProgress: (transferred: Transferred) => void,
  signal: AbortSignal,
): Promise<SavedExport> {
  const parameters = new URLSearchParams(query);
  if (inParts) parameters.set('partial', 'true');
  // A person opens this file in a spreadsheet, which needs the byte order mark to recognize UTF-8.
  if (path.endsWith('/csv')) parameters.set('bom', 'true');
  const transferred: Transferred = { rows: 0, bytes: 0 };
  const parts: Export[] = [];
  let name = 'export';
  try {
    for (;;) {
      const response = await stream(key, `/api/admin/${path}?${parameters}`, {}, signal);
      if (!parts.length)
        name = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1] ?? name;
      const id = response.headers.get('x-export-id') ?? '';
      const hash = await drain(response, sink, transferred, onProgress).catch(async (error: unknown) => {
        throw signal.aborted ? error : await interruption(key, id, transferred);
      });
      const record = await recordOf(key, id);
      if (record.sha256 !== hash)
        throw new Error(
          'The file is damaged: its SHA-256 differs from the export’s record. Nothing was saved. Try again.',
        );
      parts.push(record);
      if (record.state !== 'partial' || !record.next) break;
      parameters.set('snapshot', record.snapshot);
      parameters.set('after', record.next);
    }
    await sink.close(name);
  } catch (error) {
    await sink.abort();
    throw error;
  }
  return { name, bytes: transferred.bytes, parts };
}

/** Reads the response into the sink. Returns its SHA-256. */
async function drain(
  response: Response,
  sink: Sink,
  transferred: Transferred,
  onProgress: (transferred: Transferred) => void,
): Promise<string> {
  const hash = new Hash();
  const reader = (response.body as ReadableStream<Uint8Array<ArrayBuffer>>).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return hex(hash.digest());
    hash.update(value);
    for (const byte of value) if (byte === LINE_END) transferred.rows += 1;
    transferred.bytes += value.length;
    await sink.write(value);
    onProgress({ ...transferred });
  }
}

async function interruption(key: string, id: string, { rows }: Transferred): Promise<Error> {
  const record = await recordOf(key, id).catch(() => undefined);
  if (record?.next)
    return new Error(
      'This is too much for one JSON document. Choose CSV or NDJSON, which can take several requests, or export fewer rows.',
    );
  return new Error(`The download broke off after about ${rows} rows. Nothing was saved. Try again.`);
}
