import { Page } from '../parts/show';

export default function Exports() {
  return <Page title="Exports">{null}</Page>;
}
