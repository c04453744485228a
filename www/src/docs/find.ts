// Finds parts of the documentation's pages. Pure: the index of www/docs/search.mjs in, links out.

/** A page: its parts are [id, title, words]. */
export type IndexedPage = { href: string; title: string; parts: [string, string, string][] };
export type Result = { href: string; page: string; title: string };

const RESULTS_MAX = 12;

/** What a word of the question is worth in a part: the better the place, the more. */
function worth(word: string, [, title, words]: IndexedPage['parts'][number], page: string): number {
  const padded = (text: string) => ` ${text.toLowerCase().replaceAll(/[^\p{L}\p{N}_]+/gu, ' ')} `;
  if (padded(title).includes(` ${word} `)) return 8;
  if (padded(title).includes(` ${word}`)) return 5;
  if (padded(page).includes(` ${word}`)) return 3;
  if (` ${words} `.includes(` ${word} `)) return 2;
  return ` ${words}`.includes(` ${word}`) ? 1 : 0;
}

/**
 * The parts that have every word of the question, as a word or as its beginning, the best first.
 * Parts of equal worth keep the order of the menu.
 */
export function find(pages: IndexedPage[], question: string): Result[] {
  const words = question.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
  if (!words.length) return [];
  const found = pages.flatMap(({ href, title: page, parts }) =>
    parts.flatMap((part) => {
      const worths = words.map((word) => worth(word, part, page));
      if (worths.includes(0)) return [];
      const result = { href: `${href}#${part[0]}`, page, title: part[1] };
      return [{ result, worth: worths.reduce((a, b) => a + b) }];
    }),
  );
  const best = found.sort((a, b) => b.worth - a.worth);
  return best.slice(0, RESULTS_MAX).map(({ result }) => result);
}
