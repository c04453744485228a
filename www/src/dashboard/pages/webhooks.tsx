import { Page } from '../parts/show';

export default function Webhooks() {
  return <Page title="Webhooks">{null}</Page>;
}
