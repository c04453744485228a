//! Reads people: their profiles, and the profiles to which a request's identifiers lead.

use serde::{Deserialize, Serialize};
use trackmate_wire::limits::SERVER_LINKS_COUNTED_MAX;

use super::companies::Key;
use super::{Batch, Bound, Db, Result, sql};
use crate::domain::clock;
use crate::domain::person::{self, Consent, Person};
use crate::domain::secret::Scope;

/// A profile with its counts.
#[derive(Debug, Deserialize)]
pub struct Profile {
    /// Its id.
    pub id: String,
    /// The address as first typed. A profile without one shows that of a profile merged into it.
    pub email: Option<String>,
    /// The company's id of the person. A profile without one shows that of a profile merged into
    /// it.
    pub external_id: Option<String>,
    /// The claimed name.
    pub name: Option<String>,
    /// JSON object.
    pub traits: String,
    /// Id of its server session, `webhook_…`.
    pub server_session: String,
    /// ms.
    pub created_at: i64,
    /// `ts` of the first identify.
    pub registered_at: Option<i64>,
    /// The message id of that identify.
    pub registered_id: Option<String>,
    /// `ts` of the latest event.
    pub last_ts: Option<i64>,
    /// The number of its events.
    pub events: i64,
    /// The number of those that a server sent.
    pub server_events: i64,
    /// The number of its browser sessions.
    pub sessions: i64,
    /// JSON object of counters.
    pub revenue: Option<String>,
    /// ms.
    pub erased_at: Option<i64>,
    /// JSON array: the company's event types that count as revenue.
    pub revenue_events: String,
    /// JSON object of the trusted traits.
    pub trusted_traits: String,
    /// JSON object, platform → opted in.
    pub opt_ins: String,
    /// Consent to exports: 1 given, 0 refused, `None` unknown.
    pub consent: Option<i64>,
    /// ms.
    pub consent_at: Option<i64>,
    /// Where the person gave it.
    pub consent_source: Option<String>,
    /// ms, when trusted data last changed.
    pub trusted_at: Option<i64>,
    /// ms, by our clock.
    pub updated_at: i64,
    /// A random number that each edit replaces.
    pub revision: i64,
    /// JSON array of its lookup keys other than that of `email`.
    pub aliases: String,
    /// JSON: the trusted data of this profile alone, while others are merged into it.
    pub trusted_data: Option<String>,
    /// JSON object, name → ms when it was added.
    pub tags: String,
    /// JSON object, name → value.
    pub fields: String,
    /// JSON object, [`crate::domain::person::Counts`].
    pub counts: String,
    /// Number of the browser sessions that only servers identified. It is read with a single
    /// profile only.
    #[serde(default)]
    pub server_only_sessions: i64,
}

impl Profile {
    /// The person of this row.
    ///
    /// # Errors
    /// When a stored text is not JSON.
    pub fn person(&self, company: &str) -> Result<Person> {
        let consent = |given| Consent {
            given: given != 0,
            at_ms: self.consent_at.unwrap_or_default(),
            source: self.consent_source.clone().unwrap_or_default(),
        };
        Ok(Person {
            id: self.id.clone(),
            company: company.to_owned(),
            email: self.email.clone(),
            external_id: self.external_id.clone(),
            claimed_name: self.name.clone(),
            claimed_traits: person::traits(&self.traits)?,
            trusted_traits: person::traits(&self.trusted_traits)?,
            opt_ins: serde_json::from_str(&self.opt_ins)?,
            consent: self.consent.map(consent),
            tags: serde_json::from_str(&self.tags)?,
            fields: serde_json::from_str(&self.fields)?,
            created_ms: self.created_at,
            registered_ms: self.registered_at.map(clock::ts_ms),
            updated_ms: self.updated_at,
            active_ms: self.last_ts.map(clock::ts_ms),
            trusted_ms: self.trusted_at,
            counts: serde_json::from_str(&self.counts)?,
        })
    }
}

/// The profiles to which the identifiers of a server request lead. They belong to the key's
/// company.
#[derive(Debug, Deserialize)]
#[serde(from = "ResolvedRow")]
pub struct Resolved {
    /// The key.
    pub key: Key,
    /// The version of the company's tracking plan in force; 0 for none.
    pub plan: i64,
    /// The profile with the given user id …
    pub user_id: Option<String>,
    /// … and its server session.
    pub user_session: Option<String>,
    /// … or when the profile was erased, ms.
    pub erased_at: Option<i64>,
    /// The profile with the given address …
    pub email_id: Option<String>,
    /// … and its server session.
    pub email_session: Option<String>,
    /// The owner of the given session at the given time.
    pub session_id: Option<String>,
    /// 1 while somebody watches received items.
    pub watched: Option<i64>,
}

/// The row of [`Resolved`]. `serde(flatten)` would do the same, but takes several times as long.
#[derive(Deserialize)]
struct ResolvedRow {
    company: String,
    hash: String,
    id: String,
    scope: Scope,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
    plan: i64,
    user_id: Option<String>,
    user_session: Option<String>,
    erased_at: Option<i64>,
    email_id: Option<String>,
    email_session: Option<String>,
    session_id: Option<String>,
    watched: Option<i64>,
}

impl From<ResolvedRow> for Resolved {
    fn from(row: ResolvedRow) -> Self {
        let ResolvedRow { company, hash, id, scope, last_used_at, revoked_at, .. } = row;
        Self {
            key: Key { company, hash, id, prefix: String::new(), scope, last_used_at, revoked_at },
            plan: row.plan,
            user_id: row.user_id,
            user_session: row.user_session,
            erased_at: row.erased_at,
            email_id: row.email_id,
            email_session: row.email_session,
            session_id: row.session_id,
            watched: row.watched,
        }
    }
}

impl Resolved {
    /// The server session of the person whom the user id or the identity key names. The user id
    /// counts first.
    #[must_use]
    pub fn server_session(&self, identifiers: &Identifiers) -> Option<&str> {
        if identifiers.user.is_some() { self.user_session.as_deref() } else { self.email_session.as_deref() }
    }
}

/// The identifiers by which a server request names a person.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Identifiers {
    /// The identity key: of an address or of a user id.
    #[serde(rename = "address")]
    pub identity_key: Option<String>,
    /// The address as typed.
    pub email: Option<String>,
    /// A profile's id.
    pub user: Option<String>,
    /// A browser session.
    pub session: Option<String>,
    /// Whether an address of nobody is ignored instead of creating a person.
    #[serde(default)]
    pub only_known: bool,
}

impl Identifiers {
    /// The first by priority: user id, identity key, session.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.user.as_deref().or(self.identity_key.as_deref()).or(self.session.as_deref())
    }
}

/// Finds the key by its hash and, in its company, the people to whom the identifiers lead at `ts`.
/// Takes no company, because the key tells the company. One statement reads the directory and the
/// company's tables, which are in one database today; with two databases it becomes two statements.
///
/// # Errors
/// D1's.
pub async fn resolve(db: &Db, key_hash: &str, who: &Identifiers, ts: i64, now_ms: i64) -> Result<Option<Resolved>> {
    let mut batch = Batch::default();
    let resolved = batch.read(resolve_statement(db, key_hash, who, ts, now_ms)?);
    Ok(db.run_batch(batch).await?.rows_as_text(&resolved)?.into_iter().next())
}

/// The statement of [`resolve`].
pub(super) fn resolve_statement(db: &Db, key_hash: &str, who: &Identifiers, ts: i64, now_ms: i64) -> Result<Bound> {
    let params = [
        key_hash.into(),
        who.identity_key.as_ref().into(),
        who.user.as_ref().into(),
        who.session.as_ref().into(),
        ts.into(),
        now_ms.into(),
    ];
    db.bind(sql::SERVER_RESOLVE, &params)
}

/// A profile by its id, or the one it was merged into.
///
/// # Errors
/// D1's.
pub async fn profile(db: &Db, company: &str, id: &str) -> Result<Option<Profile>> {
    db.run(sql::PROFILE_FIND, &[company.into(), id.into(), SERVER_LINKS_COUNTED_MAX.into()]).await?.first()
}

/// A profile by the lookup key of an address.
///
/// # Errors
/// D1's.
pub async fn by_address(db: &Db, company: &str, address: &str) -> Result<Vec<Profile>> {
    db.run(sql::PROFILE_BY_ADDRESS, &[company.into(), address.into()]).await?.rows()
}
