// The script of the documentation's pages: the search and the copy buttons.
import { addCopyButtons } from './copy';
import { startSearch } from './search';

addCopyButtons();
startSearch(document.querySelector<HTMLFormElement>('#search')!);
