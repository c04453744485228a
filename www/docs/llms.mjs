// The documentation for programs that read text: llms.txt (https://llmstxt.org), an index of the
// pages, and their Markdown. Pure: text in, text out.
import { resolveLink } from './markdown.mjs';
import { SECTIONS, hrefOf } from './pages.mjs';

const SUMMARY =
  'Events of pages and servers come in, each is linked to a person and joins their timeline, and goes out signed ' +
  'to webhooks. One Cloudflare Worker with D1 and Queues.';

/** Generated pages have no Markdown. The OpenAPI document has every route; limits are HTML. */
const sourceOf = (page) => (page.file ? `/${page.file}` : page.name === 'http' ? '/openapi.json' : hrefOf(page));

export function llms() {
  const lines = ({ pages }) => pages.map((page) => `- [${page.title}](${sourceOf(page)}): ${page.about}`).join('\n');
  const sections = SECTIONS.map((section) => `## ${section.title}\n\n${lines(section)}\n`);
  return `# TrackMate\n\n> ${SUMMARY}\n\n${sections.join('\n')}`;
}

/**
 * A page's Markdown as the site serves it, at the same path as in the repository, so that links
 * between pages work. Links to files that the site does not serve become their text.
 */
export function servedMarkdown(file, markdown) {
  const unlinked = (link, label, target) => (/^\/docs\/source\//.test(resolveLink(target, file)) ? label : link);
  return markdown
    .split(/^(```[^]*?^```$)/m)
    .map((part) => (part.startsWith('```') ? part : part.replaceAll(/\[([^\]]*)\]\(([^)]*)\)/g, unlinked)))
    .join('');
}
