//! The audit log: who changed what.

use serde::Deserialize;
use trackmate_wire::limits::AUDIT_PRUNE_MAX;

use super::{Bound, Db, Result, sql};
use crate::domain::audit::Action;

/// Who made a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// An admin of the company, identified by their key.
    Admin {
        /// The key's id.
        key: String,
        /// Its first characters.
        prefix: String,
    },
    /// The operator of the deployment.
    Operator,
}

/// A change for the log.
#[derive(Debug, Clone, Copy)]
pub struct Deed<'a> {
    /// The entry's id.
    pub id: &'a str,
    /// Who made it.
    pub actor: &'a Actor,
    /// The kind of change.
    pub action: Action,
    /// The id of the changed thing.
    pub target: Option<&'a str>,
    /// The request's id.
    pub request: &'a str,
    /// `ok` or the problem's code.
    pub outcome: &'a str,
}

/// Writes an entry.
///
/// # Errors
/// D1's.
pub async fn add(db: &Db, company: &str, deed: Deed<'_>, now_ms: i64) -> Result<()> {
    let (actor, key) = match deed.actor {
        Actor::Admin { key, prefix } => ("admin", Some((key, prefix))),
        Actor::Operator => ("operator", None),
    };
    let params = [
        company.into(),
        deed.id.into(),
        now_ms.into(),
        actor.into(),
        key.map(|(id, _)| id).into(),
        key.map(|(_, prefix)| prefix).into(),
        deed.action.as_str().into(),
        deed.target.into(),
        deed.request.into(),
        deed.outcome.into(),
    ];
    db.run(sql::AUDIT_INSERT, &params).await.map(drop)
}

/// An entry as stored.
#[derive(Debug, Deserialize)]
pub struct Entry {
    /// `aud_…`
    pub id: String,
    /// ms.
    pub at: i64,
    /// `admin` or `operator`.
    pub actor: String,
    /// An admin's key.
    pub key_id: Option<String>,
    /// Its first characters.
    pub key_prefix: Option<String>,
    /// The kind of change.
    pub action: String,
    /// The id of the changed thing.
    pub target: Option<String>,
    /// The request's id.
    pub request: String,
    /// `ok` or a code.
    pub outcome: String,
}

/// A filter of entries.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The first id.
    pub from: &'a str,
    /// The id before which the entries end.
    pub before: &'a str,
    /// Only of this kind of change.
    pub action: Option<&'a str>,
}

/// A company's entries, newest first.
///
/// # Errors
/// D1's.
pub async fn list(db: &Db, company: &str, wanted: Wanted<'_>, limit: i64) -> Result<Vec<Entry>> {
    let Wanted { from, before, action } = wanted;
    db.run(sql::AUDIT_LIST, &[company.into(), before.into(), from.into(), action.into(), limit.into()]).await?.rows()
}

/// The statement that deletes a slice of the entries older than `before_ms`. Takes no company: the
/// sweep serves all companies.
///
/// # Errors
/// When D1 refuses a parameter.
pub fn prune(db: &Db, before_ms: i64) -> Result<Bound> {
    db.bind(sql::AUDIT_PRUNE, &[before_ms.into(), AUDIT_PRUNE_MAX.into()])
}
