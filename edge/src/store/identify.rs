//! Adds a link to the ledger in one batch. Its cost does not depend on the number of earlier
//! events.

use serde::Deserialize;
use trackmate_wire::limits::{
    CLAIMED_SESSIONS_MAX, LATE_EVENTS_MAX, LATE_EVENTS_TRUSTED_MAX, SESSION_IDENTIFIES_MAX, TRAITS_BYTES_MAX,
    TRAITS_MEMBERS_MAX,
};

use super::identity_keys::KeyGrant;
use super::ingest::{self, Stored};
use super::new_events::{self, Guard};
use super::request::{self, Admission, IngestRequest};
use super::{Batch, Bound, Db, Param, Result, catalog, outbox, sql};
use crate::domain::event::Row;
use crate::domain::origin::fitting;
use crate::domain::{clock, tombstone};

/// The person of an identify.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// Of an address or a user id.
    pub identity_key: &'a str,
    /// The address as typed.
    pub email: Option<&'a str>,
    /// The claimed name.
    pub name: Option<&'a str>,
    /// Claimed traits, a JSON object.
    pub traits: &'a str,
    /// The id of the profile to create if the address is new.
    pub candidate: &'a str,
    /// The server session of that profile.
    pub server_session: &'a str,
    /// Its time of creation, ms.
    pub created_ms: i64,
    /// All claims as a JSON object, including the name.
    pub claims: &'a str,
    /// The user object of that profile.
    pub user: &'a str,
    /// Message id of the platform event.
    pub platform_id: &'a str,
    /// Whether a secret key sent it. The answer to a browser does not show whether the address was
    /// erased.
    pub trusted: bool,
}

/// Why an identify was not stored although the company accepts the request: it would exceed a
/// limit.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Refused {
    /// Its session has as many identifies as allowed.
    Session,
    /// Its person has as many sessions by unproved identifies as allowed.
    Person,
    /// It is late, and too many events of its session come after it.
    Late,
}

#[derive(Deserialize)]
struct Reason {
    reason: Refused,
}

/// The answer to an identify.
#[derive(Debug, Deserialize)]
pub struct Found {
    /// The address's id in public answers.
    pub shown: String,
    /// The person's profile; `None` if the address was erased.
    pub profile: Option<String>,
}

/// The result of an identify.
#[derive(Debug)]
pub struct Identified {
    /// Whether the company accepts the request.
    pub admission: Admission,
    /// The answer; `None` if the company refuses the request, or the message id belongs to another
    /// event.
    pub found: Option<Found>,
    /// Whether the message id is new.
    pub new: bool,
    /// The timeline entry and its deliveries.
    pub stored: Stored,
    /// Why it was refused; `None` if it was not.
    pub refused: Option<Refused>,
    /// Whether nothing was stored because the two keys lead to other people than when they were
    /// read.
    pub is_outdated: bool,
}

/// Stores the identify `row` and links its session to the person from `row.ts` on. With `grant`,
/// the person also gets a second key. If the address was erased, only the message id is stored.
///
/// # Errors
/// D1's; nothing was stored then.
pub async fn add(
    db: &Db,
    request: &IngestRequest<'_>,
    row: &Row,
    person: &Person<'_>,
    grant: Option<&KeyGrant>,
) -> Result<Identified> {
    let hash = tombstone::of_key(request.company, person.identity_key);
    let identify = Identify { db, request, row, person, hash: &hash };
    let row = std::slice::from_ref(row);
    let (json, ids) = ingest::json(row)?;
    let keys = grant.map(|grant| grant.guard(None));
    let guard = Guard { hash: Some(&hash), keys: keys.as_deref(), ..Guard::default() };
    let platform_ids = serde_json::to_string(&[person.platform_id])?;

    let mut batch = Batch::default();
    let allowed = request::read_company(db, &mut batch, request)?;
    let new = batch.read(new_events::insert(db, sql::EVENTS_INSERT, request, (&json, guard))?);
    let refused = batch.read::<Reason>(identify.refuse()?);
    let occupied = batch.read(identify.occupy()?);
    identify.link(&mut batch)?;
    batch.write(identify.platform_event()?);
    batch.write(identify.profile()?);
    let events = outbox::of_events(db, &mut batch, request, &ids, Some(person.identity_key))?;
    let platform = outbox::of_platform_events(db, &mut batch, request.company, &platform_ids, request.stamp())?;
    let found = batch.read::<Found>(identify.find()?);
    batch.write_all(catalog::note(db, request, row)?);
    let grant = match grant {
        Some(grant) => Some((grant, grant.push(db, &mut batch, request, person.candidate)?)),
        None => None,
    };

    let answers = db.run_batch(batch).await?;
    let admission = request::decide_admission(&answers, &allowed, request)?;
    let mut new = new_events::message_ids(&answers, &new)?;
    let refused = answers.first(&refused)?.map(|refused| refused.reason);
    if refused.is_some() {
        new.clear();
    }
    catalog::noted(request, row, &new);
    let mut outbox = outbox::of_events_answer(&answers, &events, request, row)?;
    outbox.extend(outbox::of_platform_events_answer(&answers, &platform)?);
    let found = if let Admission::Admitted { .. } = admission { answers.first(&found)? } else { None };
    let first = !new.is_empty() || !new_events::message_ids(&answers, &occupied)?.is_empty();
    let stored = Stored { new, outbox };
    let is_outdated = refused.is_none() && !first && ingest::is_outdated(&answers, grant, &stored)?;
    Ok(Identified { admission, found, new: first, stored, refused, is_outdated })
}

/// The statements of an identify.
struct Identify<'a> {
    db: &'a Db,
    request: &'a IngestRequest<'a>,
    row: &'a Row,
    person: &'a Person<'a>,
    /// The tombstone hash of the person's key.
    hash: &'a str,
}

/// A limit as a parameter.
fn limit<'a>(n: usize) -> Param<'a> {
    Param::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

impl Identify<'_> {
    /// The parameters with which most of the statements begin: company, session, `ts`, message id,
    /// lookup key, marker.
    fn place(&self) -> [Param<'_>; 6] {
        let Self { request, row, person, .. } = self;
        [
            request.company.into(),
            request.session.into(),
            row.ts.into(),
            (&row.id).into(),
            person.identity_key.into(),
            request.marker.into(),
        ]
    }

    /// Deletes the stored event if the identify exceeds a limit.
    fn refuse(&self) -> Result<Bound> {
        let late = if self.person.trusted { LATE_EVENTS_TRUSTED_MAX } else { LATE_EVENTS_MAX };
        let sessions = self.request.unproved.then_some(CLAIMED_SESSIONS_MAX);
        let limits = [late.into(), SESSION_IDENTIFIES_MAX.into(), sessions.into()];
        self.db.bind(sql::IDENTIFY_REFUSE, &[&self.place()[..], &limits].concat())
    }

    /// Stores the message id of an identify of an erased address.
    fn occupy(&self) -> Result<Bound> {
        let Self { request, row, person, hash, .. } = self;
        // A server's identify of an erased address leaves nothing behind. The server gets an error,
        // and may send it again after the erasure is lifted.
        let erased = if person.trusted { "" } else { hash };
        let origin = request.origin.map(fitting);
        let params = [
            request.company.into(),
            (&row.id).into(),
            row.ts.into(),
            erased.into(),
            request.identify_hash.into(),
            origin.as_deref().into(),
            request.unproved.then_some(1).into(),
            request.received_ms.into(),
        ];
        self.db.bind(sql::IDENTIFY_OCCUPY, &params)
    }

    /// Gives the key to the person if nobody has it, and writes the link.
    fn link(&self, batch: &mut Batch) -> Result<()> {
        let (db, place, now) = (self.db, self.place(), self.request.received_ms.into());
        let [company, session, at, id, key, marker] = place;
        let count = [company, session, at, id, marker];
        let candidate = self.person.candidate.into();
        batch.write(db.bind(sql::IDENTIFY_KEY, &[company, key, candidate, now, id, marker])?);
        batch.write(db.bind(sql::IDENTIFY_FIRST, &place)?);
        batch.write(db.bind(sql::IDENTIFY_LINK, &place)?);
        batch.write(db.bind(sql::IDENTIFY_COUNT, &count)?);
        batch.write(db.bind(sql::IDENTIFY_SHIFT, &count)?);
        Ok(())
    }

    /// Stores the platform event of a new person.
    fn platform_event(&self) -> Result<Bound> {
        let Self { request, person, .. } = self;
        let [company, _, _, id, key, marker] = self.place();
        let params = [
            company,
            key,
            person.candidate.into(),
            id,
            marker,
            person.claims.into(),
            limit(TRAITS_BYTES_MAX),
            person.platform_id.into(),
            clock::event_ts(request.received_ms, 0).into(),
            person.user.into(),
            request.received_ms.into(),
            limit(TRAITS_MEMBERS_MAX),
        ];
        self.db.bind(sql::PLATFORM_IDENTIFIED, &params)
    }

    /// Creates the profile, or adds the claims to it.
    fn profile(&self) -> Result<Bound> {
        let Self { request, person, .. } = self;
        let rest = [
            person.email.into(),
            person.name.into(),
            person.traits.into(),
            person.server_session.into(),
            person.created_ms.into(),
            limit(TRAITS_BYTES_MAX),
            request.received_ms.into(),
            limit(TRAITS_MEMBERS_MAX),
        ];
        self.db.bind(sql::IDENTIFY_PROFILE, &[&self.place()[..], &rest].concat())
    }

    /// Reads the person.
    fn find(&self) -> Result<Bound> {
        let [company, _, _, id, key, _] = self.place();
        let (hash, candidate) = (self.request.identify_hash.into(), self.person.candidate.into());
        self.db.bind(sql::IDENTIFY_FIND, &[company, key, id, self.hash.into(), hash, candidate])
    }
}
