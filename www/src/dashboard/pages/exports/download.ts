// Taking an export: streamed into a file, part after part where one request does not reach its end, and each part's bytes held against the hash of its record.

import { Hash } from 'fast-sha256';
import { adminClient, answer, type Schema, stream } from '../../../api';

type Export = Schema<'Export'>;

/** What has come so far. */
export interface Transferred {
  /** As far as lines tell: a cell with a line end counts as more. */
  rows: number;
  bytes: number;
}

export interface SavedExport {
  name: string;
  bytes: number;
  /** The records of the parts, which are one unless the export was too long for one request. */
  parts: Export[];
}

/** Where the bytes go. */
export interface Sink {
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Hands the file over. */
  close(name: string): Promise<void>;
  /** Nothing is kept. */
  abort(): Promise<void>;
}

const FOLD_BYTES = 8 * 1024 * 1024;
const URL_LIFETIME_MS = 60_000;
const LINE_END = 10;
const RECORD_TRIES = 40;
const RECORD_PAUSE_MS = 250;

/** Gathers the file and has the browser save it. Folded into a Blob every few megabytes, which the browser may keep on disk. */
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

/** Writes straight into a file that the viewer chose. */
export async function fileSink(file: FileSystemFileHandle): Promise<Sink> {
  const writable = await file.createWritable();
  return { write: (bytes) => writable.write(bytes), close: () => writable.close(), abort: () => writable.abort() };
}

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** The record of an export that was read to its end, which is noted a moment later. */
async function recordOf(key: string, id: string): Promise<Export> {
  for (let tries = 1; ; tries += 1) {
    const { export: record } = await answer(adminClient(key).GET('/api/admin/exports/{id}', { params: { path: { id } } }));
    if (record.state !== 'running' || tries === RECORD_TRIES) return record;
    await new Promise((next) => setTimeout(next, RECORD_PAUSE_MS));
  }
}

export interface ExportRequest {
  key: string;
  /** Below `/api/admin/`. */
  path: string;
  query: URLSearchParams;
  /** Whether parts one after the other are the whole: so in lines, not in one JSON document. */
  inParts: boolean;
}

/** Downloads it all into the sink. Throws when it breaks off, is stopped by the signal, or is not what was sent. */
export async function download({ key, path, query, inParts }: ExportRequest, sink: Sink, onProgress: (transferred: Transferred) => void, signal: AbortSignal): Promise<SavedExport> {
  const parameters = new URLSearchParams(query);
  if (inParts) parameters.set('partial', 'true');
  // Whoever clicks opens the file in a spreadsheet.
  if (path.endsWith('/csv')) parameters.set('bom', 'true');
  const transferred: Transferred = { rows: 0, bytes: 0 };
  const parts: Export[] = [];
  let name = 'export';
  try {
    for (;;) {
      const response = await stream(key, `/api/admin/${path}?${parameters}`, {}, signal);
      if (!parts.length) name = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1] ?? name;
      const id = response.headers.get('x-export-id') ?? '';
      const hash = await drain(response, sink, transferred, onProgress).catch(async (error: unknown) => {
        throw signal.aborted ? error : await interruption(key, id, transferred);
      });
      const record = await recordOf(key, id);
      if (record.sha256 !== hash) throw new Error('What arrived is not what was sent: its SHA-256 differs from the record’s. Nothing was saved; try again.');
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

/** Reads the answer into the sink → its SHA-256. */
async function drain(response: Response, sink: Sink, transferred: Transferred, onProgress: (transferred: Transferred) => void): Promise<string> {
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
  if (record?.next) return new Error('This is too much for one JSON document. Choose CSV or NDJSON, which go on in parts, or fewer rows.');
  return new Error(`The transfer broke off after some ${rows} rows. Nothing was saved; try again.`);
}
