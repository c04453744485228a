//! The deployment's vault. Its key is the Worker secret `SECRETS_KEY`. While `SECRETS_KEY_OLD` is
//! set, it opens values that were sealed with it.

use std::cell::OnceCell;
use std::rc::Rc;

use worker::Env;

use crate::domain::vault::Vault;
use crate::error::Error;

thread_local! {
    /// The vault of this isolate. A deployment that changes a secret starts new isolates.
    static VAULT: OnceCell<Option<Rc<Vault>>> = const { OnceCell::new() };
}

/// The key and the one before it.
fn keys(env: &Env) -> Option<(String, Option<String>)> {
    let secret = |name| env.secret(name).ok().map(|s| s.to_string()).filter(|s| !s.is_empty());
    Some((secret("SECRETS_KEY")?, secret("SECRETS_KEY_OLD")))
}

/// The vault; `None` if the deployment has no key.
#[must_use]
pub fn of(env: &Env) -> Option<Rc<Vault>> {
    let open = || keys(env).map(|(key, old)| Rc::new(Vault::new(&key, old.as_deref())));
    VAULT.with(|vault| vault.get_or_init(open).clone())
}

/// The name for which a subscription's secrets are sealed.
#[must_use]
pub fn owner(company: &str, subscription: &str) -> String {
    format!("{company}/{subscription}")
}

/// The vault of the answers that a company's repeated requests get again. Without the salt, nobody
/// can open what it sealed, not even with the deployment's key.
///
/// # Errors
/// If the deployment has no key.
pub(crate) fn answers_vault(env: &Env, salt: &str) -> Result<Vault, Error> {
    let salted = |key: String| format!("{key}/{salt}");
    let (key, old) = keys(env).ok_or_else(no_key)?;
    Ok(Vault::new(&salted(key), old.map(salted).as_deref()))
}

fn no_key() -> Error {
    Error::Internal("the Worker secret SECRETS_KEY is not set".into())
}

/// The vault.
///
/// # Errors
/// If the deployment has no key: no secret is stored without one.
pub(crate) fn vault(env: &Env) -> Result<Rc<Vault>, Error> {
    of(env).ok_or_else(no_key)
}
