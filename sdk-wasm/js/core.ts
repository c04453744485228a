// The interface to the core in Rust: what `src/lib.rs` exports and imports. Only numbers cross it.
// `name_` here is `name` there, and the build replaces both by one letter.

/** `src/lib.rs`. Times are `performance.now()`, so that a changed system clock stops no timer. */
export interface Core {
  open_(now: number, batchEvents: number, flushMs: number, serverPauseMs: number, consent: number): void;
  track_(
    now: number,
    id: number,
    identify: boolean,
    nameChars: number,
    bytes: number,
    overhead: number,
    envelope: number,
  ): number;
  restore_(
    now: number,
    id: number,
    identify: boolean,
    bytes: number,
    overhead: number,
    envelope: number,
    handedOverMs: number,
  ): void;
  persistFailed_(id: number): void;
  forget_(id: number): void;
  consent_(now: number, consent: number): void;
  flush_(now: number): void;
  online_(now: number, online: boolean): void;
  wake_(now: number): void;
  next_(): number;
  hide_(now: number, leaving: boolean): void;
  answered_(now: number, request: number, status: number, fromTrackMate: boolean, retryAfterMs: number): number;
  progress_(now: number, id: number): number;
  sessionChange_(nowS: number, campaign: number, startedS: number, lastS: number, storedCampaign: number): number;
  contextFits_(contextBytes: number): number;
}

/** `core::Page`. */
export interface Host {
  persist_(id: number): void;
  addToBatch_(id: number): void;
  send_(request: number, mode: number): boolean;
  handedOver_(id: number): void;
  finish_(id: number, outcome: number): void;
  pause_(waitMs: number): void;
  random_(): number;
}

/** Creates a core that calls this host. */
export type Compile = (host: Host) => Core;

/** The core as WebAssembly. The build inserts its bytes here, one character for each. */
declare const BYTES: string;
const WASM = BYTES;

/**
 * `fromBase64` is ten times as fast as a loop on a page that has just started, even with `btoa`.
 */
const { fromBase64 } = Uint8Array as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> };
const bytes = () => fromBase64?.(btoa(WASM)) ?? Uint8Array.from(WASM, (char) => char.charCodeAt(0));

const instantiate = (module: WebAssembly.Module, host: Host) =>
  new WebAssembly.Instance(module, { env: host as unknown as WebAssembly.ModuleImports }).exports as unknown as Core;

/** Compiles the core at once, on the page's thread. */
export const compile: Compile = (host) => instantiate(new WebAssembly.Module(bytes()), host);

/**
 * Compiles the core on another thread in a few milliseconds. It is the most expensive part of a
 * start.
 */
export async function prepare(): Promise<Compile> {
  const module = await WebAssembly.compile(bytes());
  return (host) => instantiate(module, host);
}
