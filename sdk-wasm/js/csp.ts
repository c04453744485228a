// The core as plain JavaScript (wasm2js), for pages whose Content-Security-Policy forbids
// WebAssembly. Only they load it.

export { compile } from 'trackmate-core';
