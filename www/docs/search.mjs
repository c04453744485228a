// The index of the documentation's search, made of the finished pages. Pure: HTML in, JSON out.
// www/src/docs/find.ts searches it.
import { hrefOf } from './pages.mjs';

const ENTITIES = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' };
const text = (html) =>
  html
    .replaceAll(/<wbr \/>/g, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/&(?:lt|gt|quot|#39|amp);/g, (entity) => ENTITIES[entity])
    .replaceAll(/\s+/g, ' ')
    .trim();

/** The words of a text, in lower case: letters, digits and underscores. */
const wordsOf = (plain) => plain.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];

/**
 * The parts of a page: each element of `<main>` with an id begins one. → [[id, title, words]].
 * `words` has each word of the part that is not in its title once.
 */
function partsOf(html) {
  const main = html.slice(html.indexOf('<main'), html.indexOf('</main>'));
  const pieces = main.split(/(?=<\w+[^>]* id=")/).slice(1);
  return pieces.flatMap((piece) => {
    const [, id] = /^<\w+[^>]* id="([^"]+)"/.exec(piece);
    const title = text(/<(h[1-4]|th)\b[^>]*>(.*?)<\/\1>/s.exec(piece)?.[2] ?? '');
    // The list of codes on the page of routes is the list of the page of problems.
    if (id === 'main' || id.startsWith('problem-') || !title) return [];
    const titled = new Set(wordsOf(title));
    const words = [...new Set(wordsOf(text(piece)))].filter((word) => word.length > 1 && !titled.has(word));
    return [[id, title, words.join(' ')]];
  });
}

/** The index of these pages, [{page, html}] → [{href, title, parts}]. */
export const searchIndex = (pages) =>
  pages.map(({ page, html }) => ({ href: hrefOf(page), title: page.title, parts: partsOf(html) }));
