//! Storing events: one batch, whatever their number. `events`, `links`, `deliveries`, and what they may make: a group, through the server door a profile, records.

use serde::Deserialize;
use worker::D1PreparedStatement;

use super::identity_keys::{Give, Led};
use super::outbox::{self, Outbox};
use super::request::{self, Door, Request};
use super::{Answers, Db, Param, Result, catalog, groups, records, sql};
use crate::domain::clock;
use crate::domain::event::Row;
use crate::domain::origin::fitting;

/// What was stored.
#[derive(Debug)]
pub struct Stored {
    /// Message ids that were new.
    pub new: Vec<String>,
    /// Outbox rows written for them.
    pub outbox: Outbox,
}

#[derive(Deserialize)]
struct MessageId {
    message_id: String,
}

#[derive(Deserialize)]
struct Found {
    profile: String,
    erased: i64,
}

/// What must hold for events to be stored, besides an open door.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Guard<'a> {
    /// This address must still lead to the profile.
    pub(super) address: Option<&'a str>,
    /// This profile must not be erased.
    pub(super) profile: Option<&'a str>,
    /// No tombstone may have this hash.
    pub(super) hash: Option<&'a str>,
    /// Where two lookup keys must lead: [`Give::guard`].
    pub(super) keys: Option<&'a str>,
}

/// `insert into events`.
pub(super) fn insert(db: &Db, request: &Request<'_>, rows: &str, guard: Guard<'_>) -> Result<D1PreparedStatement> {
    let origin = request.origin.map(fitting);
    db.bind(
        sql::EVENTS_INSERT,
        &[
            rows.into(),
            request.company.into(),
            i64::from(request.from_server).into(),
            request.session.into(),
            request.number.into(),
            request.sent_ms.into(),
            request.received_ms.into(),
            request.context.into(),
            origin.as_deref().into(),
            guard.address.into(),
            guard.profile.into(),
            guard.hash.into(),
            request.unproved.then_some(1).into(),
            request.bot.then_some(1).into(),
            request.plan.into(),
            request.claim.into(),
            guard.keys.into(),
        ],
    )
}

fn count(
    db: &Db,
    request: &Request<'_>,
    rows: &[Row],
    ids: &str,
    profile: Option<&str>,
) -> Result<D1PreparedStatement> {
    let counts_revenue = rows.iter().any(|row| row.revenue.is_some());
    db.bind(
        if counts_revenue { sql::LINKS_COUNT_REVENUE } else { sql::LINKS_COUNT },
        &[
            ids.into(),
            request.company.into(),
            i64::from(request.from_server).into(),
            request.session.into(),
            request.number.into(),
            profile.into(),
        ],
    )
}

/// The JSON parameters of a request's rows: the rows themselves, and their ids, which are all that the later statements need.
pub(super) fn json(rows: &[Row]) -> Result<(String, String)> {
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    Ok((serde_json::to_string(rows)?, serde_json::to_string(&ids)?))
}

pub(super) fn message_ids(answers: &mut Answers) -> Result<Vec<String>> {
    Ok(answers.take()?.rows::<MessageId>()?.into_iter().map(|r| r.message_id).collect())
}

/// Stores a browser's events if the door is open: one batch.
///
/// # Errors
/// D1's; nothing was stored then.
pub async fn browser(db: &Db, request: &Request<'_>, rows: &[Row]) -> Result<(Door, Stored)> {
    let (json, ids) = json(rows)?;
    let [deliveries, targets] = outbox::of_events(db, request, &ids, None)?;
    let mut told = groups::merge(db, request, rows)?;
    records::mark(db, request, &mut told)?;
    let mut batch = vec![
        request::check(db, request)?,
        insert(db, request, &json, Guard::default())?,
        count(db, request, rows, &ids, None)?,
        deliveries,
        targets,
    ];
    batch.extend(told);
    batch.extend(catalog::note(db, request, rows)?);
    let mut answers = Answers::new(db.batch(batch).await?);
    let door = request::check_answer(&mut answers, request)?;
    let new = message_ids(&mut answers)?;
    catalog::noted(request, rows, &new);
    answers.take()?;
    Ok((door, Stored { new, outbox: outbox::of_events_answer(&mut answers, request, rows)? }))
}

/// Which of these message ids are stored already at the server door.
///
/// # Errors
/// D1's.
pub async fn known(db: &Db, company: &str, ids: &[&str]) -> Result<Vec<String>> {
    message_ids(&mut Answers::new(db.batch(vec![known_statement(db, company, ids, None)?]).await?))
}

/// Asks which of these message ids are stored already, at the server door or as this claim.
pub(super) fn known_statement(db: &Db, company: &str, ids: &[&str], claim: Option<i64>) -> Result<D1PreparedStatement> {
    let ids = serde_json::to_string(ids)?;
    db.bind(sql::EVENTS_KNOWN, &[company.into(), (&ids).into(), claim.into()])
}

/// Whom server events are about.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// Nobody.
    None,
    /// Whoever the session is linked to, now or later.
    Session,
    /// This profile; the request's session is its server session.
    Profile(&'a str),
    /// A person to be made: the candidate profile, the address (or user id) as key and as typed. The request's session is the candidate's.
    New {
        /// The profile's id.
        profile: &'a str,
        /// The lookup key.
        address: &'a str,
        /// Its hash, as a tombstone has it.
        hash: &'a str,
        /// As the sender wrote it; `None` where the key is a user id's.
        email: Option<&'a str>,
        /// The user object.
        user: &'a str,
        /// Message id of the platform event.
        platform_id: &'a str,
    },
}

/// What came of server events.
#[derive(Debug)]
pub enum Served {
    /// They are stored. Of a person who was erased since they were resolved nothing is new.
    Stored(Stored),
    /// Somebody else made the person in between: nothing was stored, resolve again.
    Raced,
    /// The address was erased: nothing was stored.
    Erased,
    /// What was read of two keys holds no longer: no event was stored, read again. The person may have been made.
    Outdated(Outbox),
}

/// Whether what gives a person a second key stored nothing because it holds no longer. Its read of both keys is the batch's last answer.
pub(super) fn is_outdated(answers: &mut Answers, give: Option<&Give>, stored: &Stored) -> Result<bool> {
    match give {
        Some(give) if stored.new.is_empty() => Ok(give.is_outdated(&answers.last()?.rows::<Led>()?)),
        Some(_) | None => Ok(false),
    }
}

/// Stores server events, and gives their person a second key, if they do: one batch.
///
/// # Errors
/// D1's; nothing was stored then.
pub async fn server(
    db: &Db,
    request: &Request<'_>,
    rows: &[Row],
    subject: Subject<'_>,
    give: Option<&Give>,
) -> Result<Served> {
    let (json, ids) = json(rows)?;
    let made = if let Subject::New { profile, .. } = subject { Some(profile) } else { None };
    let keys = give.map(|give| give.guard(made));
    let keys = keys.as_deref();
    let stored = |answers: &mut Answers, counted: bool| -> Result<Stored> {
        let new = message_ids(answers)?;
        catalog::noted(request, rows, &new);
        if counted {
            answers.take()?;
        }
        Ok(Stored { new, outbox: outbox::of_events_answer(answers, request, rows)? })
    };
    let [deliveries, targets] = outbox::of_events(db, request, &ids, None)?;
    let mut told = records::merge(db, request, rows)?;
    told.extend(groups::merge(db, request, rows)?);
    records::mark(db, request, &mut told)?;
    told.extend(catalog::note(db, request, rows)?);
    match subject {
        Subject::None => {
            let mut batch = vec![insert(db, request, &json, Guard::default())?, deliveries, targets];
            batch.extend(told);
            Ok(Served::Stored(stored(&mut Answers::new(db.batch(batch).await?), false)?))
        }
        Subject::Session | Subject::Profile(_) => {
            let profile = if let Subject::Profile(id) = subject { Some(id) } else { None };
            let guard = Guard { profile, keys, ..Guard::default() };
            let mut batch =
                vec![insert(db, request, &json, guard)?, count(db, request, rows, &ids, profile)?, deliveries, targets];
            batch.extend(told);
            if let (Some(give), Some(profile)) = (give, profile) {
                batch.extend(give.statements(db, request.company, profile, request.received_ms)?);
            }
            let mut answers = Answers::new(db.batch(batch).await?);
            let stored = stored(&mut answers, true)?;
            let give = give.filter(|_| profile.is_some());
            Ok(if is_outdated(&mut answers, give, &stored)? {
                Served::Outdated(stored.outbox)
            } else {
                Served::Stored(stored)
            })
        }
        Subject::New { profile, address, hash, email, user, platform_id } => {
            let created_ms = rows.iter().map(|row| clock::ts_ms(row.ts)).min().unwrap_or(request.received_ms);
            let person: [Param<'_>; 7] = [
                request.company.into(),
                profile.into(),
                address.into(),
                email.into(),
                request.session.into(),
                created_ms.into(),
                request.received_ms.into(),
            ];
            let (now, none) = (request.received_ms.into(), Param::Int(0));
            // Nobody is identified here: the empty message id is nobody's.
            let platform = [
                request.company.into(),
                address.into(),
                profile.into(),
                "".into(),
                request.number.into(),
                "{}".into(),
                none,
                platform_id.into(),
                clock::event_ts(request.received_ms, 0).into(),
                user.into(),
                now,
                none,
            ];
            let platform_ids = serde_json::to_string(&[platform_id])?;
            let guard = Guard { address: Some(address), profile: Some(profile), hash: None, keys };
            let mut batch = vec![
                db.bind(
                    sql::IDENTITY_INSERT,
                    &[
                        request.company.into(),
                        address.into(),
                        profile.into(),
                        request.received_ms.into(),
                        (&ids).into(),
                        hash.into(),
                    ],
                )?,
                insert(db, request, &json, guard)?,
                count(db, request, rows, &ids, Some(profile))?,
                deliveries,
                targets,
                db.bind(sql::PLATFORM_IDENTIFIED, &platform)?,
                db.bind(sql::PROFILE_OPEN, &person)?,
                outbox::of_platform_events(db, request.company, &platform_ids, request.number, request.received_ms)?,
                db.bind(sql::IDENTITY_FIND, &[request.company.into(), address.into(), hash.into()])?,
            ];
            batch.extend(told);
            if let Some(give) = give {
                batch.extend(give.statements(db, request.company, profile, request.received_ms)?);
            }
            let mut answers = Answers::new(db.batch(batch).await?);
            answers.take()?;
            let mut stored = stored(&mut answers, true)?;
            answers.take()?;
            answers.take()?;
            stored.outbox.extend(outbox::of_platform_events_answer(&mut answers)?);
            if is_outdated(&mut answers, give, &stored)? {
                return Ok(Served::Outdated(stored.outbox));
            }
            // Nobody behind the address: nothing of the request was new. Somebody else: that one was made in between.
            Ok(match answers.take()?.first::<Found>()? {
                Some(Found { erased: 1, .. }) => Served::Erased,
                Some(found) if found.profile != profile => Served::Raced,
                Some(_) | None => Served::Stored(stored),
            })
        }
    }
}
