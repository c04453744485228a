//! The directory: companies and their keys. A key is found by its hash alone, because the key tells
//! the company.

use serde::Deserialize;
use trackmate_wire::limits::KEYS_MAX;

use super::{Db, Param, Result, Statement, sql};
use crate::domain::secret::Scope;

/// Whether browsers must prove who they identify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// A proof is ignored.
    Off,
    /// If a proof is sent, it must be right.
    Optional,
    /// Every identify needs a proof.
    Required,
}

impl Verification {
    /// In the order of their numbers.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Off, "off"), (Self::Optional, "optional"), (Self::Required, "required")];

    /// Its number, as stored.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Off => 0,
            Self::Optional => 1,
            Self::Required => 2,
        }
    }

    /// By its number.
    #[must_use]
    pub fn of(number: i64) -> Self {
        Self::ALL.into_iter().map(|(rule, _)| rule).find(|rule| rule.number() == number).unwrap_or(Self::Off)
    }

    /// As in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(rule, _)| *rule == self).map_or("off", |(_, name)| name)
    }
}

#[derive(Deserialize)]
struct Rule {
    verification: i64,
    identity_secret: Option<String>,
}

/// The verification rule of a company, and its sealed secret.
///
/// # Errors
/// D1's.
pub async fn verification(db: &Db, company: &str) -> Result<Option<(Verification, Option<String>)>> {
    let found = db.run(sql::COMPANY_VERIFY, &[company.into()]).await?.first::<Rule>()?;
    Ok(found.map(|rule| (Verification::of(rule.verification), rule.identity_secret)))
}

/// A key as found by its hash.
#[derive(Debug, Clone, Deserialize)]
pub struct Key {
    /// Its company.
    pub company: String,
    /// SHA-256, hex.
    pub hash: String,
    /// For listing and revoking.
    pub id: String,
    /// Its first characters; empty if the statement does not read them.
    #[serde(default)]
    pub prefix: String,
    /// What it may do.
    pub scope: Scope,
    /// ms, written at most once an hour.
    pub last_used_at: Option<i64>,
    /// ms.
    pub revoked_at: Option<i64>,
}

/// Finds a key by its hash. Takes no company, because the key tells the company.
///
/// # Errors
/// D1's.
pub async fn key(db: &Db, hash: &str) -> Result<Option<Key>> {
    db.run(sql::KEY_FIND, &[hash.into()]).await?.first()
}

/// Writes that a key was used, unless that was written less than `every_ms` ago.
///
/// # Errors
/// D1's.
pub async fn note_use(db: &Db, hash: &str, now_ms: i64, every_ms: i64) -> Result<()> {
    db.run(sql::KEY_USED, &[hash.into(), now_ms.into(), every_ms.into()]).await.map(drop)
}

/// A new key, of which only the hash is stored.
#[derive(Debug, Clone, Copy)]
pub struct NewKey<'a> {
    /// SHA-256, hex.
    pub hash: &'a str,
    /// For listing and revoking.
    pub id: &'a str,
    /// What it may do.
    pub scope: Scope,
    /// Its first characters.
    pub prefix: &'a str,
    /// The name that its owner gave it.
    pub name: &'a str,
}

impl NewKey<'_> {
    fn params<'a>(&'a self, company: &'a str, now_ms: i64) -> [Param<'a>; 7] {
        [
            self.hash.into(),
            company.into(),
            self.id.into(),
            self.scope.as_str().into(),
            self.prefix.into(),
            self.name.into(),
            now_ms.into(),
        ]
    }
}

/// A company that is created.
#[derive(Debug, Clone, Copy)]
pub struct NewCompany<'a> {
    /// `TM-…`
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The names of the events whose revenue counts, a JSON array.
    pub revenue_events: &'a str,
}

/// Creates a company with its first keys. `with` runs in the same transaction. `false` if the id is
/// taken: nothing was written then.
///
/// # Errors
/// D1's.
pub async fn create(
    db: &Db,
    company: NewCompany<'_>,
    keys: &[NewKey<'_>],
    with: Option<Statement>,
    now_ms: i64,
) -> Result<bool> {
    let NewCompany { id, name, revenue_events } = company;
    let mut batch =
        vec![db.bind(sql::COMPANY_INSERT, &[id.into(), name.into(), revenue_events.into(), now_ms.into()])?];
    for key in keys {
        batch.push(db.bind(sql::KEY_FIRST, &key.params(id, now_ms))?);
    }
    batch.extend(db.bind_all(with.as_slice())?);
    let answers = db.batch(batch).await?;
    Ok(answers.first().map(super::Answer::written).transpose()?.is_some_and(|rows| rows > 0))
}

/// Adds a key. `with` runs in the same transaction. `false` if the company does not exist, or has
/// the most live keys already.
///
/// # Errors
/// D1's.
pub async fn add_key(db: &Db, company: &str, key: &NewKey<'_>, with: Option<Statement>, now_ms: i64) -> Result<bool> {
    let params = [&key.params(company, now_ms)[..], &[KEYS_MAX.into()]].concat();
    let mut batch = vec![db.bind(sql::KEY_INSERT, &params)?];
    batch.extend(db.bind_all(with.as_slice())?);
    let answers = db.batch(batch).await?;
    Ok(answers.first().map(super::Answer::written).transpose()?.is_some_and(|rows| rows > 0))
}

/// A key as its owner sees it.
#[derive(Debug, Deserialize)]
pub struct ListedKey {
    /// For revoking.
    pub id: String,
    /// What it may do.
    pub scope: Scope,
    /// Its first characters.
    pub prefix: String,
    /// The name that its owner gave it.
    pub name: String,
    /// ms.
    pub created_at: i64,
    /// ms.
    pub last_used_at: Option<i64>,
    /// ms.
    pub revoked_at: Option<i64>,
}

/// A company's keys, live ones first.
///
/// # Errors
/// D1's.
pub async fn keys(db: &Db, company: &str, most: i64) -> Result<Vec<ListedKey>> {
    db.run(sql::KEY_LIST, &[company.into(), most.into()]).await?.rows()
}

/// Whether a key still works, by its id.
///
/// # Errors
/// D1's.
pub async fn is_live(db: &Db, company: &str, key: &str) -> Result<bool> {
    let live: Vec<serde_json::Value> = db.run(sql::KEY_LIVE, &[company.into(), key.into()]).await?.rows()?;
    Ok(!live.is_empty())
}

/// Revokes a key; `false` if it does not exist.
///
/// # Errors
/// D1's.
pub async fn revoke_key(db: &Db, company: &str, id: &str, now_ms: i64) -> Result<bool> {
    Ok(db.run(sql::KEY_REVOKE, &[company.into(), id.into(), now_ms.into()]).await?.written()? > 0)
}

/// A company and its settings.
#[derive(Debug, Deserialize)]
pub struct Company {
    /// `TM-…`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// JSON array; `None` allows every origin.
    pub allowed_origins: Option<String>,
    /// JSON array.
    pub revenue_events: String,
    /// 0 or 1.
    pub webhooks_enabled: i64,
    /// Days after which finished deliveries are deleted.
    pub log_days: i64,
    /// Days after which events are deleted; `None` for never.
    pub event_days: Option<i64>,
    /// A number of [`Verification`].
    pub verification: i64,
    /// 1 if the company has an identity secret.
    pub has_secret: i64,
}

/// Finds a company.
///
/// # Errors
/// D1's.
pub async fn find(db: &Db, company: &str) -> Result<Option<Company>> {
    db.run(sql::COMPANY_FIND, &[company.into()]).await?.first()
}

/// A company in the operator's list.
#[derive(Debug, Deserialize)]
pub struct Listed {
    /// `TM-…`.
    pub id: String,
    /// Its name; `None` if it is in another cell.
    pub name: Option<String>,
    /// ms; `None` if it is in another cell.
    pub created_at: Option<i64>,
    /// The cell that it is in.
    pub cell: String,
}

/// A page of all companies, for the operator. Takes the directory.
///
/// # Errors
/// D1's.
pub async fn list(db: &Db, after: &str, limit: i64) -> Result<Vec<Listed>> {
    db.run(sql::COMPANY_LIST, &[after.into(), limit.into()]).await?.rows()
}

/// A company with its name.
#[derive(Debug, Deserialize)]
pub struct Named {
    /// `TM-…`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// ms.
    pub created_at: i64,
}

/// The names of companies of a cell. Takes no company: the operator asks.
///
/// # Errors
/// D1's.
pub async fn names(db: &Db, ids: &[&str]) -> Result<Vec<Named>> {
    db.run(sql::COMPANY_NAMES, &[(&serde_json::to_string(ids)?).into()]).await?.rows()
}

/// A change of a company's settings; `None` changes nothing.
#[derive(Debug, Default)]
pub struct Change {
    /// A new name.
    pub name: Option<String>,
    /// JSON array of origins, or `Some(None)` for every origin.
    pub allowed_origins: Option<Option<String>>,
    /// JSON array of event types.
    pub revenue_events: Option<String>,
    /// Whether deliveries go out.
    pub webhooks_enabled: Option<bool>,
    /// Days after which finished deliveries are deleted.
    pub log_days: Option<u32>,
    /// Days after which events are deleted, or `Some(None)` for never.
    pub event_days: Option<Option<u32>>,
    /// Whether browsers must prove who they identify.
    pub verification: Option<Verification>,
    /// The sealed secret of that proof.
    pub identity_secret: Option<String>,
}

/// Changes a company's settings.
///
/// # Errors
/// D1's.
pub async fn update(db: &Db, company: &str, change: &Change) -> Result<()> {
    let origins = change.allowed_origins.as_ref();
    let params = [
        company.into(),
        change.name.as_ref().into(),
        i64::from(origins.is_some()).into(),
        origins.and_then(Option::as_ref).into(),
        change.revenue_events.as_ref().into(),
        change.webhooks_enabled.map(i64::from).into(),
        change.log_days.map(i64::from).into(),
        i64::from(change.event_days.is_some()).into(),
        change.event_days.flatten().map(i64::from).into(),
        change.verification.map(Verification::number).into(),
        change.identity_secret.as_ref().into(),
    ];
    let mut batch = vec![db.bind(sql::COMPANY_UPDATE, &params)?];
    if change.webhooks_enabled == Some(true) {
        batch.push(db.bind(sql::SUBSCRIPTION_RELEASE_ALL, &[company.into()])?);
    }
    db.batch(batch).await.map(drop)
}
