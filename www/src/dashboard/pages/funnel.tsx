// The funnel: contacts that forms submit, and the CRM that receives each.

import { answer } from '../../api';
import { useLoad } from '../load';
import { Await } from '../parts/feedback';
import { Card, Code, Page } from '../parts/display';
import { Contacts, NoCrm } from './funnel/contacts';
import { Crm } from './funnel/crm';
import { curl, form } from './funnel/snippets';

export default function Funnel() {
  const loaded = useLoad((admin) => answer(admin.GET('/api/admin/settings')), []);
  return (
    <Page
      title="Funnel"
      lead={
        <>
          A form on your page creates a contact: a person, <code>registration.submitted</code> on their timeline, and a
          delivery to your CRM.
        </>
      }
    >
      <Await of={loaded}>
        {({ settings }) => (
          <>
            <div class="grid">
              <Crm settings={settings} saved={(settings) => loaded.set({ success: true, settings })} />
            </div>
            {settings.crm_webhook_url === null ? (
              <NoCrm company={settings.company_id} />
            ) : (
              <Contacts company={settings.company_id} />
            )}
            <Card title="The form">
              <p>
                Paste it into a page and adapt the names. The company's id is not a secret. The browser gets its answer
                at once and does not wait for the CRM.
              </p>
              <Code label="form" text={form(location.origin, settings.company_id)} />
              <h3>The same with curl</h3>
              <Code label="curl line" text={curl(location.origin, settings.company_id)} />
            </Card>
          </>
        )}
      </Await>
    </Page>
  );
}
