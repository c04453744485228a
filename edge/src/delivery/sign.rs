//! The headers of a delivery: the customer's, then TrackMate's with the signatures.

use trackmate_wire::signature::{hex_signature, standard_signature};
use worker::Env;

use crate::domain::vault::Unopened;
use crate::runtime::secrets;
use crate::store::deliveries::Target;

/// A delivery that is about to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Unsigned<'a> {
    /// Its company.
    pub company: &'a str,
    /// Its subscription.
    pub subscription: &'a str,
    /// Where it goes.
    pub target: &'a Target,
    /// Its id.
    pub id: &'a str,
    /// The time of the attempt, ms.
    pub now_ms: i64,
    /// The bytes to sign.
    pub body: &'a str,
}

/// The customer's headers, then TrackMate's, which no customer header may replace. While a rotated
/// secret is still valid, the Standard Webhooks header holds both signatures. The plain header can
/// hold only one, so the signature of the old secret has a header of its own.
///
/// # Errors
/// If a sealed secret cannot be opened.
pub fn headers(env: &Env, delivery: Unsigned<'_>) -> Result<Vec<(String, String)>, Unopened> {
    let Unsigned { company, subscription, target, id, now_ms, body } = delivery;
    let vault = secrets::of(env).ok_or(Unopened)?;
    let owner = secrets::owner(company, subscription);
    let (secret, now_s) = (vault.open(&owner, &target.secret)?, now_ms / 1000);
    let mut headers = vault.open_headers(&owner, &target.headers)?;
    headers.extend([("webhook-id".to_owned(), id.to_owned()), ("webhook-timestamp".to_owned(), now_s.to_string())]);
    if secret.is_empty() {
        return Ok(headers); // A funnel's webhook without a secret is not signed.
    }
    let mut standard = standard_signature(&secret, id, now_s, body.as_bytes());
    if let Some(old) =
        target.old_secret.as_deref().filter(|_| target.old_secret_until.is_some_and(|until| until > now_ms))
    {
        let old = vault.open(&owner, old)?;
        standard = format!("{standard} {}", standard_signature(&old, id, now_s, body.as_bytes()));
        headers.push(("x-webhook-signature-previous".to_owned(), hex_signature(&old, body.as_bytes())));
    }
    headers.extend([
        ("x-webhook-signature".to_owned(), hex_signature(&secret, body.as_bytes())),
        ("webhook-signature".to_owned(), standard),
    ]);
    Ok(headers)
}
