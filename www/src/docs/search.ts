// The search of the documentation: a field, and below it the results as links. `/` goes to the
// field, the arrow keys to the results, Enter opens the first one, Escape closes the list.
import { type IndexedPage, type Result, find } from './find';

let index: Promise<IndexedPage[]> | undefined;

/** The index, requested when it is first needed. After a failure it is requested again. */
function loadIndex(): Promise<IndexedPage[]> {
  index ??= fetch('/docs/search.json').then((answer) => {
    if (!answer.ok) throw new Error(`search.json: ${answer.status}`);
    return answer.json();
  });
  index.catch(() => (index = undefined));
  return index;
}

function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string>,
  ...inner: (Node | string)[]
) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...inner);
  return made;
}

const resultLink = ({ href, page, title }: Result) =>
  element('li', {}, element('a', { href }, title, element('span', { class: 'quiet' }, page)));

export function startSearch(form: HTMLFormElement) {
  const field = element('input', { id: 'search-field', type: 'search', autocomplete: 'off', placeholder: 'Search /' });
  const status = element('p', { role: 'status', class: 'quiet' });
  const list = element('ul', { 'aria-label': 'Search results' });
  const panel = element('div', { class: 'results', hidden: '' }, status, list);
  form.append(element('label', { for: field.id, class: 'unseen' }, 'Search the documentation'), field, panel);
  form.hidden = false;

  async function show() {
    const question = field.value.trim();
    panel.hidden = !question;
    if (!question) return;
    try {
      const results = find(await loadIndex(), question);
      if (field.value.trim() !== question) return; // The visitor typed on.
      list.replaceChildren(...results.map(resultLink));
      status.textContent = results.length ? `${results.length} results` : `Nothing found for “${question}”`;
    } catch {
      list.replaceChildren();
      status.textContent = 'The search could not be loaded. Try again.';
    }
  }

  /** Moves the focus up or down among the field and the results. */
  function move(by: number) {
    const places: HTMLElement[] = [field, ...list.querySelectorAll('a')];
    places[places.indexOf(document.activeElement as HTMLElement) + by]?.focus();
  }

  field.addEventListener('input', show);
  field.addEventListener('focus', show);
  form.addEventListener('submit', (submit) => {
    submit.preventDefault();
    list.querySelector('a')?.click();
  });
  form.addEventListener('keydown', (key) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[key.key];
    if (by) {
      key.preventDefault();
      move(by);
    } else if (key.key === 'Escape') {
      field.focus();
      panel.hidden = true;
    }
  });
  // Safari gives a clicked link no focus, and the field would lose the focus before the click.
  list.addEventListener('mousedown', (press) => press.preventDefault());
  // A result may be on this page: then only the fragment changes.
  list.addEventListener('click', () => (panel.hidden = true));
  form.addEventListener('focusout', ({ relatedTarget }) => {
    if (!form.contains(relatedTarget as Node | null)) panel.hidden = true;
  });
  document.addEventListener('keydown', (key) => {
    const isTyping = (key.target as Element).closest('input, textarea, select, [contenteditable]');
    if (key.key !== '/' || key.ctrlKey || key.metaKey || key.altKey || isTyping) return;
    key.preventDefault();
    field.focus();
  });
}
