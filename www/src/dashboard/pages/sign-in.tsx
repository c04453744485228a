// Sign-in with an admin key. Several companies can be signed in at a time. The URL says which one
// is shown.

import { Fragment } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../../api';
import { Check, Text } from '../parts/forms';
import { Problem } from '../parts/feedback';
import { company, go, route, SIGN_IN, to } from '../route';
import { companies, signIn, signInReason } from '../session';

export default function SignIn() {
  const [key, setKey] = useState('');
  const [remembered, setRemembered] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    document.title = 'Sign in · TrackMate';
  }, []);
  const submit = async (submitted: Event) => {
    submitted.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(undefined);
    try {
      const requested = route.value;
      const found = await signIn(key.trim(), remembered);
      // A viewer who followed a link stays on it, unless the key is of another company.
      if (found !== requested.company) go(['live'], {}, found);
    } catch (error) {
      setError(
        error instanceof ApiError && error.status === 401
          ? new Error('This is not a valid admin key, or it was revoked.')
          : error,
      );
    }
    setBusy(false);
  };
  return (
    <form class="card narrow" onSubmit={submit}>
      <h1>Sign in</h1>
      {![SIGN_IN, ''].includes(company.value) && (
        <p>
          This URL belongs to the company <code>{company.value}</code>.
        </p>
      )}
      {signInReason.value && (
        <p class="problem" role="alert">
          {signInReason.value}
        </p>
      )}
      <Text
        label="Admin key"
        type="password"
        autocomplete="off"
        spellcheck={false}
        required
        value={key}
        set={setKey}
        hint={
          <>
            It begins with <code>tm_admin_</code>. <code>make dev</code> prints it as <i>Admin key</i>. The operator
            received it when creating the company.
          </>
        }
      />
      <Check
        label="Keep the key in this browser"
        hint="Otherwise it is forgotten when the tab is closed. Do not keep it on a shared computer."
        value={remembered}
        set={setRemembered}
      />
      <Problem error={error} />
      <div class="actions">
        <button aria-disabled={busy} aria-busy={busy}>
          Sign in
        </button>
      </div>
      {companies.value.length > 0 && (
        <p class="quiet">
          Already signed in:{' '}
          {companies.value.map(({ company, name }, index) => (
            <Fragment key={company}>
              {index > 0 && ', '}
              <a href={to(['live'], {}, company)}>{name}</a>
            </Fragment>
          ))}
        </p>
      )}
    </form>
  );
}
