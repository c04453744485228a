//! The deployment's vault: its key is the Worker secret `SECRETS_KEY`; `SECRETS_KEY_OLD`, while it
//! is set, still opens what was sealed before.

use worker::Env;

use crate::domain::vault::Vault;
use crate::error::Error;

/// The vault, or `None` where the deployment has no key.
#[must_use]
pub fn of(env: &Env) -> Option<Vault> {
    let secret = |name| env.secret(name).ok().map(|s| s.to_string()).filter(|s| !s.is_empty());
    Some(Vault::new(&secret("SECRETS_KEY")?, secret("SECRETS_KEY_OLD").as_deref()))
}

/// Whom a subscription's secrets are sealed for.
#[must_use]
pub fn owner(company: &str, subscription: &str) -> String {
    format!("{company}/{subscription}")
}

/// The deployment's vault: without one no secret is stored.
pub(crate) fn vault(env: &Env) -> Result<Vault, Error> {
    of(env).ok_or_else(|| Error::Internal("the Worker secret SECRETS_KEY is not set".into()))
}
