//! Who is calling. A handler that needs credentials takes one of these types, and the only way to have one is to have shown the key.

use trackmate_wire::hex::hex;
use trackmate_wire::limits::KEY_USE_MS;
use trackmate_wire::problem::{Code, Problem};
use trackmate_wire::signature::{constant_time_eq, sha256_hex};

use super::audit;
use crate::domain::secret;
use crate::error::Error;
use crate::http::context::Call;
use crate::http::rate_limit;
use crate::runtime::random;
use crate::store::audit::Actor;
use crate::store::companies::{Key, Scope};
use crate::store::{self, companies};

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
    pub(crate) async fn of(call: &Call) -> Result<Self, Error> {
        let hash = hash_of(call, "x-admin-id")?;
        rate_limit::key(call, &hash).await?;
        let key = companies::key(call.db(None)?, &hash).await?;
        let Key { company, id: key, prefix, .. } = accept(call, key, &hash, Scope::Admin)?;
        audit::asked_by(call, Some(&company), Actor::Admin { key: key.clone(), prefix: prefix.clone() });
        Ok(Self { company, key, prefix })
    }
}

/// The operator of the deployment: `Authorization: Bearer` with the Worker secret `OPERATOR_KEY`.
pub(crate) struct Operator(());

impl Operator {
    pub(crate) fn of(call: &Call) -> Result<Self, Error> {
        let shown = bearer(call)
            .ok_or_else(|| Problem::new(Code::MissingKey, "send the operator key as Authorization: Bearer"))?;
        let secret = call.env().secret("OPERATOR_KEY").map(|s| s.to_string()).unwrap_or_default();
        // Digests have one length, so the comparison tells nothing of the secret's.
        if !secret.is_empty() && constant_time_eq(&sha256_hex(shown.as_bytes()), &sha256_hex(secret.as_bytes())) {
            audit::asked_by(call, None, Actor::Operator);
            return Ok(Self(()));
        }
        Err(Problem::new(Code::InvalidKey, "the operator key is wrong").into())
    }
}

/// The hash of the key in this header or in `Authorization: Bearer`.
pub(crate) fn hash_of(call: &Call, header: &str) -> Result<String, Problem> {
    let key = call.header(header).or_else(|| bearer(call));
    let key = key
        .ok_or_else(|| Problem::new(Code::MissingKey, format!("send a key in {header} or as Authorization: Bearer")))?;
    Ok(sha256_hex(key.as_bytes()))
}

pub(crate) fn bearer(call: &Call) -> Option<String> {
    let value = call.header("authorization")?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().to_owned())
}

/// Takes a key that was found if it is live and of this scope, and notes its use.
pub(crate) fn accept(call: &Call, key: Option<Key>, hash: &str, scope: Scope) -> Result<Key, Problem> {
    let live = key.filter(|k| k.revoked_at.is_none() && constant_time_eq(&k.hash, hash));
    let key = live.ok_or_else(|| Problem::new(Code::InvalidKey, "the key is unknown or revoked"))?;
    if key.scope != scope {
        return Err(Problem::new(
            Code::WrongScope,
            format!("this route takes a key of scope {}, not {}", scope.as_str(), key.scope.as_str()),
        ));
    }
    if key.last_used_at.is_none_or(|at| call.now_ms() - at >= KEY_USE_MS) && call.is_key_to_note() {
        let (env, hash, now) = (call.env().clone(), hash.to_owned(), call.now_ms());
        call.after_answer(async move {
            if let Ok(db) = store::database(&env, None)
                && let Err(error) = companies::note_use(&db, &hash, now, KEY_USE_MS).await
            {
                worker::console_error!(
                    "a key's use was not noted: {}",
                    error.to_string().lines().next().unwrap_or_default()
                );
            }
        });
    }
    Ok(key)
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
