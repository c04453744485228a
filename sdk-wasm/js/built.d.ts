// Modules that the build makes and the sources import.

declare module 'trackmate-core' {
  export const compile: import('./core').Compile;
}
declare module '*/trackmate.csp.js' {
  export const compile: import('./core').Compile;
}
