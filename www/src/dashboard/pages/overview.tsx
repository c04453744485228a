import { Page } from '../parts/show';

export default function Overview() {
  return <Page title="Overview">{null}</Page>;
}
