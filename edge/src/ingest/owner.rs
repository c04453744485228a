//! The owner of a server's events: the person of its identifiers. The person is created if nobody
//! has the address or the user id.

use serde::{Deserialize, Serialize};
use trackmate_wire::api::Warning;
use trackmate_wire::hex::hex;
use trackmate_wire::ids::{SERVER_SESSION_PREFIX, key_kind, server_session_id};
use trackmate_wire::problem::{Code, Problem};

use crate::credentials;
use crate::delivery::dispatch;
use crate::domain::edit::Edit;
use crate::domain::event::Row;
use crate::domain::secret::Scope;
use crate::domain::source::Source;
use crate::domain::{self, clock, tombstone};
use crate::error::Error;
use crate::ingest::context::IngestContext;
use crate::ingest::known_keys;
use crate::people::conflict::ConflictRetries;
use crate::runtime::random;
use crate::store::identity_keys::KeyGrant;
use crate::store::ingest::{self, ServerStoreResult, Stored, Subject};
use crate::store::outbox::Outbox;
use crate::store::people::{self, Identifiers, Resolved};
use crate::store::request::IngestRequest;

/// How the owner of a request's events is found.
#[derive(Serialize, Deserialize)]
pub(crate) struct OwnerLookup {
    #[serde(rename = "who")]
    pub(crate) identifiers: Identifiers,
    /// The `ts` at which the owner of a session is looked up: that of the first event.
    pub(crate) at: i64,
    pub(crate) sent_ms: Option<i64>,
}

impl OwnerLookup {
    /// The owner of these events.
    pub(crate) fn of(identifiers: Identifiers, sent_ms: Option<i64>, rows: &[Row]) -> Self {
        Self { identifiers, at: rows.first().map_or(0, |row| row.ts), sent_ms }
    }
}

/// The change of the owner that a request wants.
#[derive(Clone, Copy, Default)]
pub(crate) struct PersonChange<'a> {
    /// The edit that the caller makes once the events are stored. A created person has it already
    /// in `user.created`.
    pub(crate) edit: Option<&'a Edit>,
    /// The second identity key that the person gets.
    pub(crate) grant: Option<&'a KeyGrant>,
}

impl PersonChange<'_> {
    /// Applies the change to a person who is about to be created, so that `user.created`
    /// shows them with it. A receiver may get `user.created` last, or nothing else.
    pub(crate) fn apply_to(&self, person: &mut domain::person::Person, now_ms: i64) {
        if let Some(edit) = self.edit {
            edit.foretell(person, now_ms);
        }
        person.updated_ms = now_ms;
        if let Some(grant) = self.grant {
            person.given(&grant.key, grant.typed.as_deref());
        }
    }
}

/// The result of storing events for their owner.
pub(crate) struct StoredEvents {
    pub(crate) stored: Stored,
    pub(crate) profile: Option<String>,
    pub(crate) created: bool,
    pub(crate) warnings: Vec<Warning>,
    /// Whether no event was stored because of a conflict about an identity key.
    pub(crate) is_outdated: bool,
}

impl StoredEvents {
    /// Events that were stored for a person who existed, for a session, or for nobody.
    ///
    /// # Errors
    /// The problem of an identifier, for which no event can have been stored.
    pub(crate) fn of(
        cx: &IngestContext,
        rows: &[Row],
        stored: Stored,
        resolved: &Resolved,
        identifiers: &Identifiers,
    ) -> Result<Self, Problem> {
        let profile = IdentifiedPerson::of(resolved, identifiers)?.profile();
        cx.log().accepted(rows.iter(), &stored.new);
        let warnings = conflict(resolved, identifiers).into_iter().collect();
        Ok(Self { stored, profile, created: false, warnings, is_outdated: false })
    }

    const fn outdated(outbox: Outbox) -> Self {
        let stored = Stored { new: Vec::new(), outbox };
        Self { stored, profile: None, created: false, warnings: Vec::new(), is_outdated: true }
    }
}

/// Events of one owner, and the change of the owner.
#[derive(Clone, Copy)]
pub(crate) struct OwnedEvents<'a> {
    pub(crate) owner: &'a OwnerLookup,
    pub(crate) rows: &'a [Row],
    pub(crate) change: PersonChange<'a>,
}

/// Stores a request's events for the person of its identifiers, and grants them a second identity
/// key if the change has one. The person is created if nobody has the address or user id. The
/// caller dispatches the outbox and makes the edit.
///
/// # Errors
/// The problem of an identifier; `erased_user`; `busy` after too many conflicts; D1's.
pub(crate) async fn store_for_owner(
    cx: &IngestContext,
    hash: &str,
    mut resolved: Resolved,
    events: OwnedEvents<'_>,
) -> Result<StoredEvents, Error> {
    let OwnedEvents { owner: OwnerLookup { identifiers, at, sent_ms }, rows, change } = events;
    let company = resolved.key.company.clone();
    let budget = dispatch::lease_budget(cx, &company);
    let shared = IngestRequest { sent_ms: *sent_ms, ..IngestRequest::of_server(&company, cx.now_ms(), budget) };
    let hash_of_key =
        identifiers.identity_key.as_deref().map(|key| tombstone::of_key(&company, key)).unwrap_or_default();
    let mut retries = ConflictRetries::default();
    loop {
        retries.next(cx).await?;
        let person = IdentifiedPerson::of(&resolved, identifiers)?;
        let (profile, session) = new_profile(cx.now_ms());
        let user = new_user(cx, &company, &profile, events)?;
        let candidate = NewPerson { profile, session, hash: &hash_of_key, user, platform_id: random::message_id() };
        let (subject, session) = candidate.subject(&person, identifiers);
        let request = IngestRequest { session, marker: random::number(), ..shared };
        let stored = match ingest::server(cx.db(&company)?, &request, rows, subject, change.grant).await? {
            ServerStoreResult::Stored(stored) => stored,
            ServerStoreResult::Outdated(outbox) => {
                return Ok(StoredEvents::outdated(outbox));
            }
            ServerStoreResult::Raced => {
                resolved = resolve(cx, hash, identifiers, *at).await?;
                continue;
            }
            ServerStoreResult::Erased => return Err(erased("identifier.email").into()),
        };
        if matches!(subject, Subject::Profile(_)) && stored.new.is_empty() && !rows.is_empty() {
            // Either all events are repeats, or the person was erased or undone since they were
            // read.
            let now = resolve(cx, hash, identifiers, *at).await?;
            if IdentifiedPerson::of(&now, identifiers)?.id() != person.id() {
                resolved = now;
                continue;
            }
        }
        // If no event is new nobody is created: a repeat leaves no empty profile.
        let created = matches!(subject, Subject::New { .. }) && !stored.new.is_empty();
        let events = StoredEvents::of(cx, rows, stored, &resolved, identifiers)?;
        let profile = events.profile.or_else(|| Some(candidate.profile).filter(|_| created));
        return Ok(StoredEvents { profile, created, ..events });
    }
}

/// A person who is created if nobody has the identity key.
struct NewPerson<'a> {
    profile: String,
    session: String,
    /// The tombstone hash of the identity key.
    hash: &'a str,
    /// The user object, JSON.
    user: String,
    /// The message id of `user.created`.
    platform_id: String,
}

impl NewPerson<'_> {
    /// Whom the events are stored for, and in which session.
    fn subject<'a>(&'a self, person: &'a IdentifiedPerson, identifiers: &'a Identifiers) -> (Subject<'a>, &'a str) {
        match (person, identifiers) {
            (IdentifiedPerson::Session(_), Identifiers { session: Some(id), .. }) => (Subject::Session, id.as_str()),
            (IdentifiedPerson::Known { id, session }, _) => (Subject::Profile(id), session.as_str()),
            (IdentifiedPerson::Unknown, Identifiers { identity_key: Some(identity_key), email, .. }) => (
                Subject::New {
                    profile: &self.profile,
                    identity_key,
                    hash: self.hash,
                    email: email.as_deref(),
                    user: &self.user,
                    platform_id: &self.platform_id,
                },
                self.session.as_str(),
            ),
            (IdentifiedPerson::Nobody | IdentifiedPerson::Session(_) | IdentifiedPerson::Unknown, _) => {
                (Subject::None, "")
            }
        }
    }
}

/// The user object of a person whom these events would create, with the requested change. JSON.
fn new_user(cx: &IngestContext, company: &str, id: &str, events: OwnedEvents<'_>) -> Result<String, Error> {
    let OwnedEvents { owner: OwnerLookup { identifiers, .. }, rows, change } = events;
    let times = || rows.iter().map(|row| clock::ts_ms(row.ts));
    let mut user = domain::person::Person {
        id: id.to_owned(),
        company: company.to_owned(),
        email: identifiers.email.clone(),
        external_id: identifiers.identity_key.clone().filter(|key| key_kind(key) == "user"),
        created_ms: times().min().unwrap_or_else(|| cx.now_ms()),
        active_ms: times().max(),
        ..domain::person::Person::default()
    };
    change.apply_to(&mut user, cx.now_ms());
    Ok(serde_json::to_string(&user.user())?)
}

/// Checks the secret key and finds the people of the identifiers in its company, in one query.
///
/// # Errors
/// `invalid_key`, `wrong_scope`; D1's.
pub(crate) async fn resolve(
    cx: &IngestContext,
    hash: &str,
    identifiers: &Identifiers,
    at: i64,
) -> Result<Resolved, Error> {
    let found = people::resolve(cx.db_of_key(hash)?, hash, identifiers, at, cx.now_ms()).await?;
    accept(cx, found, hash)
}

/// Checks the secret key that was read together with the people of the identifiers.
///
/// # Errors
/// `invalid_key`, `wrong_scope`.
pub(crate) fn accept(cx: &IngestContext, found: Option<Resolved>, hash: &str) -> Result<Resolved, Error> {
    if let Some(found) = &found {
        cx.log().set_company(&found.key.company, Source::Server);
        cx.log().set_watched(found.watched == Some(1));
    }
    let key = credentials::accept(cx, found.as_ref().map(|r| r.key.clone()), hash, Scope::Server);
    let key = key.inspect_err(|_| known_keys::forget(hash))?;
    // `accept` lets only a found key through.
    let accepted = found.map(|r| Resolved { key, ..r });
    let accepted = accepted.ok_or_else(|| Error::Internal("a key was accepted that was not found".into()))?;
    known_keys::remember(hash, &accepted);
    Ok(accepted)
}

/// The person of the identifiers, by their priority: user id, address, session.
enum IdentifiedPerson {
    Nobody,
    Known {
        id: String,
        session: String,
    },
    /// An address or user id that nobody has yet.
    Unknown,
    /// A session and its owner, if it has one.
    Session(Option<String>),
}

impl IdentifiedPerson {
    /// The profile of the person, or of the owner of the session.
    fn profile(self) -> Option<String> {
        match self {
            Self::Known { id, .. } => Some(id),
            Self::Session(owner) => owner,
            Self::Unknown | Self::Nobody => None,
        }
    }

    fn id(&self) -> Option<&str> {
        if let Self::Known { id, .. } = self { Some(id) } else { None }
    }

    fn of(resolved: &Resolved, identifiers: &Identifiers) -> Result<Self, Problem> {
        if identifiers.user.is_some() {
            return match (&resolved.user_id, &resolved.user_session, resolved.erased_at) {
                (Some(_), _, Some(_)) => Err(erased("identifier.userId")),
                (Some(id), Some(session), None) => Ok(Self::Known { id: id.clone(), session: session.clone() }),
                _ => Err(Problem::field(Code::UnknownUser, "identifier.userId", "no user of this company has this id")),
            };
        }
        Ok(match (&resolved.email_id, &resolved.email_session) {
            (Some(id), Some(session)) => Self::Known { id: id.clone(), session: session.clone() },
            _ if identifiers.identity_key.is_some() && !identifiers.only_known => Self::Unknown,
            _ => match &identifiers.session {
                // A server session belongs to one person. In one without an owner events would
                // never get a person.
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

/// A warning if the identifiers name different people. The events went to the first; nobody was
/// merged.
fn conflict(resolved: &Resolved, identifiers: &Identifiers) -> Option<Warning> {
    // An address that nobody has cannot belong to the person of the other identifiers.
    let is_unknown = identifiers.identity_key.is_some()
        && resolved.email_id.is_none()
        && (resolved.user_id.is_some() || resolved.session_id.is_some());
    let mut named = [&resolved.user_id, &resolved.email_id, &resolved.session_id].into_iter().flatten();
    let first = named.next()?;
    let message =
        "the identifiers name different users; the event was stored on the first by priority, and nothing was merged";
    (is_unknown || named.any(|other| other != first)).then_some(Warning::new("identity_conflict", message))
}

/// Random ids for a profile that this request may create: of the profile and of its server session.
pub(crate) fn new_profile(now_ms: i64) -> (String, String) {
    (hex(&random::bytes::<12>()), server_session_id(now_ms / 1000, random::bytes()))
}
