//! Adding a fact to the ledger of links: one batch, whose cost does not depend on how many events
//! came before.

use serde::Deserialize;
use trackmate_wire::limits::{
    CLAIMED_SESSIONS_MAX, LATE_EVENTS_MAX, LATE_EVENTS_TRUSTED_MAX, SESSION_IDENTIFIES_MAX, TRAITS_BYTES_MAX,
    TRAITS_MEMBERS_MAX,
};

use super::identity_keys::KeyGrant;
use super::ingest::{self, Guard, Stored};
use super::request::{self, Door, Request};
use super::{Batch, Db, Param, Result, catalog, outbox, sql};
use crate::domain::event::Row;
use crate::domain::origin::fitting;
use crate::domain::{clock, tombstone};

/// Who is identified.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// The lookup key of the address, or of a user id.
    pub address: &'a str,
    /// The address as typed.
    pub email: Option<&'a str>,
    /// A claimed name.
    pub name: Option<&'a str>,
    /// Claimed traits, a JSON object.
    pub traits: &'a str,
    /// The profile's id if the address is new.
    pub candidate: &'a str,
    /// The profile's server session if the address is new.
    pub server_session: &'a str,
    /// When the person came to be if the address is new, ms.
    pub created_ms: i64,
    /// All that is claimed, the name too, a JSON object.
    pub claims: &'a str,
    /// The user object if the address is new.
    pub user: &'a str,
    /// Message id of the platform event.
    pub platform_id: &'a str,
    /// Whether a secret key says it. A page's claim is answered alike whether or not the address
    /// was erased.
    pub trusted: bool,
}

/// Why an identify was not stored, though the door was open: it would have passed a bound.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Refused {
    /// Its session has as many identifies as it may.
    Session,
    /// Its person has as many sessions by claims without proof as they may.
    Person,
    /// It comes late, and more events of its session are later than are counted.
    Late,
}

#[derive(Deserialize)]
struct Reason {
    reason: Refused,
}

/// What a claim is answered.
#[derive(Debug, Deserialize)]
pub struct Found {
    /// What public answers call the address.
    pub shown: String,
    /// The person's profile; not of an erased address.
    pub profile: Option<String>,
}

/// What came of it.
#[derive(Debug)]
pub struct Identified {
    /// Whether the company exists and the origin may send.
    pub door: Door,
    /// What it is answered; `None` when the door was shut or the message id belongs to something
    /// else.
    pub found: Option<Found>,
    /// Whether the message id came for the first time.
    pub new: bool,
    /// The timeline entry and its deliveries.
    pub stored: Stored,
    /// Why it was refused, if it was.
    pub refused: Option<Refused>,
    /// Whether nothing was stored because what was read of two keys holds no longer.
    pub is_outdated: bool,
}

/// Stores the identify `row`, links its session to the person from `row.ts` on, and gives them a
/// second key, if it does; if the address was erased, nothing but its message id.
///
/// # Errors
/// D1's; nothing was stored then.
pub async fn add(
    db: &Db,
    request: &Request<'_>,
    row: &Row,
    person: &Person<'_>,
    grant: Option<&KeyGrant>,
) -> Result<Identified> {
    let (json, ids) = ingest::json(std::slice::from_ref(row))?;
    let (company, session, number) = (request.company.into(), request.session.into(), Param::Int(request.number));
    let (at, id, address): (Param<'_>, Param<'_>, Param<'_>) = (row.ts.into(), (&row.id).into(), person.address.into());
    let now = Param::Int(request.received_ms);
    let bound = |n: usize| Param::Int(i64::try_from(n).unwrap_or(i64::MAX));
    let (bytes, members) = (bound(TRAITS_BYTES_MAX), bound(TRAITS_MEMBERS_MAX));
    let late = if person.trusted { LATE_EVENTS_TRUSTED_MAX } else { LATE_EVENTS_MAX };
    let fact = [company, session, at, id, address, number];
    let sessions = request.unproved.then_some(CLAIMED_SESSIONS_MAX);
    let refuse = [&fact[..], &[late.into(), SESSION_IDENTIFIES_MAX.into(), sessions.into()]].concat();
    let profile = [
        company,
        session,
        at,
        id,
        address,
        number,
        person.email.into(),
        person.name.into(),
        person.traits.into(),
        person.server_session.into(),
        person.created_ms.into(),
        bytes,
        now,
        members,
    ];
    let platform = [
        company,
        address,
        person.candidate.into(),
        id,
        number,
        person.claims.into(),
        bytes,
        person.platform_id.into(),
        clock::event_ts(request.received_ms, 0).into(),
        person.user.into(),
        now,
        members,
    ];
    let hash = tombstone::address(request.company, person.address);
    let keys = grant.map(|grant| grant.guard(None));
    let guard = Guard { hash: Some(&hash), keys: keys.as_deref(), ..Guard::default() };
    let claim = Param::from(request.claim);
    // Of a server's claim nothing is kept: it is told of the erasure, and may come again once that
    // is lifted.
    let erased = if person.trusted { "" } else { hash.as_str() };
    let unproved = Param::from(request.unproved.then_some(1));
    let origin = request.origin.map(fitting);
    let occupied = [company, id, at, erased.into(), claim, origin.as_deref().into(), unproved, now];
    let platform_ids = serde_json::to_string(&[person.platform_id])?;
    let row = std::slice::from_ref(row);
    let mut batch = Batch::default();
    let allowed = request::check(db, &mut batch, request)?;
    let new = batch.read(ingest::insert(db, request, &json, guard)?);
    let refused = batch.read::<Reason>(db.bind(sql::IDENTIFY_REFUSE, &refuse)?);
    let occupied = batch.read(db.bind(sql::IDENTIFY_OCCUPY, &occupied)?);
    batch.write(db.bind(sql::IDENTIFY_ADDRESS, &[company, address, person.candidate.into(), now, id, number])?);
    batch.write(db.bind(sql::IDENTIFY_CLAIM, &fact)?);
    batch.write(db.bind(sql::IDENTIFY_LINK, &fact)?);
    batch.write(db.bind(sql::IDENTIFY_COUNT, &[company, session, at, id, number])?);
    batch.write(db.bind(sql::IDENTIFY_SHIFT, &[company, session, at, id, number])?);
    batch.write(db.bind(sql::PLATFORM_IDENTIFIED, &platform)?);
    batch.write(db.bind(sql::IDENTIFY_PROFILE, &profile)?);
    let events = outbox::of_events(db, &mut batch, request, &ids, Some(person.address))?;
    let (marker, ms) = (request.number, request.received_ms);
    let platform = outbox::of_platform_events(db, &mut batch, request.company, &platform_ids, marker, ms)?;
    let find = [company, address, id, (&hash).into(), claim, person.candidate.into()];
    let found = batch.read::<Found>(db.bind(sql::IDENTIFY_FIND, &find)?);
    batch.write_all(catalog::note(db, request, row)?);
    let grant = match grant {
        Some(grant) => Some((grant, grant.push(db, &mut batch, request.company, person.candidate, ms)?)),
        None => None,
    };

    let answers = db.run_batch(batch).await?;
    let door = request::door(&answers, &allowed, request)?;
    let mut new = ingest::message_ids(&answers, &new)?;
    let refused = answers.first(&refused)?.map(|refused| refused.reason);
    if refused.is_some() {
        new.clear();
    }
    catalog::noted(request, row, &new);
    let mut outbox = outbox::of_events_answer(&answers, &events, request, row)?;
    outbox.extend(outbox::of_platform_events_answer(&answers, &platform)?);
    let found = if let Door::Open { .. } = door { answers.first(&found)? } else { None };
    let first = !new.is_empty() || !ingest::message_ids(&answers, &occupied)?.is_empty();
    let stored = Stored { new, outbox };
    let is_outdated = refused.is_none() && !first && ingest::is_outdated(&answers, grant, &stored)?;
    Ok(Identified { door, found, new: first, stored, refused, is_outdated })
}
