// The core as plain JavaScript (wasm2js), for pages whose Content-Security-Policy lets no WebAssembly run. Loaded only there.

export { compile } from 'trackmate-core';
