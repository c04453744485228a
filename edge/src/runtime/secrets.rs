//! The deployment's vault. Its key is the Worker secret `SECRETS_KEY`. While `SECRETS_KEY_OLD` is
//! set, it opens values that were sealed with it.

use worker::Env;

use crate::domain::vault::Vault;
use crate::error::Error;

/// The vault; `None` if the deployment has no key.
#[must_use]
pub fn of(env: &Env) -> Option<Vault> {
    let secret = |name| env.secret(name).ok().map(|s| s.to_string()).filter(|s| !s.is_empty());
    Some(Vault::new(&secret("SECRETS_KEY")?, secret("SECRETS_KEY_OLD").as_deref()))
}

/// The name for which a subscription's secrets are sealed.
#[must_use]
pub fn owner(company: &str, subscription: &str) -> String {
    format!("{company}/{subscription}")
}

/// The vault.
///
/// # Errors
/// If the deployment has no key: no secret is stored without one.
pub(crate) fn vault(env: &Env) -> Result<Vault, Error> {
    of(env).ok_or_else(|| Error::Internal("the Worker secret SECRETS_KEY is not set".into()))
}
