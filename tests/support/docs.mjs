// The code samples of the documentation, as tests run them.
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What is written for those who use TrackMate. */
export const FILES = ['README.md', ...['docs', 'docs/clients', 'docs/guides'].flatMap((folder) => readdirSync(ROOT + folder).filter((name) => name.endsWith('.md')).sort().map((name) => `${folder}/${name}`))];

const all = FILES.flatMap((file) => {
  const markdown = readFileSync(ROOT + file, 'utf8');
  return [...markdown.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)].map(({ 1: info, 2: text, index }) => {
    const [language, ...rest] = info.split(' ');
    return { file, line: markdown.slice(0, index).split('\n').length, language, info: rest.join(' '), text };
  });
});

/** Samples in this language, or all → [{file, line, language, info, text}]. */
export const samples = (language) => all.filter((sample) => language === undefined || sample.language === language);

/** A sample sent to this TrackMate instead of the reader's own. */
export const sentTo = (url, text) => text.replaceAll(/https:\/\/your-trackmate\.example|http:\/\/localhost:8787/g, url);
