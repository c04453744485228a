//! The audit log.

use serde::Deserialize;
use trackmate_wire::limits::AUDIT_PRUNE_MAX;

use super::{Db, Result, sql};
use crate::domain::audit::Action;

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// An admin of the company, by the key they showed.
    Admin {
        /// The key's id.
        key: String,
        /// Its first characters.
        prefix: String,
    },
    /// The operator of the deployment.
    Operator,
}

/// What was done.
#[derive(Debug, Clone, Copy)]
pub struct Deed<'a> {
    /// The entry's id.
    pub id: &'a str,
    /// By whom.
    pub actor: &'a Actor,
    /// What.
    pub action: Action,
    /// The id of what it was done to.
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
    /// What.
    pub action: String,
    /// To what.
    pub target: Option<String>,
    /// In which request.
    pub request: String,
    /// `ok` or a code.
    pub outcome: String,
}

/// Entries from one id, which is of it, to another, which is not; newest first.
///
/// # Errors
/// D1's.
pub async fn list(
    db: &Db,
    company: &str,
    from: &str,
    before: &str,
    action: Option<&str>,
    limit: i64,
) -> Result<Vec<Entry>> {
    db.run(sql::AUDIT_LIST, &[company.into(), before.into(), from.into(), action.into(), limit.into()]).await?.rows()
}

/// Deletes a slice of what is older than this. Takes no company: the sweep serves all.
///
/// # Errors
/// D1's.
pub async fn prune(db: &Db, before_ms: i64) -> Result<()> {
    db.run(sql::AUDIT_PRUNE, &[before_ms.into(), AUDIT_PRUNE_MAX.into()]).await.map(drop)
}
