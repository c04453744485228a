// Whether the page is served from the viewer's own machine.

/** True in development. The demo shop exists only there. */
export const isLocal = ['localhost', '127.0.0.1'].includes(location.hostname);
