// The core as plain JavaScript (wasm2js), for pages whose Content-Security-Policy lets no WebAssembly run. Loaded only there.

import { bind } from './csp-host';
import * as core from 'trackmate-core';
import type { Compile, Core } from './core';

export const compile: Compile = (host) => {
  bind(host);
  return core as unknown as Core;
};
