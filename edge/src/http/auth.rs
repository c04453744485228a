//! Who is calling. A handler that needs credentials takes one of these types as an argument. Only
//! a check of the key makes a value of them.

use trackmate_wire::hex::hex;
use trackmate_wire::problem::{Code, Problem};
use trackmate_wire::signature::{constant_time_eq, sha256_hex};

use crate::credentials::accept;
use crate::domain::secret;
use crate::domain::secret::Scope;
use crate::error::Error;
use crate::http::context::RequestContext;
use crate::http::rate_limit;
use crate::runtime::random;
use crate::store::audit::Actor;
use crate::store::companies;
use crate::store::companies::Key;

/// An admin of a company: `X-Admin-ID` or `Authorization: Bearer`.
pub(crate) struct Admin {
    /// The key's company. The caller can reach no other.
    pub(crate) company: String,
    /// The key's id.
    pub(crate) key: String,
    /// The key's first characters.
    pub(crate) prefix: String,
}

impl Admin {
    pub(crate) async fn of(cx: &RequestContext) -> Result<Self, Error> {
        let hash = hash_of(cx, "x-admin-id")?;
        rate_limit::count_key(cx, &hash).await?;
        let key = companies::key(cx.db_of_key(&hash)?, &hash).await?;
        let Key { company, id: key, prefix, .. } = accept(cx, key, &hash, Scope::Admin)?;
        cx.set_actor(Some(&company), Actor::Admin { key: key.clone(), prefix: prefix.clone() });
        Ok(Self { company, key, prefix })
    }
}

/// The operator of the deployment: `Authorization: Bearer` with the Worker secret `OPERATOR_KEY`.
pub(crate) struct Operator(());

impl Operator {
    pub(crate) fn of(cx: &RequestContext) -> Result<Self, Error> {
        let key = bearer(cx)
            .ok_or_else(|| Problem::new(Code::MissingKey, "send the operator key as Authorization: Bearer"))?;
        let secret = cx.env().secret("OPERATOR_KEY").map(|s| s.to_string()).unwrap_or_default();
        // Digests have one length, so the time of the comparison does not depend on the secret's.
        if !secret.is_empty() && constant_time_eq(&sha256_hex(key.as_bytes()), &sha256_hex(secret.as_bytes())) {
            cx.set_actor(None, Actor::Operator);
            return Ok(Self(()));
        }
        Err(Problem::new(Code::InvalidKey, "the operator key is wrong").into())
    }
}

/// Hashes the key that is in this header or in `Authorization: Bearer`.
pub(crate) fn hash_of(cx: &RequestContext, header: &str) -> Result<String, Problem> {
    let key = cx.header(header).or_else(|| bearer(cx));
    let key = key
        .ok_or_else(|| Problem::new(Code::MissingKey, format!("send a key in {header} or as Authorization: Bearer")))?;
    Ok(sha256_hex(key.as_bytes()))
}

/// The key in `Authorization: Bearer`.
pub(crate) fn bearer(cx: &RequestContext) -> Option<String> {
    let value = cx.header("authorization")?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().to_owned())
}

/// A new key. It exists in full only here and in the answer; the database stores its hash.
pub(crate) struct FreshKey {
    /// The key itself. One answer shows it.
    pub(crate) key: String,
    /// What the database stores.
    pub(crate) hash: String,
    /// The first characters, which lists show.
    pub(crate) prefix: String,
    /// Names the key in lists and when it is revoked.
    pub(crate) id: String,
    pub(crate) scope: Scope,
}

impl FreshKey {
    /// Makes a key: a prefix that names its scope, then random digits.
    pub(crate) fn new(scope: Scope) -> Self {
        let kind = match scope {
            Scope::Server => secret::SERVER,
            Scope::Admin => secret::ADMIN,
        };
        let key = format!("{kind}{}", hex(&random::bytes::<{ secret::DIGITS / 2 }>()));
        let prefix = key.chars().take(kind.len() + secret::DIGITS_SHOWN).collect();
        Self { hash: sha256_hex(key.as_bytes()), prefix, id: format!("key_{}", hex(&random::bytes::<8>())), key, scope }
    }

    /// The row that stores the key.
    pub(crate) fn row<'a>(&'a self, name: &'a str) -> companies::NewKey<'a> {
        companies::NewKey { hash: &self.hash, id: &self.id, scope: self.scope, prefix: &self.prefix, name }
    }
}
