// The CRM that receives the funnel's contacts: its URL, the signing secret, and the switch.

import { useState } from 'preact/hooks';
import { answer, type Schema } from '../../../api';
import { useTask } from '../../load';
import { Button, Check, Form, Text } from '../../parts/forms';
import { Badge, notify } from '../../parts/feedback';
import { Card } from '../../parts/display';
import { to } from '../../route';
import { FUNNEL_WEBHOOK } from '../webhooks/funnel';
import { Test } from '../webhooks/test';

type Settings = Schema<'Settings'>;

export function Crm({ settings, saved }: { settings: Settings; saved: (settings: Settings) => void }) {
  const [url, setUrl] = useState(settings.crm_webhook_url ?? '');
  const [enabled, setEnabled] = useState(settings.crm_webhook_url ? settings.webhook_enabled : true);
  const [secret, setSecret] = useState('');
  const task = useTask();
  const save = async (change: Schema<'SettingsChange'>) => {
    const succeeded = await task.run(async (admin) =>
      saved((await answer(admin.PATCH('/api/admin/settings', { body: change }))).settings),
    );
    if (!succeeded) return;
    setSecret('');
    notify('Saved.');
  };
  const isSet = settings.crm_webhook_url !== null;
  return (
    <>
      <Card
        title="CRM webhook"
        actions={isSet && (settings.webhook_enabled ? <Badge tone="good">on</Badge> : <Badge>off</Badge>)}
      >
        <Form
          task={task}
          act="Save"
          submit={() =>
            save({ crm_webhook_url: url, webhook_enabled: enabled, ...(secret ? { webhook_secret: secret } : {}) })
          }
        >
          <Text
            label="URL"
            type="url"
            required
            value={url}
            set={setUrl}
            placeholder="https://crm.example/hooks/trackmate"
            hint="Each contact is sent there at once. If the CRM does not answer, or answers 5xx, it is sent again after 1 s and after 2 s more."
          />
          <Text
            label="Secret"
            type="password"
            autocomplete="off"
            maxLength={200}
            value={secret}
            set={setSecret}
            placeholder={settings.webhook_secret_set ? 'set; leave empty to keep it' : 'none'}
            hint={
              <>
                Choose your own. Each delivery then has the header <code>X-Webhook-Signature</code>, the HMAC-SHA256 of
                the body.{' '}
                {settings.webhook_secret_set
                  ? 'A secret is set. It is not shown again.'
                  : 'No secret is set: deliveries are not signed.'}
              </>
            }
          />
          <Check
            label="Send contacts to the CRM"
            value={enabled}
            set={setEnabled}
            hint="While it is off, deliveries are held. They are sent when it is on again."
          />
        </Form>
        {settings.webhook_secret_set && (
          <p class="about">
            <Button tone="link" task={task} onClick={() => save({ webhook_secret: '' })}>
              Remove the secret
            </Button>{' '}
            <span class="hint">Deliveries will no longer be signed.</span>
          </p>
        )}
        {isSet && (
          <p class="hint">
            For headers, attempts and the log, see <a href={to(['webhooks', FUNNEL_WEBHOOK])}>the webhook</a>. For code
            that verifies signatures, see <a href={to(['webhooks', FUNNEL_WEBHOOK, 'receiver'])}>receivers</a>.
          </p>
        )}
      </Card>
      <Card title="Test">
        {isSet ? (
          <Test id={FUNNEL_WEBHOOK} done={() => {}} send={(admin) => answer(admin.POST('/api/webhook/test'))} />
        ) : (
          <p class="quiet">Save the CRM's URL first.</p>
        )}
      </Card>
    </>
  );
}
