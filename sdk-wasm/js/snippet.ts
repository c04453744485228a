// The classic script, `<script src="/sdk/snippet.js"></script>`: defines `window.TrackMate` at once and loads the module beside
// it with the first call. Pasted into a page it names the module itself: `<script data-sdk="https://…/sdk/trackmate.js">`.

import { type Engine, shell } from './shell';

const script = document.currentScript as HTMLScriptElement | null;
const module = script?.dataset.sdk ?? new URL('trackmate.js', script?.src || location.href).href;

window.TrackMate ??= shell(async (session): Promise<Engine> => (await import(module)).connect(session));
