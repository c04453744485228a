// Identity verification: the rule, the identity secret, and code that computes the proof.

import { useState } from 'preact/hooks';
import { Confirm } from '../../parts/dialog';
import { Button, Form, Select } from '../../parts/forms';
import { OneTimeSecret } from '../../parts/one-time-secret';
import { Badge } from '../../parts/feedback';
import { Card, Code } from '../../parts/display';
import { PROOFS, USE } from './identity-proof';
import { type SettingsCardProps, type Settings, useSave } from './save';

type Rule = Settings['identityVerification'];

const RULES: [rule: Rule, name: string, means: string][] = [
  [
    'off',
    'Off',
    'A page may identify its visitor with any email address. Its traits only fill gaps, and never replace traits that your servers set.',
  ],
  [
    'optional',
    'Optional',
    'A page may send a proof. A wrong proof is rejected. Use this while you roll out proofs to your pages.',
  ],
  [
    'required',
    'Required',
    'Every identify needs a valid proof. Without it, identify calls and funnel forms are rejected with identity_unproved, and nothing is stored.',
  ],
];

export function Identity({ settings, saved }: SettingsCardProps) {
  const [rule, setRule] = useState<Rule>(settings.identityVerification);
  const [secret, setSecret] = useState<string>();
  const [confirming, setConfirming] = useState(false);
  const [language, setLanguage] = useState<keyof typeof PROOFS>('node');
  const { task, save } = useSave(saved);
  const submit = async () => setSecret((await save({ identityVerification: rule }))?.identitySecret ?? secret);
  const rotate = async () => {
    const now = await save({ rotateIdentitySecret: true });
    if (!now) return;
    setConfirming(false);
    setSecret(now.identitySecret);
  };
  return (
    <>
      <Card
        title="Identity verification"
        actions={
          <Badge tone={settings.identityVerification === 'off' ? 'quiet' : 'good'}>
            {settings.identityVerification}
          </Badge>
        }
      >
        {secret && (
          <OneTimeSecret secret={secret} label="identity secret">
            <p class="hint">Keep it on your servers. Never put it into a page.</p>
          </OneTimeSecret>
        )}
        <Form task={task} act="Save" submit={submit}>
          <Select
            label="Proof of identity"
            value={rule}
            set={(rule) => setRule(rule as Rule)}
            options={RULES.map(([rule, name]) => [rule, name])}
            hint={RULES.find(([one]) => one === rule)?.[2]}
          />
          {!settings.identitySecretSet && rule !== 'off' && (
            <p class="hint">Saving creates a secret and shows it once.</p>
          )}
        </Form>
        {settings.identitySecretSet && (
          <>
            <h3>The secret</h3>
            <p class="hint">
              A secret is set. It is not shown again. A new secret replaces it at once: proofs made with the old one are
              then rejected.
            </p>
            <Button tone="secondary" onClick={() => setConfirming(true)}>
              Create a new secret
            </Button>
          </>
        )}
        {confirming && (
          <Confirm
            title="Create a new identity secret?"
            act="Create a new secret"
            task={task}
            close={() => setConfirming(false)}
            run={rotate}
          >
            <p>
              Until your servers use the new secret,{' '}
              {settings.identityVerification === 'required'
                ? 'no visitor can be identified'
                : 'the proofs of your pages are rejected'}
              .
            </p>
          </Confirm>
        )}
      </Card>
      <Card title="Compute the proof on your server">
        <p>
          Your server knows who is signed in. It computes <code>userHash</code> from the email address and passes it to
          the page.
        </p>
        <Select
          label="Language"
          value={language}
          set={(one) => setLanguage(one as keyof typeof PROOFS)}
          options={Object.entries(PROOFS).map(([id, { name }]) => [id, name])}
        />
        <Code label={`code in ${PROOFS[language].name}`} text={PROOFS[language].text} />
        <h3>In the page</h3>
        <Code label="call" text={USE} />
      </Card>
    </>
  );
}
