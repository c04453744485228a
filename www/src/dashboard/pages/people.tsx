import { Page } from '../parts/show';

export default function People() {
  return <Page title="People">{null}</Page>;
}
