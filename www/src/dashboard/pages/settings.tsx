import { Page } from '../parts/show';

export default function Settings() {
  return <Page title="Settings">{null}</Page>;
}
