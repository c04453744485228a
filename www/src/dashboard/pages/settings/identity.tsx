// Identity verification: whether pages must prove whom they identify, the secret that proves it, and code that makes the proof.

import { useState } from 'preact/hooks';
import { Button, Confirm, Form, Select } from '../../parts/forms';
import { OneTimeSecret } from '../../parts/one-time-secret';
import { Badge } from '../../parts/feedback';
import { Card, Code } from '../../parts/display';
import { PROOFS, USE } from './identity-proof';
import { type SettingsCardProps, type Settings, useSave } from './save';

type Rule = Settings['identityVerification'];

const RULES: [rule: Rule, name: string, means: string][] = [
  ['off', 'Off', 'A page may identify its visitor by any address. What it says only fills gaps, and never replaces what your servers said.'],
  ['optional', 'Optional', 'A page may send a proof, and one that is sent must be right. For the time in which your pages learn to send it.'],
  ['required', 'Required', 'Nobody is identified without a right proof: identify and the funnel’s forms are refused with identity_unproved, and nothing is stored.'],
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
      <Card title="Identity verification" actions={<Badge tone={settings.identityVerification === 'off' ? 'quiet' : 'good'}>{settings.identityVerification}</Badge>}>
        {secret && <OneTimeSecret secret={secret} label="identity secret"><p class="hint">Keep it on your servers, and never in a page.</p></OneTimeSecret>}
        <Form task={task} act="Save" submit={submit}>
          <Select label="Proof of identity" value={rule} set={(rule) => setRule(rule as Rule)} options={RULES.map(([rule, name]) => [rule, name])} hint={RULES.find(([one]) => one === rule)?.[2]} />
          {!settings.identitySecretSet && rule !== 'off' && <p class="hint">Saving makes a secret and shows it once.</p>}
        </Form>
        {settings.identitySecretSet && (
          <>
            <h3>The secret</h3>
            <p class="hint">One is set, and is not shown again. A new one takes its place at once: proofs made with the old one are refused from then on.</p>
            <Button tone="secondary" onClick={() => setConfirming(true)}>Make a new secret</Button>
          </>
        )}
        {confirming && (
          <Confirm title="Make a new identity secret?" act="Make a new secret" task={task} close={() => setConfirming(false)} run={rotate}>
            <p>Until your servers have it, {settings.identityVerification === 'required' ? 'nobody is identified' : 'proofs that your pages send are refused'}.</p>
          </Confirm>
        )}
      </Card>
      <Card title="Make the proof on your server">
        <p>Your server knows who is signed in. It makes <code>userHash</code> of the address and hands it to the page.</p>
        <Select label="Language" value={language} set={(one) => setLanguage(one as keyof typeof PROOFS)} options={Object.entries(PROOFS).map(([id, { name }]) => [id, name])} />
        <Code label={`code in ${PROOFS[language].name}`} text={PROOFS[language].text} />
        <h3>In the page</h3>
        <Code label="call" text={USE} />
      </Card>
    </>
  );
}
