//! Writes the trusted data of a person. One batch writes the change and its platform events, if a
//! subscription wants them.

use serde::Serialize;
use serde_json::Value;

use super::outbox::{self, Outbox};
use super::people::Profile;
use super::{Batch, Db, Param, Result, sql};
use crate::domain::clock;
use crate::domain::edit::Done;
use crate::domain::person::Person;
use crate::domain::tombstone;

/// A platform event as an item of a JSON parameter.
#[derive(Serialize)]
pub(super) struct Item<'a> {
    pub(super) i: String,
    pub(super) t: i64,
    pub(super) n: &'a str,
    pub(super) d: &'a Value,
}

/// What an edit changes, beside the person as the edit leaves them.
#[derive(Debug)]
pub struct Edited<'a> {
    /// What changed.
    pub done: &'a Done,
    /// The lookup key of the person's previous address.
    pub address: Option<&'a str>,
    /// In a group of merged profiles: each profile with its trusted data as JSON.
    pub owns: &'a [(String, String)],
}

/// Writes an edit of the profile `read`; `person` is the person after the edit. `None` if another
/// request changed the profile meanwhile, or the new address belongs to another profile. Nothing
/// was written then, and the caller reads again. `fresh_id` makes message ids.
///
/// # Errors
/// D1's; nothing was written then.
pub async fn write(
    db: &Db,
    read: &Profile,
    person: &Person,
    edited: &Edited<'_>,
    number: i64,
    now_ms: i64,
    mut fresh_id: impl FnMut() -> String,
) -> Result<Option<Outbox>> {
    let (company, profile, revision) = (Param::Text(&person.company), Param::Text(&person.id), Param::Int(number));
    let (said, opt_ins) = (serde_json::to_string(&person.trusted_traits)?, serde_json::to_string(&person.opt_ins)?);
    let (consent, done) = (person.consent.as_ref(), edited.done);
    let hash = done.email.as_ref().map(|email| tombstone::address(&person.company, &email.key));
    let mut batch = Batch::default();
    let won = batch.read::<Value>(db.bind(
        sql::PROFILE_EDIT,
        &[
            company,
            profile,
            (&said).into(),
            (&opt_ins).into(),
            consent.map(|c| i64::from(c.given)).into(),
            consent.map(|c| c.at_ms).into(),
            consent.map(|c| &c.source).into(),
            read.revision.into(),
            revision,
            now_ms.into(),
            done.email.as_ref().map(|email| &email.key).into(),
            hash.as_ref().into(),
            read.updated_at.into(),
            person.updated_ms.into(),
        ],
    )?);
    if let Some(email) = &done.email {
        let mut aliases: Vec<String> = serde_json::from_str(&read.aliases)?;
        aliases.extend(edited.address.map(str::to_owned));
        aliases.retain(|key| *key != email.key);
        let ended = edited.address.filter(|old| *old != email.key);
        let aliases = serde_json::to_string(&aliases)?;
        batch.write(
            db.bind(sql::PROFILE_ADDRESS, &[company, profile, (&email.typed).into(), (&aliases).into(), revision])?,
        );
        batch.write(db.bind(sql::IDENTITY_END, &[company, ended.into(), profile, revision, now_ms.into()])?);
        batch.write(db.bind(sql::PROFILE_UNALIAS, &[company, (&email.key).into(), profile, revision])?);
        batch.write(db.bind(sql::IDENTITY_PUT, &[company, (&email.key).into(), profile, revision, now_ms.into()])?);
    }
    if !edited.owns.is_empty() {
        let owns = serde_json::to_string(edited.owns)?;
        batch.write(db.bind(sql::PROFILES_SET_TRUSTED_DATA, &[company, (&owns).into(), profile, revision])?);
    }
    if !done.tags.is_empty() {
        let names = serde_json::to_string(&done.tags)?;
        batch.write(db.bind(sql::TAGS_INSERT, &[company, profile, (&names).into(), revision, now_ms.into()])?);
    }
    if !done.fields.is_empty() {
        let fields = serde_json::to_string(&done.fields)?;
        batch.write(db.bind(sql::FIELDS_INSERT, &[company, profile, (&fields).into(), revision])?);
    }
    for (statement, names) in [(sql::TAGS_DELETE, &done.untags), (sql::FIELDS_DELETE, &done.unfields)] {
        if !names.is_empty() {
            batch.write(db.bind(statement, &[company, profile, (&serde_json::to_string(names)?).into(), revision])?);
        }
    }
    let mut events = Vec::with_capacity(done.events.len());
    for (place, event) in done.events.iter().enumerate() {
        events.push(Item { i: fresh_id(), t: clock::event_ts(now_ms, place), n: event.name, d: &event.data });
    }
    let ids = serde_json::to_string(&events.iter().map(|e| &e.i).collect::<Vec<_>>())?;
    let (events, user) = (serde_json::to_string(&events)?, serde_json::to_string(&person.user())?);
    batch.write(
        db.bind(sql::PLATFORM_EDITED, &[company, (&events).into(), (&user).into(), profile, revision, now_ms.into()])?,
    );
    let outbox = outbox::of_platform_events(db, &mut batch, &person.company, &ids, number, now_ms)?;
    let answers = db.run_batch(batch).await?;
    let won = !answers.rows(&won)?.is_empty();
    Ok(if won { Some(outbox::of_platform_events_answer(&answers, &outbox)?) } else { None })
}
