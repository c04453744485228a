// What the translated core imports. It does so when it is loaded, which is before there is a page to ask.

import type { Host } from './core';

let host: Host;
export const bind = (to: Host) => (host = to);

export const keep: Host['keep'] = (id) => host.keep(id);
export const put: Host['put'] = (id) => host.put(id);
export const send: Host['send'] = (request, how) => host.send(request, how);
export const away: Host['away'] = (id) => host.away(id);
export const done: Host['done'] = (id, end) => host.done(id, end);
export const pause: Host['pause'] = (ms) => host.pause(ms);
export const random: Host['random'] = () => host.random();
