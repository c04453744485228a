//! `/api/admin/keys`: lists, creates and revokes the keys of a company. The operator's routes use
//! the same code.

use serde::{Deserialize, Serialize};
use trackmate_wire::limits::{KEYS_MAX, KEYS_SHOWN_MAX, NAME_CHARS_MAX};
use trackmate_wire::problem::{Code, Problem};

use crate::domain::clock;
use crate::domain::request_body;
use crate::domain::secret::Scope;
use crate::http::auth::{self, FreshKey};
use crate::http::body;
use crate::http::context::RequestContext;
use crate::http::idempotency;
use crate::http::response::{self, success};
use crate::http::route::HandlerResult;
use crate::store::companies::{self, ListedKey};
use crate::store::{cells, directory};

/// A key as it is listed: never the key itself.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Key<'a> {
    id: &'a str,
    scope: &'static str,
    prefix: &'a str,
    name: &'a str,
    created_at: String,
    last_used_at: Option<String>,
    revoked_at: Option<String>,
}

impl<'a> Key<'a> {
    pub(crate) fn new(key: &'a ListedKey) -> Self {
        Self {
            id: &key.id,
            scope: key.scope.as_str(),
            prefix: &key.prefix,
            name: &key.name,
            created_at: clock::iso(key.created_at),
            last_used_at: key.last_used_at.map(clock::iso),
            revoked_at: key.revoked_at.map(clock::iso),
        }
    }
}

/// A key in the answer that made it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct MadeKey<'a> {
    #[serde(flatten)]
    listed: Key<'a>,
    /// The key itself, shown this once.
    key: &'a str,
}

impl<'a> MadeKey<'a> {
    pub(crate) fn new(made: &'a FreshKey, name: &'a str, now_ms: i64) -> Self {
        let listed = Key {
            id: &made.id,
            scope: made.scope.as_str(),
            prefix: &made.prefix,
            name,
            created_at: clock::iso(now_ms),
            last_used_at: None,
            revoked_at: None,
        };
        Self { listed, key: &made.key }
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct OwnKey<'a> {
    #[serde(flatten)]
    listed: Key<'a>,
    /// Whether it is the one that asks.
    current: bool,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct OwnKeyList<'a> {
    keys: Vec<OwnKey<'a>>,
}

/// `GET /api/admin/keys` → `{success, keys:[{id, scope, prefix, name, createdAt, lastUsedAt,
/// revokedAt, current}]}`. Keys that are not revoked come first.
pub(crate) async fn list(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    let keys = companies::keys(cx.db(&admin.company)?, &admin.company, KEYS_SHOWN_MAX).await?;
    let listed = |key| OwnKey { listed: Key::new(key), current: key.id == admin.key };
    response::answer(&OwnKeyList { keys: keys.iter().map(listed).collect() })
}

/// `POST /api/admin/keys` `{scope:"server"|"admin", name?}` → `{success, key}`. No other answer
/// shows the key.
pub(crate) async fn post(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    add(cx, &admin.company).await
}

/// `DELETE /api/admin/keys/{id}` → `{success}`. The key stops working at once. A key cannot revoke
/// itself, so that an admin always has one that works.
pub(crate) async fn delete(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    if id == admin.key {
        let message = "a key does not revoke itself; ask with another one";
        return Err(Problem::new(Code::Conflict, message).into());
    }
    revoke(cx, &admin.company, id).await
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRequest {
    scope: Option<Scope>,
    name: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct KeyAnswer<'a> {
    key: MadeKey<'a>,
}

/// Creates a key of a company.
pub(crate) async fn add(cx: &RequestContext, company: &str) -> HandlerResult {
    let text = body::text(cx).await?;
    let request: KeyRequest = request_body::change(&text)?;
    let scope = request.scope.ok_or_else(|| Problem::field(Code::MissingField, "scope", "scope is server or admin"))?;
    let name = request.name.unwrap_or_default();
    body::check_length(&name, "name", 0..=NAME_CHARS_MAX)?;
    let (key, db) = (FreshKey::new(scope), cx.db(company)?);
    let answer = response::answer(&KeyAnswer { key: MadeKey::new(&key, &name, cx.now_ms()) })?;
    let with = idempotency::with_effect_in_directory(cx, &answer)?;
    if !companies::add_key(db, company, &key.row(&name), with, cx.now_ms()).await? {
        let message = format!("a company has at most {KEYS_MAX} keys that are not revoked");
        let full = companies::find(db, company).await?.map(|_| Problem::new(Code::LimitReached, message));
        return Err(full.unwrap_or_else(unknown).into());
    }
    if cells::all(cx.env()).len() > 1 {
        directory::note_key(cx.directory()?, company, &key.hash).await?;
    }
    cx.set_audit_target(&key.id);
    Ok(answer)
}

/// Revokes a key of a company.
pub(crate) async fn revoke(cx: &RequestContext, company: &str, key: &str) -> HandlerResult {
    if !companies::revoke_key(cx.db(company)?, company, key, cx.now_ms()).await? {
        return Err(Problem::new(Code::NotFound, "no key of this company has this id").into());
    }
    success()
}

pub(crate) fn unknown() -> Problem {
    Problem::new(Code::UnknownCompany, "no company has this id")
}
