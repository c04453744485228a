// The part of wasm-bindgen's glue that the module uses; the build puts the real one in its place.

import type { Engine as Surface } from './shell';

export const Engine: new (session?: string) => Surface;
export default function start(options: { module_or_path: URL }): Promise<unknown>;
