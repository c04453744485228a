// The demo shop's entry: the page that the HTML file names, and the drawer beside it.

import { render } from 'preact';
import { Account, Checkout, Home, ProductPage } from './pages';
import { Panel } from './panel';

const PAGES = { home: Home, product: ProductPage, account: Account, checkout: Checkout };

const root = document.getElementById('shop');
const Page = PAGES[(root?.dataset.page ?? 'home') as keyof typeof PAGES];
if (root) render(<><Page /><Panel /></>, root);
