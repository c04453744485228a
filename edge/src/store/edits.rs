//! Writes the trusted data of a person. One batch writes the change and its platform events, if a
//! subscription wants them.

use serde::Serialize;
use serde_json::Value;

use super::outbox::{self, Outbox};
use super::people::Profile;
use super::{Batch, Bound, ChangeStamp, Db, Param, Result, sql};
use crate::domain::clock;
use crate::domain::edit::{Address, Done};
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

/// An edit, with the person before and after it.
#[derive(Debug, Clone, Copy)]
pub struct Edited<'a> {
    /// The profile before the edit, as read.
    pub read: &'a Profile,
    /// The person after the edit.
    pub person: &'a Person,
    /// What changed.
    pub done: &'a Done,
    /// The lookup key of the person's previous address.
    pub address: Option<&'a str>,
    /// In a group of merged profiles: each profile with its trusted data as JSON.
    pub trusted_data: &'a [(String, String)],
}

/// Writes an edit. `None` if another request changed the profile meanwhile, or the new address
/// belongs to another profile. Nothing was written then, and the caller reads again. `fresh_id`
/// makes message ids.
///
/// # Errors
/// D1's; nothing was written then.
pub async fn write(
    db: &Db,
    edited: &Edited<'_>,
    stamp: ChangeStamp,
    fresh_id: impl FnMut() -> String,
) -> Result<Option<Outbox>> {
    let Edited { person, done, .. } = edited;
    let mut batch = Batch::default();
    let edit = Edit { db, edited, stamp };
    let won = batch.read::<Value>(edit.profile()?);
    if let Some(email) = &done.email {
        edit.address(&mut batch, email)?;
    }
    edit.parts(&mut batch)?;
    let ids = edit.events(&mut batch, fresh_id)?;
    let outbox = outbox::of_platform_events(db, &mut batch, &person.company, &ids, stamp)?;
    let answers = db.run_batch(batch).await?;
    let won = !answers.rows(&won)?.is_empty();
    Ok(if won { Some(outbox::of_platform_events_answer(&answers, &outbox)?) } else { None })
}

/// The statements of an edit.
struct Edit<'a> {
    db: &'a Db,
    edited: &'a Edited<'a>,
    stamp: ChangeStamp,
}

impl Edit<'_> {
    /// The company and the profile, as parameters.
    fn target(&self) -> [Param<'_>; 2] {
        [(&self.edited.person.company).into(), (&self.edited.person.id).into()]
    }

    /// The statement that all others depend on. It returns a row if the edit may be made.
    fn profile(&self) -> Result<Bound> {
        let Edited { read, person, done, .. } = self.edited;
        let [company, profile] = self.target();
        let consent = person.consent.as_ref();
        let hash = done.email.as_ref().map(|email| tombstone::of_key(&person.company, &email.key));
        let (traits, opt_ins) =
            (serde_json::to_string(&person.trusted_traits)?, serde_json::to_string(&person.opt_ins)?);
        let params = [
            company,
            profile,
            (&traits).into(),
            (&opt_ins).into(),
            consent.map(|c| i64::from(c.given)).into(),
            consent.map(|c| c.at_ms).into(),
            consent.map(|c| &c.source).into(),
            read.revision.into(),
            self.stamp.marker.into(),
            self.stamp.now_ms.into(),
            done.email.as_ref().map(|email| &email.key).into(),
            hash.as_ref().into(),
            read.updated_at.into(),
            person.updated_ms.into(),
        ];
        self.db.bind(sql::PROFILE_EDIT, &params)
    }

    /// Replaces the address. The previous one leads to the person as another identity key.
    fn address(&self, batch: &mut Batch, email: &Address) -> Result<()> {
        let ([company, profile], db) = (self.target(), self.db);
        let (revision, now) = (Param::Int(self.stamp.marker), Param::Int(self.stamp.now_ms));
        let (typed, key) = ((&email.typed).into(), (&email.key).into());
        let mut aliases: Vec<String> = serde_json::from_str(&self.edited.read.aliases)?;
        aliases.extend(self.edited.address.map(str::to_owned));
        aliases.retain(|key| *key != email.key);
        let ended = self.edited.address.filter(|old| *old != email.key);
        let aliases = serde_json::to_string(&aliases)?;
        batch.write(db.bind(sql::PROFILE_ADDRESS, &[company, profile, typed, (&aliases).into(), revision])?);
        batch.write(db.bind(sql::IDENTITY_END, &[company, ended.into(), profile, revision, now])?);
        batch.write(db.bind(sql::PROFILE_UNALIAS, &[company, key, profile, revision])?);
        batch.write(db.bind(sql::IDENTITY_PUT, &[company, key, profile, revision, now])?);
        Ok(())
    }

    /// Writes trusted data of a group, tags and custom fields.
    fn parts(&self, batch: &mut Batch) -> Result<()> {
        let Edited { done, trusted_data, .. } = self.edited;
        let ([company, profile], db) = (self.target(), self.db);
        let (revision, now) = (Param::Int(self.stamp.marker), Param::Int(self.stamp.now_ms));
        if !trusted_data.is_empty() {
            let data = serde_json::to_string(trusted_data)?;
            batch.write(db.bind(sql::PROFILES_SET_TRUSTED_DATA, &[company, (&data).into(), profile, revision])?);
        }
        if !done.tags.is_empty() {
            let names = serde_json::to_string(&done.tags)?;
            batch.write(db.bind(sql::TAGS_INSERT, &[company, profile, (&names).into(), revision, now])?);
        }
        if !done.fields.is_empty() {
            let fields = serde_json::to_string(&done.fields)?;
            batch.write(db.bind(sql::FIELDS_INSERT, &[company, profile, (&fields).into(), revision])?);
        }
        for (statement, names) in [(sql::TAGS_DELETE, &done.untags), (sql::FIELDS_DELETE, &done.unfields)] {
            if !names.is_empty() {
                let names = serde_json::to_string(names)?;
                batch.write(db.bind(statement, &[company, profile, (&names).into(), revision])?);
            }
        }
        Ok(())
    }

    /// Stores the platform events. → Their message ids as a JSON array.
    fn events(&self, batch: &mut Batch, mut fresh_id: impl FnMut() -> String) -> Result<String> {
        let Edited { person, done, .. } = self.edited;
        let ([company, profile], ChangeStamp { marker, now_ms }) = (self.target(), self.stamp);
        let mut events = Vec::with_capacity(done.events.len());
        for (place, event) in done.events.iter().enumerate() {
            events.push(Item { i: fresh_id(), t: clock::event_ts(now_ms, place), n: event.name, d: &event.data });
        }
        let ids = serde_json::to_string(&events.iter().map(|e| &e.i).collect::<Vec<_>>())?;
        let (events, user) = (serde_json::to_string(&events)?, serde_json::to_string(&person.user())?);
        let params = [company, (&events).into(), (&user).into(), profile, marker.into(), now_ms.into()];
        batch.write(self.db.bind(sql::PLATFORM_EDITED, &params)?);
        Ok(ids)
    }
}
