//! Stores events in one batch, however many there are. The batch writes `events`, `links` and
//! `deliveries`, and with them groups. Events of a server may also create a profile and records.

use serde::Deserialize;

use super::identity_keys::{KeyGrant, ResolvedKey};
use super::new_events::{Guard, MessageId, NewEvents, insert, message_ids};
use super::outbox::{self, EventSlots, Outbox};
use super::request::{self, Admission, IngestRequest};
use super::{Answers, Batch, Bound, Db, Param, Result, Slot, catalog, groups, records, sql};
use crate::domain::clock;
use crate::domain::event::Row;

/// The result of storing events.
#[derive(Debug)]
pub struct Stored {
    /// Message ids of the new events.
    pub new: Vec<String>,
    /// Outbox rows written for them.
    pub outbox: Outbox,
}

#[derive(Deserialize)]
struct Found {
    profile: String,
    erased: i64,
}

/// Counts the events of this request on their links. `profile` owns a session that is new.
pub(super) fn count(db: &Db, request: &IngestRequest<'_>, ids: &str, profile: Option<&str>) -> Result<Bound> {
    db.bind(
        sql::LINKS_COUNT,
        &[ids.into(), request.company.into(), request.source.into(), request.marker.into(), profile.into()],
    )
}

/// The JSON parameters of a request's rows: the rows, and their ids. The later statements need only
/// the ids.
pub(super) fn json(rows: &[Row]) -> Result<(String, String)> {
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    Ok((serde_json::to_string(rows)?, serde_json::to_string(&ids)?))
}

/// Stores a browser's events in one batch, if the company accepts the request.
///
/// # Errors
/// D1's; nothing was stored then.
pub async fn browser(db: &Db, request: &IngestRequest<'_>, rows: &[Row]) -> Result<(Admission, Stored)> {
    let (json, ids) = json(rows)?;
    let mut rest = groups::merge(db, request, rows)?;
    records::mark(db, request, &ids, &mut rest)?;
    rest.extend(catalog::note(db, request, rows)?);
    let mut batch = Batch::default();
    let allowed = request::read_company(db, &mut batch, request)?;
    let new = NewEvents::store(db, &mut batch, request, (rows, &json))?;
    batch.write(count(db, request, &ids, None)?);
    let outbox = outbox::of_events(db, &mut batch, request, &ids, None)?;
    batch.write_all(rest);
    let answers = db.run_batch(batch).await?;
    let admission = request::decide_admission(&answers, &allowed, request)?;
    let new = new.ids(db, &answers, request, (rows, &ids)).await?;
    catalog::noted(request, rows, &new);
    let outbox = outbox::of_events_answer(&answers, &outbox, request, rows)?;
    Ok((admission, Stored { new, outbox }))
}

/// Those of these message ids that are stored with source `server`.
///
/// # Errors
/// D1's.
pub async fn known(db: &Db, company: &str, ids: &[&str]) -> Result<Vec<String>> {
    let mut batch = Batch::default();
    let known = batch.read(known_statement(db, company, ids, None)?);
    message_ids(&db.run_batch(batch).await?, &known)
}

/// Reads which of these message ids are stored, with source `server` or of this identify.
pub(super) fn known_statement(db: &Db, company: &str, ids: &[&str], identify_hash: Option<i64>) -> Result<Bound> {
    let ids = serde_json::to_string(ids)?;
    db.bind(sql::EVENTS_KNOWN, &[company.into(), (&ids).into(), identify_hash.into()])
}

/// The person whom server events are about.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// Nobody.
    None,
    /// The person to whom the session is linked, now or later.
    Session,
    /// This profile; the request's session is its server session.
    Profile(&'a str),
    /// A person to create: the candidate profile, and the identity key, with an address as
    /// typed. The request's session is the candidate's.
    New {
        /// The profile's id.
        profile: &'a str,
        /// The identity key.
        identity_key: &'a str,
        /// Its hash, as a tombstone has it.
        hash: &'a str,
        /// As the sender wrote it; `None` for a user id.
        email: Option<&'a str>,
        /// The user object.
        user: &'a str,
        /// Message id of the platform event.
        platform_id: &'a str,
    },
}

/// The result of storing server events.
#[derive(Debug)]
pub enum ServerStoreResult {
    /// They are stored. If the person was erased after they were resolved, no event is new.
    Stored(Stored),
    /// Another request created the person meanwhile. Nothing was stored: resolve again.
    Raced,
    /// The address was erased. Nothing was stored.
    Erased,
    /// Another person got one of the two identity keys after they were read. No event was stored:
    /// read again. The person may have been created.
    Outdated(Outbox),
}

/// Whether nothing was stored because the key grant no longer matches what was read.
pub(super) fn is_outdated(
    answers: &Answers,
    grant: Option<(&KeyGrant, Slot<ResolvedKey>)>,
    stored: &Stored,
) -> Result<bool> {
    match grant {
        Some((grant, resolved)) if stored.new.is_empty() => Ok(grant.is_outdated(&answers.rows(&resolved)?)),
        Some(_) | None => Ok(false),
    }
}

/// Stores server events in one batch. With `grant`, their person also gets a second key.
///
/// # Errors
/// D1's; nothing was stored then.
pub async fn server(
    db: &Db,
    request: &IngestRequest<'_>,
    rows: &[Row],
    subject: Subject<'_>,
    grant: Option<&KeyGrant>,
) -> Result<ServerStoreResult> {
    let (json, ids) = json(rows)?;
    let mut rest = records::merge(db, request, rows)?;
    rest.extend(groups::merge(db, request, rows)?);
    records::mark(db, request, &ids, &mut rest)?;
    rest.extend(catalog::note(db, request, rows)?);
    let events = ServerEvents { db, request, rows, json, ids, rest };
    match subject {
        Subject::None => events.store(None, Guard::default(), None).await,
        Subject::Session => {
            let keys = grant.map(|grant| grant.guard(None));
            let guard = Guard { keys: keys.as_deref(), ..Guard::default() };
            events.store(Some(None), guard, None).await
        }
        Subject::Profile(profile) => {
            let keys = grant.map(|grant| grant.guard(None));
            let guard = Guard { profile: Some(profile), keys: keys.as_deref(), ..Guard::default() };
            events.store(Some(Some(profile)), guard, grant).await
        }
        Subject::New { profile, identity_key, hash, email, user, platform_id } => {
            events.store_with_person(&NewPerson { profile, identity_key, hash, email, user, platform_id }, grant).await
        }
    }
}

/// A person whom events create: the fields of [`Subject::New`].
struct NewPerson<'a> {
    profile: &'a str,
    identity_key: &'a str,
    hash: &'a str,
    email: Option<&'a str>,
    user: &'a str,
    platform_id: &'a str,
}

/// Events of a server, and the statements that go with them whoever the person is.
struct ServerEvents<'a> {
    db: &'a Db,
    request: &'a IngestRequest<'a>,
    rows: &'a [Row],
    /// The rows as a parameter, and their message ids.
    json: String,
    ids: String,
    /// The statements for records, groups and the catalogue.
    rest: Vec<Bound>,
}

impl ServerEvents<'_> {
    fn stored(&self, answers: &Answers, new: &Slot<MessageId>, outbox: &EventSlots) -> Result<Stored> {
        let new = message_ids(answers, new)?;
        catalog::noted(self.request, self.rows, &new);
        Ok(Stored { new, outbox: outbox::of_events_answer(answers, outbox, self.request, self.rows)? })
    }

    /// Stores events of nobody (`counted` is `None`), of the person to whom the session is linked,
    /// or of a profile.
    async fn store(
        mut self,
        counted: Option<Option<&str>>,
        guard: Guard<'_>,
        grant: Option<&KeyGrant>,
    ) -> Result<ServerStoreResult> {
        let (db, request) = (self.db, self.request);
        let mut batch = Batch::default();
        let new = batch.read(insert(db, sql::EVENTS_INSERT, request, (&self.json, guard))?);
        if let Some(profile) = counted {
            batch.write(count(db, request, &self.ids, profile)?);
        }
        let outbox = outbox::of_events(db, &mut batch, request, &self.ids, None)?;
        batch.write_all(std::mem::take(&mut self.rest));
        let grant = match (grant, counted.flatten()) {
            (Some(grant), Some(profile)) => Some((grant, grant.push(db, &mut batch, request, profile)?)),
            (Some(_) | None, _) => None,
        };
        let answers = db.run_batch(batch).await?;
        let stored = self.stored(&answers, &new, &outbox)?;
        Ok(if is_outdated(&answers, grant, &stored)? {
            ServerStoreResult::Outdated(stored.outbox)
        } else {
            ServerStoreResult::Stored(stored)
        })
    }

    /// Stores events that create a person.
    async fn store_with_person(
        mut self,
        person: &NewPerson<'_>,
        grant: Option<&KeyGrant>,
    ) -> Result<ServerStoreResult> {
        let (db, request) = (self.db, self.request);
        let (company, now, none) = (Param::Text(request.company), Param::Int(request.received_ms), Param::Int(0));
        let (profile, key) = (Param::Text(person.profile), Param::Text(person.identity_key));
        let created_ms = self.rows.iter().map(|row| clock::ts_ms(row.ts)).min().unwrap_or(request.received_ms);
        let opened = [company, profile, key, person.email.into(), request.session.into(), created_ms.into(), now];
        // There is no identify here, and no event has the empty message id.
        let platform = [
            company,
            key,
            profile,
            "".into(),
            request.marker.into(),
            "{}".into(),
            none,
            person.platform_id.into(),
            clock::event_ts(request.received_ms, 0).into(),
            person.user.into(),
            now,
            none,
        ];
        let identity = [company, key, profile, now, (&self.ids).into(), person.hash.into()];
        let platform_ids = serde_json::to_string(&[person.platform_id])?;
        let keys = grant.map(|grant| grant.guard(Some(person.profile)));
        let (identity_key, owner) = (Some(person.identity_key), Some(person.profile));
        let guard = Guard { identity_key, profile: owner, hash: None, keys: keys.as_deref() };

        let mut batch = Batch::default();
        batch.write(db.bind(sql::IDENTITY_INSERT, &identity)?);
        let new = batch.read(insert(db, sql::EVENTS_INSERT, request, (&self.json, guard))?);
        batch.write(count(db, request, &self.ids, Some(person.profile))?);
        let outbox = outbox::of_events(db, &mut batch, request, &self.ids, None)?;
        batch.write(db.bind(sql::PLATFORM_IDENTIFIED, &platform)?);
        batch.write(db.bind(sql::PROFILE_OPEN, &opened)?);
        let platform = outbox::of_platform_events(db, &mut batch, request.company, &platform_ids, request.stamp())?;
        let found = batch.read::<Found>(db.bind(sql::IDENTITY_FIND, &[company, key, person.hash.into()])?);
        batch.write_all(std::mem::take(&mut self.rest));
        let grant = match grant {
            Some(grant) => Some((grant, grant.push(db, &mut batch, request, person.profile)?)),
            None => None,
        };

        let answers = db.run_batch(batch).await?;
        let mut stored = self.stored(&answers, &new, &outbox)?;
        stored.outbox.extend(outbox::of_platform_events_answer(&answers, &platform)?);
        if is_outdated(&answers, grant, &stored)? {
            return Ok(ServerStoreResult::Outdated(stored.outbox));
        }
        Ok(match answers.first(&found)? {
            Some(Found { erased: 1, .. }) => ServerStoreResult::Erased,
            // Another request created a profile for this identity key meanwhile.
            Some(found) if found.profile != person.profile => ServerStoreResult::Raced,
            // `None`: all events were duplicates, so no person was created.
            Some(_) | None => ServerStoreResult::Stored(stored),
        })
    }
}
