// The frame of every documentation page, and helpers to put text into HTML. Pure: text in, HTML
// out. A page can be read without its script, which adds the search and the copy buttons.
import { SECTIONS, hrefOf } from './pages.mjs';

export const escape = (text) =>
  String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
/** Escapes a short text and renders its inline code. */
export const inline = (text) => escape(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');

/** A complete page. `contents` is its table of contents and `main` its body, both HTML. */
export function frame({ page, from, contents = '', main }) {
  const link = (one) =>
    `<li><a href="${hrefOf(one)}"${one === page ? ' aria-current="page"' : ''}>${escape(one.title)}</a></li>`;
  const menu = SECTIONS.map(
    ({ title, pages }) => `<h2>${escape(title)}</h2><ul class="pages">${pages.map(link).join('\n')}</ul>`,
  ).join('\n');
  return `<!doctype html>
<!-- Generated from ${from} by www/build.mjs. -->
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${escape(page.title)} · TrackMate</title>
    <meta name="description" content="${escape(page.about)}" />
    <link rel="icon" href="/icon.svg" />
    <link rel="stylesheet" href="/style.css" />
    <script type="module" src="/assets/docs.js"></script>
  </head>
  <body>
    <a class="skip" href="#main">Skip to the page</a>
    <header class="bar">
      <a class="brand" href="/docs/">TrackMate <span>docs</span></a>
      <form class="search" id="search" role="search" hidden></form>
      <nav><a href="/openapi.json">openapi.json</a> <a href="/dashboard/">Dashboard</a></nav>
    </header>
    <div class="reference">
      <div class="contents">
        <nav class="wide" aria-label="Documentation">${menu}</nav>
        <details class="folded">
          <summary>All pages</summary>
          <nav aria-label="Documentation">${menu}</nav>
        </details>
        ${contents && `<nav class="within" aria-label="On this page">${contents}</nav>`}
      </div>
      <main class="stack" id="main" tabindex="-1">
        ${main}
      </main>
    </div>
  </body>
</html>
`;
}
