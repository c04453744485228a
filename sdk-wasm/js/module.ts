// The ES module, `import TrackMate from '/sdk/trackmate.js'`: the shell, and the one engine of the page behind it.

import start, { Engine as Wasm } from 'trackmate-engine';
import { type Engine, shell } from './shell';

declare const WASM_URL: string; // The file beside this one, with a hash of its bytes, so that no cache pairs two builds.

let engine: Promise<Engine> | undefined;

/** The engine of this page, loaded at the first call: importing the module alone does nothing, so a server may do it too. */
export function connect(session: () => string | undefined): Promise<Engine> {
  return (engine ??= start({ module_or_path: new URL(WASM_URL, import.meta.url) }).then(() => new Wasm(session())));
}

export default shell(connect);
