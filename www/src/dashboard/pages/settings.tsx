// A company's settings, in tabs.

import { answer } from '../../api';
import { useLoad } from '../load';
import { Await } from '../parts/feedback';
import { Page } from '../parts/display';
import { Tabs } from '../parts/tabs';
import { route, to } from '../route';
import { Audit } from './settings/audit';
import { Company } from './settings/company';
import { Identity } from './settings/identity';
import { Install } from './settings/install';
import { Keys } from './settings/keys';
import { TrackingPlan } from './settings/plan';
import './settings.css';

const PARTS: [id: string, name: string][] = [
  ['company', 'Company'],
  ['install', 'Install'],
  ['keys', 'Keys'],
  ['identity', 'Identity'],
  ['plan', 'Tracking plan'],
  ['audit', 'Audit log'],
];

export default function Settings() {
  const [part = 'company'] = route.value.rest;
  const loaded = useLoad((admin) => answer(admin.GET('/api/admin/settings')), []);
  const of = {
    saved: (settings: NonNullable<typeof loaded.data>['settings']) => loaded.set({ ...loaded.data, success: true, settings }),
  };
  return (
    <Page
      title="Settings"
      name={`${PARTS.find(([one]) => one === part)?.[1] ?? 'Not found'} · Settings`}
      lead={
        loaded.data && (
          <>
            {loaded.data.settings.name} · <code>{loaded.data.settings.company_id}</code>
          </>
        )
      }
    >
      {loaded.data?.databaseFullPercent && (
        <p class="notice" role="status">
          The database of this TrackMate is {loaded.data.databaseFullPercent} % full. When it is full, events are
          refused until the operator makes room. A shorter retention, on the page Company, makes room too.
        </p>
      )}
      <Tabs label="Parts of the settings" tabs={PARTS} current={part} at={(id) => ['settings', id]} />
      {!PARTS.some(([one]) => one === part) && (
        <p class="problem">
          There is no such settings page. <a href={to(['settings'])}>Go to Company</a>
        </p>
      )}
      {part === 'keys' && <Keys />}
      {part === 'plan' && <TrackingPlan />}
      {part === 'audit' && <Audit />}
      {['company', 'identity', 'install'].includes(part) && (
        <Await of={loaded}>
          {({ settings }) => (
            <>
              {part === 'company' && <Company settings={settings} {...of} />}
              {part === 'identity' && <Identity settings={settings} {...of} />}
              {part === 'install' && <Install settings={settings} />}
            </>
          )}
        </Await>
      )}
    </Page>
  );
}
