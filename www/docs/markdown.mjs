// Renders a documentation page from Markdown. Headings get the same ids as on GitHub, links between
// files become links between pages, and raw HTML is escaped.
import { posix } from 'node:path';
import { Marked } from 'marked';
import { escape, frame } from './frame.mjs';
import { PAGES } from './pages.mjs';

const REPOSITORY = '/docs/source/';

/** A heading's id, by GitHub's rule, so that links work there too. */
export const slug = (text) =>
  text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');

/**
 * The target of a link in `file`: another page, a picture, or a file of the repository (shown as
 * text).
 */
export function resolveLink(href, file) {
  if (/^[a-z]+:|^\/|^#/i.test(href)) return href;
  const [path, anchor] = href.split('#');
  const target = posix.normalize(posix.join(posix.dirname(file), path));
  const page = PAGES.find((one) => one.file === target);
  if (page) return `/docs/${page.name ? `${page.name}/` : ''}${anchor ? `#${anchor}` : ''}`;
  return target.startsWith('docs/pictures/') ? `/docs/pictures/${posix.basename(target)}` : `${REPOSITORY}${target}`;
}

/** Renders Markdown as the page's HTML. */
export function markdownPage(page, markdown) {
  const headings = [];
  const marked = new Marked({
    gfm: true,
    renderer: {
      heading({ tokens, depth }) {
        const text = this.parser.parseInline(tokens);
        const plain = slug(
          text
            .replaceAll(/<[^>]+>/g, '')
            .replaceAll('&amp;', '&')
            .replaceAll('&lt;', '<')
            .replaceAll('&gt;', '>')
            .replaceAll('&quot;', '"')
            .replaceAll('&#39;', "'"),
        );
        // Like on GitHub, the second heading of a text gets a number.
        const repeats = headings.filter((one) => one.plain === plain).length;
        const id = repeats ? `${plain}-${repeats}` : plain;
        headings.push({ id, plain, text, depth });
        return `<h${depth} id="${id}">${depth > 1 ? `<a href="#${id}">${text}</a>` : text}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        const to = resolveLink(href, page.file);
        // Source files are named but not linked, since a deployment does not serve them.
        return to.startsWith(REPOSITORY)
          ? `<span class="file">${this.parser.parseInline(tokens)}</span>`
          : `<a href="${escape(to)}">${this.parser.parseInline(tokens)}</a>`;
      },
      image: ({ href, text }) => `<img src="${escape(resolveLink(href, page.file))}" alt="${escape(text)}" />`,
      code: ({ text, lang }) =>
        `<pre tabindex="0"><code${lang ? ` class="language-${escape(lang.split(' ')[0])}"` : ''}>${escape(text)}</code></pre>\n`,
      table(token) {
        const cell = (tag, { tokens, align }) =>
          `<${tag}${tag === 'th' ? ' scope="col"' : ''}${align === 'right' ? ' class="number"' : ''}>${this.parser.parseInline(tokens)}</${tag}>`;
        const row = (tag, cells) => `<tr>${cells.map((one) => cell(tag, one)).join('')}</tr>`;
        // A table without titles has no head, since an empty head confuses screen readers.
        const head = token.header.some(({ text }) => text.trim()) ? `<thead>${row('th', token.header)}</thead>` : '';
        return `<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>${head}<tbody>${token.rows.map((cells) => row('td', cells)).join('\n')}</tbody></table></div>\n`;
      },
      // A comment is for programs that write parts of the page.
      html: ({ text }) => (/^<!--[^]*-->\s*$/.test(text) ? '' : escape(text)),
    },
  });
  const html = marked.parse(markdown);
  const contents = headings
    .filter(({ depth }) => depth === 2)
    .map(({ id, text }) => `<li><a href="#${id}">${text.replaceAll(/<\/?a[^>]*>/g, '')}</a></li>`)
    .join('\n');
  return frame({
    page,
    from: page.file,
    contents: contents && `<ul>${contents}</ul>`,
    main: `<article class="card prose">${html}</article>`,
  });
}
