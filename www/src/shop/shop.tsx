// A page of the shop with the panel beside it.

import { Account, Checkout, Home, ProductPage } from './pages';
import { Panel } from './panel';

const PAGES = { home: Home, product: ProductPage, account: Account, checkout: Checkout };

export function Shop({ page = 'home' }: { page: string | undefined }) {
  const Page = PAGES[page as keyof typeof PAGES];
  return (
    <>
      <Page />
      <Panel />
    </>
  );
}
