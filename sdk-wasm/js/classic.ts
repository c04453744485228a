// The classic script, `<script async src="…/trackmate.classic.js"></script>`. It defines
// `TrackMate`, and makes the calls that the loader stub has queued under that name.

import { create } from './client';
import type { Early } from './early';
import type { TrackMate } from './trackmate';

const page = globalThis as { document?: Document; TrackMate?: TrackMate & { q?: Early<string>[] } };
const script = page.document?.currentScript as HTMLScriptElement | null | undefined;
const folder = (script?.src || location.href).replace(/[^/]*$/, '');
const stub = page.TrackMate;
const sdk = create(async () => (await import(`${folder}trackmate.csp.js`)).compile);

page.TrackMate = sdk;
(sdk as TrackMate & { repeat(calls: Early<string>[]): void }).repeat(stub?.q ?? []);
