//! Whose a server's events are: the person that its identifiers name, who is made if a new address
//! or user id names nobody.

use serde::{Deserialize, Serialize};
use trackmate_wire::hex::hex;
use trackmate_wire::ids::{SERVER_SESSION_PREFIX, key_kind, server_session_id};
use trackmate_wire::problem::{Code, Problem};

use crate::credentials;
use crate::delivery::dispatch;
use crate::domain::edit::Edit;
use crate::domain::event::Row;
use crate::domain::{self, clock, tombstone};
use crate::error::Error;
use crate::ingest::context::IngestContext;
use crate::ingest::receipt::Warning;
use crate::people::conflict::ConflictRetries;
use crate::runtime::random;
use crate::store::companies::Scope;
use crate::store::identity_keys::KeyGrant;
use crate::store::ingest::{self, ServerStoreResult, Stored, Subject};
use crate::store::people::{self, Identifiers, Resolved};
use crate::store::request::Request;

/// Whom a request's events are about, and what they share.
#[derive(Serialize, Deserialize)]
pub(crate) struct OwnerLookup {
    pub(crate) who: Identifiers,
    /// The `ts` at which a session's owner is asked for: the first event's.
    pub(crate) at: i64,
    pub(crate) sent_ms: Option<i64>,
}

/// What a request says of the person whose events it brings.
#[derive(Clone, Copy, Default)]
pub(crate) struct PersonChange<'a> {
    /// What the caller says of them once the events are stored. Of somebody who is made it stands
    /// in `user.created` already.
    pub(crate) edit: Option<&'a Edit>,
    /// The second key that it gives them.
    pub(crate) grant: Option<&'a KeyGrant>,
}

impl PersonChange<'_> {
    /// Makes of a person who is about to be made what the request is going to: a receiver may hear
    /// of that before it hears of what made them, or of that alone. The version is the one that
    /// they are made with.
    pub(crate) fn apply_to(&self, person: &mut domain::person::Person, now_ms: i64) {
        if let Some(edit) = self.edit {
            edit.foretell(person, now_ms);
        }
        person.updated_ms = now_ms;
        if let Some(give) = self.grant {
            person.given(&give.key, give.typed.as_deref());
        }
    }
}

/// Events that are stored, and whose they are.
pub(crate) struct StoredEvents {
    pub(crate) stored: Stored,
    pub(crate) profile: Option<String>,
    pub(crate) created: bool,
    pub(crate) warnings: Vec<Warning>,
    /// Whether nothing is stored because what was read of two keys holds no longer.
    pub(crate) is_outdated: bool,
}

/// Stores a request's events for whom its identifiers name, who is made if an address or user id
/// leads to nobody, and gives them a second key, if it does. What follows from stored events is the
/// caller's to see to.
pub(crate) async fn store_for_owner(
    cx: &IngestContext,
    hash: &str,
    mut resolved: Resolved,
    OwnerLookup { who, at, sent_ms }: &OwnerLookup,
    rows: &[Row],
    change: PersonChange<'_>,
) -> Result<StoredEvents, Error> {
    let company = resolved.key.company.clone();
    let shared = Request {
        company: &company,
        from_server: true,
        session: "",
        number: 0,
        sent_ms: *sent_ms,
        received_ms: cx.now_ms(),
        context: None,
        origin: None,
        bot: false,
        unproved: false,
        plan: None,
        claim: None,
        lease_budget: dispatch::lease_budget(cx, &company),
    };
    let hash_of_address = who.address.as_deref().map(|key| tombstone::address(&company, key)).unwrap_or_default();
    let mut retries = ConflictRetries::default();
    loop {
        retries.next(cx).await?;
        let person = Person::of(&resolved, who)?;
        let (candidate, session) = new_profile(cx.now_ms());
        let user = fresh_user(cx, &company, who, &candidate, rows, change)?;
        let platform_id = random::message_id();
        let (subject, session) = match (&person, who) {
            (Person::Nobody, _) => (Subject::None, ""),
            (Person::Session(_), Identifiers { session: Some(id), .. }) => (Subject::Session, id.as_str()),
            (Person::Known { id, session }, _) => (Subject::Profile(id), session.as_str()),
            (Person::Unknown, Identifiers { address: Some(address), email, .. }) => (
                Subject::New {
                    profile: &candidate,
                    address,
                    hash: &hash_of_address,
                    email: email.as_deref(),
                    user: &user,
                    platform_id: &platform_id,
                },
                session.as_str(),
            ),
            (Person::Session(_) | Person::Unknown, _) => (Subject::None, ""),
        };
        let request = Request { session, number: random::number(), ..shared };
        let stored = match ingest::server(cx.db(Some(&company))?, &request, rows, subject, change.grant).await? {
            ServerStoreResult::Stored(stored) => stored,
            ServerStoreResult::Outdated(outbox) => {
                let stored = Stored { new: Vec::new(), outbox };
                return Ok(StoredEvents {
                    stored,
                    profile: None,
                    created: false,
                    warnings: Vec::new(),
                    is_outdated: true,
                });
            }
            ServerStoreResult::Raced => {
                resolved = resolve(cx, hash, who, *at).await?;
                continue;
            }
            ServerStoreResult::Erased => return Err(erased("identifier.email").into()),
        };
        if matches!(subject, Subject::Profile(_)) && stored.new.is_empty() && !rows.is_empty() {
            // All are repeats, or the person was erased since, or is nobody's identify's any more.
            let now = resolve(cx, hash, who, *at).await?;
            if Person::of(&now, who)?.id() != person.id() {
                resolved = now;
                continue;
            }
        }
        // Nothing new, nobody made: a repeat of somebody else's message id leaves no empty profile
        // behind.
        let created = matches!(subject, Subject::New { .. }) && !stored.new.is_empty();
        let profile = match person {
            Person::Known { id, .. } => Some(id),
            Person::Session(owner) => owner,
            Person::Unknown => Some(candidate.clone()).filter(|_| created),
            Person::Nobody => None,
        };
        cx.log().stored(rows.iter(), &stored.new);
        let warnings = conflict(&resolved, who).into_iter().collect();
        return Ok(StoredEvents { stored, profile, created, warnings, is_outdated: false });
    }
}

/// The user object of a person whom these events would make, as the request leaves it.
fn fresh_user(
    cx: &IngestContext,
    company: &str,
    who: &Identifiers,
    id: &str,
    rows: &[Row],
    change: PersonChange<'_>,
) -> Result<String, Error> {
    let times = || rows.iter().map(|row| clock::ts_ms(row.ts));
    let mut user = domain::person::Person {
        id: id.to_owned(),
        company: company.to_owned(),
        email: who.email.clone(),
        external_id: who.address.clone().filter(|key| key_kind(key) == "user"),
        created_ms: times().min().unwrap_or_else(|| cx.now_ms()),
        active_ms: times().max(),
        ..domain::person::Person::default()
    };
    change.apply_to(&mut user, cx.now_ms());
    Ok(serde_json::to_string(&user.user())?)
}

/// Finds the key and whom the identifiers name in its company.
pub(crate) async fn resolve(cx: &IngestContext, hash: &str, who: &Identifiers, at: i64) -> Result<Resolved, Error> {
    let found = people::resolve(cx.db(None)?, hash, who, at, cx.now_ms()).await?;
    if let Some(found) = &found {
        cx.log().set_company(&found.key.company, true);
        cx.log().set_watched(found.watched == Some(1));
    }
    let key = credentials::accept(cx, found.as_ref().map(|r| r.key.clone()), hash, Scope::Server)?;
    // `accept` lets only a found key through.
    found.map(|r| Resolved { key, ..r }).ok_or_else(|| Error::Internal("a key was accepted that was not found".into()))
}

/// Whom the identifiers name, by their priority.
enum Person {
    Nobody,
    Known {
        id: String,
        session: String,
    },
    /// An address that leads nowhere yet.
    Unknown,
    /// A session and its owner, if it has one.
    Session(Option<String>),
}

impl Person {
    fn id(&self) -> Option<&str> {
        if let Self::Known { id, .. } = self { Some(id) } else { None }
    }

    fn of(resolved: &Resolved, who: &Identifiers) -> Result<Self, Problem> {
        if who.user.is_some() {
            return match (&resolved.user_id, &resolved.user_session, resolved.erased_at) {
                (Some(_), _, Some(_)) => Err(erased("identifier.userId")),
                (Some(id), Some(session), None) => Ok(Self::Known { id: id.clone(), session: session.clone() }),
                _ => Err(Problem::field(Code::UnknownUser, "identifier.userId", "no user of this company has this id")),
            };
        }
        Ok(match (&resolved.email_id, &resolved.email_session) {
            (Some(id), Some(session)) => Self::Known { id: id.clone(), session: session.clone() },
            _ if who.address.is_some() && !who.only_known => Self::Unknown,
            _ => match &who.session {
                // A server session is a person's own. One without an owner would gather events that
                // its person never gets.
                Some(id) if id.starts_with(SERVER_SESSION_PREFIX) && resolved.session_id.is_none() => {
                    return Err(Problem::field(
                        Code::InvalidSession,
                        "identifier.sessionId",
                        "no server session of this company has this id",
                    ));
                }
                Some(_) => Self::Session(resolved.session_id.clone()),
                None => Self::Nobody,
            },
        })
    }
}

fn erased(field: &'static str) -> Problem {
    Problem::field(Code::ErasedUser, field, "this user was erased")
}

/// PersonChange so when the identifiers name different people. The event went to the first; nothing
/// was merged.
fn conflict(resolved: &Resolved, who: &Identifiers) -> Option<Warning> {
    // An address that leads to nobody is nobody of those the others name.
    let stranger = who.address.is_some()
        && resolved.email_id.is_none()
        && (resolved.user_id.is_some() || resolved.session_id.is_some());
    let mut named = [&resolved.user_id, &resolved.email_id, &resolved.session_id].into_iter().flatten();
    let first = named.next()?;
    let message =
        "the identifiers name different users; the event was stored on the first by priority, and nothing was merged";
    (stranger || named.any(|other| other != first)).then_some(Warning::new("identity_conflict", message))
}

/// The ids a profile gets if this request makes it: the profile's and its server session's.
pub(crate) fn new_profile(now_ms: i64) -> (String, String) {
    (hex(&random::bytes::<12>()), server_session_id(now_ms / 1000, random::bytes()))
}
