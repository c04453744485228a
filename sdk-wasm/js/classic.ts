// The classic script, `<script async src="…/trackmate.classic.js"></script>`: defines `window.TrackMate`, and makes the calls that the
// loader stub, if there was one, has queued under that name.

import { compile, prepare } from './core';
import { create, type Early } from './create';
import type { TrackMate } from './trackmate';

const script = document.currentScript as HTMLScriptElement | null;
const fallback = async () => (await import(new URL('trackmate.csp.js', script?.src || location.href).href)).compile;
const stub = window.TrackMate as { q?: Early[] } | undefined;
const sdk = create(compile, prepare, fallback) as TrackMate & { repeat(entries: Early[]): void };

window.TrackMate = sdk;
sdk.repeat(stub?.q ?? []);
