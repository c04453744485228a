// What the build makes and the sources import.

declare module 'trackmate-core' {}
declare module '*/trackmate.csp.js' {
  export const compile: import('./core').Compile;
}
