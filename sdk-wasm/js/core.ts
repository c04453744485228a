// The border to the decisions in Rust: what `src/lib.rs` exports and what it asks of the page. Numbers only. Names that end in `_` there
// end in nothing; the build makes one letter of both.

/** `src/lib.rs`. Times are `performance.now()`, so that a changed clock stops no timer. */
export interface Core {
  open_(now: number, batchEvents: number, flushMs: number, serverPauseMs: number, consent: number): void;
  track_(now: number, id: number, identify: boolean, nameChars: number, bytes: number, overhead: number, envelope: number): number;
  restore_(now: number, id: number, identify: boolean, bytes: number, overhead: number, envelope: number, handedOverMs: number): void;
  persistFailed_(id: number): void;
  forget_(id: number): void;
  consent_(now: number, consent: number): void;
  flush_(now: number): void;
  online_(now: number, online: boolean): void;
  wake_(now: number): void;
  next_(): number;
  hide_(now: number, leaving: boolean): void;
  answered_(now: number, request: number, status: number, ours: boolean, retryAfterMs: number): number;
  progress_(now: number, id: number): number;
  sessionChange_(nowS: number, campaign: number, startedS: number, lastS: number, storedCampaign: number): number;
  contextFits_(contextBytes: number): number;
}

/** `core::Page`. */
export interface Host {
  persist_(id: number): void;
  addToBatch_(id: number): void;
  send_(request: number, mode: number): number;
  handedOver_(id: number): void;
  finish_(id: number, outcome: number): void;
  pause_(waitMs: number): void;
  random_(): number;
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
  new WebAssembly.Instance(module, { env: host as unknown as WebAssembly.ModuleImports }).exports as unknown as Core;

/** Compiled at once. */
export const compile: Compile = (host) => made(new WebAssembly.Module(bytes()), host);

/** Compiled by another thread, in a few milliseconds: for the page's own it is the dearest part of a start. */
export async function prepare(): Promise<Compile> {
  const module = await WebAssembly.compile(bytes());
  return (host) => made(module, host);
}
