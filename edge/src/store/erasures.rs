//! Erases a person. The first batch removes the person at once: nobody can see their data any more,
//! and tombstones keep them from coming back. The request and then the sweep delete the events,
//! deliveries and attempts in slices. `erasures` stores the progress, so a crash costs only time. A
//! slice deletes only what the person owns at that moment, so it can run twice.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trackmate_wire::limits::{ERASE_EVENTS_MAX, ERASE_LINKS_MAX, ERASE_PEOPLE_MAX, ERASE_SEARCHED_MAX, FUTURE_MS_MAX};

use super::outbox::{self, Outbox};
use super::people::Profile;
use super::{Batch, ChangeStamp, Db, Param, Result, Statement, rebuild, retention, sql};
use crate::domain::compat::user_session;
use crate::domain::{clock, tombstone};

/// The state of an erasure.
#[derive(Debug, Deserialize)]
pub struct Erasure {
    /// The erased profile.
    pub profile: String,
    /// ms.
    pub erased_at: i64,
    /// ms, when the last row was deleted.
    pub completed_at: Option<i64>,
    /// JSON object, kind → number of deleted rows.
    pub counts: String,
}

/// An erasure that is not complete.
#[derive(Debug, Deserialize)]
pub struct Open {
    /// Its company.
    pub company: String,
    /// The erased profile.
    pub profile: String,
}

/// An identity key of a person.
#[derive(Debug, Deserialize)]
pub struct Identity {
    /// `email` or `user`.
    pub kind: String,
    /// The lookup key.
    pub key: String,
    /// Its id in public answers.
    pub public_id: String,
}

#[derive(Serialize)]
struct Named<'a> {
    k: &'a str,
    v: &'a str,
}

/// The platform event about an erasure, as an item of a JSON parameter.
#[derive(Serialize)]
struct Notice<'a> {
    i: &'a str,
    t: i64,
    n: &'static str,
    d: Value,
}

#[derive(Deserialize)]
struct Rebuilt {
    profile: String,
}

#[derive(Deserialize)]
struct Slice {
    ids: Option<String>,
}

/// A slice of the company's events without a session.
#[derive(Debug, Deserialize)]
pub struct Searched {
    /// The events about the person, a JSON array of `{s source, i message id}`.
    pub ids: String,
    /// Where the slice ends, JSON; `None` if it was the last slice.
    pub place: Option<String>,
}

/// The statements that remove a person with all their identity keys. The first returns a row if
/// nobody edited the person since they were read.
///
/// To delete the rows of another table by the person's id or address: add a statement here, after
/// the one that checks the revision. What depends on an event is deleted with the event:
/// [`retention::forgetting`].
///
/// # Errors
/// When something stored is not JSON.
pub fn erasing(
    company: &str,
    read: &Profile,
    identities: &[Identity],
    stamp: ChangeStamp,
    notice_id: &str,
) -> Result<Vec<Statement>> {
    let ChangeStamp { marker: revision, now_ms } = stamp;
    let hashes: Vec<Value> = identities
        .iter()
        .map(|i| json!({ "h": tombstone::hash(company, &i.kind, &i.key), "p": i.public_id }))
        .collect();
    let named: Vec<Named<'_>> = identities.iter().map(|i| Named { k: &i.kind, v: &i.key }).collect();
    let names = |json: &str| -> Result<Vec<String>> {
        Ok(serde_json::from_str::<BTreeMap<String, Value>>(json)?.into_keys().collect())
    };
    let (tags, fields) = (names(&read.tags)?, names(&read.fields)?);
    let counts = json!({
        "events": 0, "deliveries": 0, "attempts": 0, "records": 0, "memberships": 0,
        "sessions": read.sessions + i64::from(read.server_events > 0),
        "identities": identities.len(), "tags": tags.len(), "customFields": fields.len(),
    });
    let notice = Notice { i: notice_id, t: clock::event_ts(now_ms, 0), n: "user.deleted", d: json!({}) };
    let user = json!({ "id": read.id }).to_string();
    let (hashes, named, notice) =
        (serde_json::to_string(&hashes)?, serde_json::to_string(&named)?, serde_json::to_string(&[notice])?);
    // The sessions of events that browsers sent with an id of the person and no visitor id.
    let sessions = json!(identities.iter().map(|i| user_session(&i.key)).collect::<Vec<_>>()).to_string();
    let (tags, fields, who) = (serde_json::to_string(&tags)?, serde_json::to_string(&fields)?, &read.id);
    Ok(vec![
        Statement::new(sql::PROFILE_ERASE, json!([company, who, read.revision, revision, now_ms])),
        Statement::new(sql::PROFILES_ERASE, json!([company, who, revision, now_ms])),
        Statement::new(
            sql::ERASURE_INSERT,
            json!([company, who, revision, now_ms, notice_id, FUTURE_MS_MAX, counts.to_string()]),
        ),
        Statement::new(sql::REBUILD_ERASE, json!([company, who, revision])),
        Statement::new(sql::TOMBSTONES_INSERT, json!([company, hashes, who, revision, now_ms])),
        Statement::new(sql::IDENTITIES_ERASE, json!([company, named, who, revision])),
        Statement::new(sql::LINKS_ADOPT, json!([company, sessions, who, revision])),
        Statement::new(sql::TAGS_DELETE, json!([company, who, tags, revision])),
        Statement::new(sql::FIELDS_DELETE, json!([company, who, fields, revision])),
        Statement::new(sql::SEARCH_ERASE, json!([company, who, revision])),
        Statement::new(sql::ANSWERS_SALT_ERASE, json!([company, who, revision])),
        Statement::new(sql::PLATFORM_EDITED, json!([company, notice, user, who, revision, now_ms])),
    ])
}

/// Removes the person, and stores `user.deleted` if a subscription wants it. `None` if another
/// request edited the person meanwhile. Nothing was written then, and the caller reads again.
///
/// # Errors
/// D1's; nothing was written then.
pub async fn begin(
    db: &Db,
    company: &str,
    read: &Profile,
    stamp: ChangeStamp,
    notice_id: &str,
) -> Result<Option<Outbox>> {
    let identities: Vec<Identity> = db.run(sql::IDENTITIES_OF, &[company.into(), (&read.id).into()]).await?.rows()?;
    let mut batch = Batch::default();
    let won = batch.read_first::<Value>(db.bind_all(&erasing(company, read, &identities, stamp, notice_id)?)?);
    let ids = serde_json::to_string(&[notice_id])?;
    let outbox = outbox::of_platform_events(db, &mut batch, company, &ids, stamp)?;
    let answers = db.run_batch(batch).await?;
    let won = !answers.rows(&won)?.is_empty();
    Ok(if won { Some(outbox::of_platform_events_answer(&answers, &outbox)?) } else { None })
}

/// The statements that delete these events, and records and memberships on some links of an erased
/// person (at most `records` of each). They also release the links that then own nothing.
#[must_use]
pub fn releasing(company: &str, profile: &str, ids: &str, links: i64, records: i64) -> Vec<Statement> {
    let mut statements = counted(company, ids, profile);
    statements.push(Statement::new(sql::RECORDS_ERASE, json!([company, profile, links, records])));
    statements.push(Statement::new(sql::ERASURE_COUNT, json!([company, profile, "records"])));
    statements.push(Statement::new(sql::INCOMING_ERASE, json!([company, profile, links])));
    statements.push(Statement::new(sql::MEMBERSHIPS_ERASE, json!([company, profile, links, records])));
    statements.push(Statement::new(sql::ERASURE_COUNT, json!([company, profile, "memberships"])));
    statements.push(Statement::new(sql::LINKS_RELEASE, json!([company, profile, links])));
    statements
}

/// The statements that delete the events about an erased person in a slice of the events without a
/// session. The last slice completes the erasure.
#[must_use]
pub fn forgetting(company: &str, profile: &str, searched: &Searched, now_ms: i64) -> Vec<Statement> {
    let mut statements = if searched.ids == "[]" { Vec::new() } else { counted(company, &searched.ids, profile) };
    if let Some(place) = &searched.place {
        statements.push(Statement::new(sql::ERASURE_PLACE, json!([company, profile, place])));
    } else {
        statements.push(Statement::new(sql::ERASURE_FINISH, json!([company, profile, now_ms])));
        statements.push(Statement::new(sql::PROFILE_BLANK, json!([company, profile])));
        // Releases deliveries that were held for the erasure but belong to another person.
        statements.push(Statement::new(sql::SUBSCRIPTION_RELEASE_ALL, json!([company])));
    }
    statements
}

/// [`retention::forgetting`] for one person's events. What is deleted is counted in the receipt.
fn counted(company: &str, ids: &str, profile: &str) -> Vec<Statement> {
    let whose = json!([company, ids, profile]);
    let mut statements =
        vec![Statement::new(sql::GROUPS_FORGET, whose.clone()), Statement::new(sql::ERASURE_COUNT_ATTEMPTS, whose)];
    for (kind, statement) in retention::forgetting(company, ids, Some(profile)) {
        statements.push(statement);
        let count = |kind| Statement::new(sql::ERASURE_COUNT, json!([company, profile, kind]));
        statements.extend(kind.map(count));
    }
    statements
}

/// Deletes a slice of an erased person's data, and returns whether there may be more.
///
/// # Errors
/// D1's; the slice was not deleted then.
pub async fn slice(db: &Db, company: &str, profile: &str, now_ms: i64) -> Result<bool> {
    let (whose, who) = (Param::Text(company), Param::Text(profile));
    let next = [whose, who, ERASE_LINKS_MAX.into(), ERASE_EVENTS_MAX.into()];
    let mut batch = Batch::default();
    let other = batch.read(db.bind(sql::REBUILD_OF, &[whose, who])?);
    let next = batch.read::<Slice>(db.bind(sql::ERASURE_NEXT, &next)?);
    let answers = db.run_batch(batch).await?;
    // A rebuild of this person, or of a profile merged into them, comes first: it moves the links
    // that now belong to other people.
    if let Some(Rebuilt { profile: other }) = answers.first(&other)? {
        rebuild::step(db, company, &other, now_ms, |_| None).await?;
        return Ok(true);
    }
    if let Some(ids) = answers.first(&next)?.and_then(|slice| slice.ids) {
        db.batch(db.bind_all(&releasing(company, profile, &ids, ERASE_LINKS_MAX, ERASE_EVENTS_MAX))?).await?;
        return Ok(true);
    }
    let searched: Option<Searched> =
        db.run(sql::ERASURE_ABOUT, &[whose, who, ERASE_SEARCHED_MAX.into()]).await?.first()?;
    let Some(searched) = searched else { return Ok(false) };
    db.batch(db.bind_all(&forgetting(company, profile, &searched, now_ms))?).await?;
    Ok(searched.place.is_some())
}

/// The state of a person's erasure.
///
/// # Errors
/// D1's.
pub async fn find(db: &Db, company: &str, profile: &str) -> Result<Option<Erasure>> {
    db.run(sql::ERASURE_FIND, &[company.into(), profile.into()]).await?.first()
}

/// Incomplete erasures of every company. Companies take turns after the company served `last`; in
/// each, the erasure that waited longest comes first. Takes no company: the sweep serves all
/// companies.
///
/// # Errors
/// D1's.
pub async fn open(db: &Db, last: &str) -> Result<Vec<Open>> {
    db.run(sql::ERASURE_OPEN, &[last.into(), ERASE_PEOPLE_MAX.into()]).await?.rows()
}

/// Deletes the tombstone of an address, so that the address can be used again; whether there was
/// one.
///
/// # Errors
/// D1's.
pub async fn lift(db: &Db, company: &str, hash: &str) -> Result<bool> {
    Ok(db.run(sql::TOMBSTONE_DELETE, &[company.into(), hash.into()]).await?.first::<Value>()?.is_some())
}
