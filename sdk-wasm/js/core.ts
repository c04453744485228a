// The border to the decisions in Rust: what `src/lib.rs` exports and what it asks of the page. Numbers only.

/** `src/lib.rs`. Times are `performance.now()`, so that a changed clock stops no timer. */
export interface Core {
  open(now: number, batchEvents: number, flushMs: number, askedMs: number, consent: number): void;
  track(now: number, id: number, identify: boolean, nameChars: number, bytes: number, overhead: number, envelope: number): number;
  restore(now: number, id: number, identify: boolean, bytes: number, overhead: number, envelope: number, awayMs: number): void;
  unkept(id: number): void;
  forget(id: number): void;
  consent(now: number, decision: number): void;
  flush(now: number): void;
  online(now: number, online: boolean): void;
  wake(now: number): void;
  next(): number;
  part(now: number, leaving: boolean): void;
  answered(now: number, request: number, status: number, ours: boolean, retryAfterMs: number): number;
  progress(now: number, id: number): number;
  visit(nowS: number, campaign: number, startedS: number, lastS: number, storedCampaign: number): number;
  fits(contextBytes: number): number;
}

/** `core::Page`. */
export interface Host {
  keep(id: number): void;
  put(id: number): void;
  send(request: number, how: number): number;
  away(id: number): void;
  done(id: number, end: number): void;
  pause(waitMs: number): void;
  random(): number;
}

/** Makes a core that asks this page. */
export type Compile = (host: Host) => Core;

/** The core as WebAssembly: the build puts its bytes here, one character each. */
declare const BYTES: string;
const WASM = BYTES;

/** The way over base64 is the browser's own, and ten times as fast as a loop in a page that has just begun. */
const { fromBase64 } = Uint8Array as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> };
const bytes = () => fromBase64?.(btoa(WASM)) ?? Uint8Array.from(WASM, (char) => char.charCodeAt(0));

const made = (module: WebAssembly.Module, host: Host) =>
  new WebAssembly.Instance(module, { host: host as unknown as WebAssembly.ModuleImports }).exports as unknown as Core;

/** Compiled at once. */
export const compile: Compile = (host) => made(new WebAssembly.Module(bytes()), host);

/** Compiled by another thread, in a few milliseconds: for the page's own it is the dearest part of a start. */
export async function prepare(): Promise<Compile> {
  const module = await WebAssembly.compile(bytes());
  return (host) => made(module, host);
}
