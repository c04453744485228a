//! Erasing a person. The first batch takes the person away at once: from then on nobody sees anything of them, and tombstones keep them from coming back.
//! What they left (events, deliveries, attempts) is deleted in slices, by the request and then by the sweep; all that says how far it is stands in `erasures`,
//! so a crash costs nothing but time. A slice deletes only what is the person's at that moment, so it may run twice.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use trackmate_wire::limits::{ERASE_EVENTS_MAX, ERASE_LINKS_MAX, ERASE_PEOPLE_MAX, ERASE_SEARCHED_MAX, FUTURE_MS_MAX};
use worker::D1PreparedStatement;

use super::ingest::Outbox;
use super::people::Profile;
use super::{Answer, Answers, Db, Param, Result, edits, retention, sql};
use crate::domain::{clock, tombstone};

/// How an erasure stands.
#[derive(Debug, Deserialize)]
pub struct Erasure {
    /// Who was erased.
    pub profile: String,
    /// ms.
    pub erased_at: i64,
    /// ms, when the last row was gone.
    pub completed_at: Option<i64>,
    /// JSON object, kind → rows.
    pub counts: String,
}

/// An erasure that is not through.
#[derive(Debug, Deserialize)]
pub struct Open {
    /// Whose user.
    pub company: String,
    /// Who.
    pub profile: String,
}

#[derive(Deserialize)]
struct Identity {
    kind: String,
    key: String,
}

#[derive(Serialize)]
struct Named<'a> {
    k: &'a str,
    v: &'a str,
}

/// The notice that a person was erased, as an item of a JSON parameter.
#[derive(Serialize)]
struct Notice<'a> {
    i: &'a str,
    t: i64,
    n: &'static str,
    d: Value,
}

#[derive(Deserialize)]
struct Slice {
    ids: Option<String>,
}

#[derive(Deserialize)]
struct Searched {
    ids: String,
    place: Option<String>,
}

/// Takes away the person that was read, with all that leads to them, and stores `user.deleted` if a subscription wants it. `None` if somebody edited the
/// person in between: nothing was written, read again.
///
/// To have another table forget what it holds by the person's id or address: a statement in this batch, behind the edit's number. What lies at an event goes with
/// it: [`retention::forget`].
///
/// # Errors
/// D1's; nothing was written then.
pub async fn begin(
    db: &Db,
    company: &str,
    read: &Profile,
    number: i64,
    now_ms: i64,
    notice_id: &str,
) -> Result<Option<Outbox>> {
    let identities: Vec<Identity> = db.run(sql::IDENTITIES_OF, &[company.into(), (&read.id).into()]).await?.rows()?;
    let hashes: Vec<String> = identities.iter().map(|i| tombstone::hash(company, &i.kind, &i.key)).collect();
    let named: Vec<Named<'_>> = identities.iter().map(|i| Named { k: &i.kind, v: &i.key }).collect();
    let names = |json: &str| -> Result<Vec<String>> {
        Ok(serde_json::from_str::<BTreeMap<String, Value>>(json)?.into_keys().collect())
    };
    let (tags, fields) = (names(&read.tags)?, names(&read.fields)?);
    let counts = serde_json::json!({
        "events": 0, "deliveries": 0, "attempts": 0, "records": 0, "sessions": read.sessions + i64::from(read.server_events > 0),
        "identities": identities.len(), "tags": tags.len(), "customFields": fields.len(),
    });
    let notice = Notice { i: notice_id, t: clock::event_ts(now_ms, 0), n: "user.deleted", d: serde_json::json!({}) };
    let user = serde_json::json!({ "id": read.id }).to_string();
    let (hashes, named, counts) = (serde_json::to_string(&hashes)?, serde_json::to_string(&named)?, counts.to_string());
    let (tags, fields, notice) =
        (serde_json::to_string(&tags)?, serde_json::to_string(&fields)?, serde_json::to_string(&[notice])?);
    let (whose, profile, edit, now) =
        (Param::Text(company), Param::Text(&read.id), Param::Int(number), Param::Int(now_ms));
    let open = [whose, profile, edit, now, notice_id.into(), FUTURE_MS_MAX.into(), (&counts).into()];
    let batch = vec![
        db.bind(sql::PROFILE_ERASE, &[whose, profile, read.edit.into(), edit, now])?,
        db.bind(sql::PROFILES_ERASE, &[whose, profile, edit, now])?,
        db.bind(sql::ERASURE_INSERT, &open)?,
        db.bind(sql::TOMBSTONES_INSERT, &[whose, (&hashes).into(), profile, edit, now])?,
        db.bind(sql::IDENTITIES_ERASE, &[whose, (&named).into(), profile, edit])?,
        db.bind(sql::TAGS_DELETE, &[whose, profile, (&tags).into(), edit])?,
        db.bind(sql::FIELDS_DELETE, &[whose, profile, (&fields).into(), edit])?,
        db.bind(sql::SEARCH_ERASE, &[whose, profile, edit])?,
        db.bind(sql::PLATFORM_EDITED, &[whose, (&notice).into(), (&user).into(), profile, edit, now])?,
        edits::outbox(db, company, &serde_json::to_string(&[notice_id])?, number, now_ms)?,
    ];
    let mut answers = db.batch(batch).await?;
    let last = answers.split_off(answers.len().saturating_sub(1));
    let won = answers.first().map(Answer::rows::<Value>).transpose()?.is_some_and(|rows| !rows.is_empty());
    Ok(if won { Some(edits::outbox_answer(&mut Answers::new(last))?) } else { None })
}

/// Deletes a slice of what an erased person left; whether there may be more.
///
/// # Errors
/// D1's; what the slice was to delete is still there then.
pub async fn slice(db: &Db, company: &str, profile: &str, now_ms: i64) -> Result<bool> {
    let (whose, who) = (Param::Text(company), Param::Text(profile));
    let links = Param::Int(ERASE_LINKS_MAX);
    let next = db.run(sql::ERASURE_NEXT, &[whose, who, links, ERASE_EVENTS_MAX.into()]).await?;
    if let Some(ids) = next.first::<Slice>()?.and_then(|slice| slice.ids) {
        let mut batch = counted(db, company, &ids, profile)?;
        batch.push(db.bind(sql::RECORDS_ERASE, &[whose, who, links, ERASE_EVENTS_MAX.into()])?);
        batch.push(db.bind(sql::ERASURE_COUNT, &[whose, who, "records".into()])?);
        batch.push(db.bind(sql::LINKS_RELEASE, &[whose, who, links])?);
        db.batch(batch).await?;
        return Ok(true);
    }
    let searched: Option<Searched> =
        db.run(sql::ERASURE_ABOUT, &[whose, who, ERASE_SEARCHED_MAX.into()]).await?.first()?;
    let Some(searched) = searched else { return Ok(false) };
    let mut batch = if searched.ids == "[]" { Vec::new() } else { counted(db, company, &searched.ids, profile)? };
    if let Some(place) = &searched.place {
        batch.push(db.bind(sql::ERASURE_PLACE, &[whose, who, place.into()])?);
    } else {
        batch.push(db.bind(sql::ERASURE_FINISH, &[whose, who, now_ms.into()])?);
        batch.push(db.bind(sql::PROFILE_BLANK, &[whose, who])?);
    }
    db.batch(batch).await?;
    Ok(searched.place.is_some())
}

/// [`retention::forget`] for one person's events, with what each deletes added to the receipt.
fn counted(db: &Db, company: &str, ids: &str, profile: &str) -> Result<Vec<D1PreparedStatement>> {
    let mut batch = Vec::new();
    for (kind, statement) in retention::forget(db, company, ids, Some(profile))? {
        batch.push(statement);
        if let Some(kind) = kind {
            batch.push(db.bind(sql::ERASURE_COUNT, &[company.into(), profile.into(), kind.into()])?);
        }
    }
    Ok(batch)
}

/// How a person's erasure stands.
///
/// # Errors
/// D1's.
pub async fn find(db: &Db, company: &str, profile: &str) -> Result<Option<Erasure>> {
    db.run(sql::ERASURE_FIND, &[company.into(), profile.into()]).await?.first()
}

/// Erasures of every company that are not through. Serves the sweep; hence no company.
///
/// # Errors
/// D1's.
pub async fn open(db: &Db) -> Result<Vec<Open>> {
    db.run(sql::ERASURE_OPEN, &[ERASE_PEOPLE_MAX.into()]).await?.rows()
}

/// Lets an address come again; whether it had been erased.
///
/// # Errors
/// D1's.
pub async fn lift(db: &Db, company: &str, hash: &str) -> Result<bool> {
    Ok(db.run(sql::TOMBSTONE_DELETE, &[company.into(), hash.into()]).await?.first::<Value>()?.is_some())
}
