import { Page } from '../parts/show';

export default function Funnel() {
  return <Page title="Funnel">{null}</Page>;
}
