// Where this page is served.

/** Whether that is the viewer's own machine, as in development: only there is a demo shop. */
export const isLocal = ['localhost', '127.0.0.1'].includes(location.hostname);
