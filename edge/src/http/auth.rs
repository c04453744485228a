//! Who is calling. A handler that needs credentials takes one of these types, and the only way to
//! have one is to have shown the key.

use trackmate_wire::hex::hex;
use trackmate_wire::problem::{Code, Problem};
use trackmate_wire::signature::{constant_time_eq, sha256_hex};

use crate::credentials::accept;
use crate::domain::secret;
use crate::error::Error;
use crate::http::context::RequestContext;
use crate::http::rate_limit;
use crate::runtime::random;
use crate::store::audit::Actor;
use crate::store::companies;
use crate::store::companies::{Key, Scope};

/// An admin of a company: `X-Admin-ID` or `Authorization: Bearer`.
pub(crate) struct Admin {
    /// The key's company, the only one this caller can reach.
    pub(crate) company: String,
    /// The key's id.
    pub(crate) key: String,
    /// Its first characters.
    pub(crate) prefix: String,
}

impl Admin {
    pub(crate) async fn of(cx: &RequestContext) -> Result<Self, Error> {
        let hash = hash_of(cx, "x-admin-id")?;
        rate_limit::key(cx, &hash).await?;
        let key = companies::key(cx.db(None)?, &hash).await?;
        let Key { company, id: key, prefix, .. } = accept(cx, key, &hash, Scope::Admin)?;
        cx.asked_by(Some(&company), Actor::Admin { key: key.clone(), prefix: prefix.clone() });
        Ok(Self { company, key, prefix })
    }
}

/// The operator of the deployment: `Authorization: Bearer` with the Worker secret `OPERATOR_KEY`.
pub(crate) struct Operator(());

impl Operator {
    pub(crate) fn of(cx: &RequestContext) -> Result<Self, Error> {
        let shown = bearer(cx)
            .ok_or_else(|| Problem::new(Code::MissingKey, "send the operator key as Authorization: Bearer"))?;
        let secret = cx.env().secret("OPERATOR_KEY").map(|s| s.to_string()).unwrap_or_default();
        // Digests have one length, so the comparison tells nothing of the secret's.
        if !secret.is_empty() && constant_time_eq(&sha256_hex(shown.as_bytes()), &sha256_hex(secret.as_bytes())) {
            cx.asked_by(None, Actor::Operator);
            return Ok(Self(()));
        }
        Err(Problem::new(Code::InvalidKey, "the operator key is wrong").into())
    }
}

/// The hash of the key in this header or in `Authorization: Bearer`.
pub(crate) fn hash_of(cx: &RequestContext, header: &str) -> Result<String, Problem> {
    let key = cx.header(header).or_else(|| bearer(cx));
    let key = key
        .ok_or_else(|| Problem::new(Code::MissingKey, format!("send a key in {header} or as Authorization: Bearer")))?;
    Ok(sha256_hex(key.as_bytes()))
}

pub(crate) fn bearer(cx: &RequestContext) -> Option<String> {
    let value = cx.header("authorization")?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().to_owned())
}

/// A key just made: the only moment at which it exists in full.
pub(crate) struct FreshKey {
    /// What the caller is shown, once.
    pub(crate) key: String,
    /// What is stored.
    pub(crate) hash: String,
    /// What lists show.
    pub(crate) prefix: String,
    /// For revoking.
    pub(crate) id: String,
    pub(crate) scope: Scope,
}

impl FreshKey {
    /// Random digits behind a prefix that says what the key is.
    pub(crate) fn new(scope: Scope) -> Self {
        let kind = match scope {
            Scope::Server => secret::SERVER,
            Scope::Admin => secret::ADMIN,
        };
        let key = format!("{kind}{}", hex(&random::bytes::<{ secret::DIGITS / 2 }>()));
        let prefix = key.chars().take(kind.len() + secret::DIGITS_SHOWN).collect();
        Self { hash: sha256_hex(key.as_bytes()), prefix, id: format!("key_{}", hex(&random::bytes::<8>())), key, scope }
    }

    pub(crate) fn row<'a>(&'a self, name: &'a str) -> companies::NewKey<'a> {
        companies::NewKey { hash: &self.hash, id: &self.id, scope: self.scope, prefix: &self.prefix, name }
    }
}
