import { Page } from '../parts/show';

export default function Live() {
  return <Page title="Live">{null}</Page>;
}
