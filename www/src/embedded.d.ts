// Types of the files that build.mjs embeds into the dashboard from other folders.

declare module 'example:*' {
  const text: string;
  export default text;
}

declare module 'built:sdk' {
  /** The text of stub.js, and the classic script's hash for `integrity`. */
  const sdk: { stub: string; integrity: string };
  export default sdk;
}
