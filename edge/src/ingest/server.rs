//! `POST /api/webhooks/events`: events from a customer's server, with its key.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use trackmate_wire::ids::{SERVER_SESSION_PREFIX, email_typed, is_placeholder, is_session, key_kind};
use trackmate_wire::limits::WARNINGS_MAX;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::edit::Edit;
use crate::domain::event::{self, Arrival, Row, Sorted};
use crate::domain::{self, clock, mild, revenue, tombstone};
use crate::error::Error;
use crate::http::admin::users::find;
use crate::http::context::Call;
use crate::http::response::HandlerResult;
use crate::http::{auth, body, rate_limit};
use crate::ingest::browser::{Came, Receipt, items};
use crate::ingest::identify::{address, new_profile};
use crate::ingest::outage_buffer::{self, Work};
use crate::ingest::{alias, outcome_log, plan_check};
use crate::people::turn::Tries;
use crate::people::{edit, merge};
use crate::runtime::random;
use crate::store::companies::Scope;
use crate::store::ingest::{self, Served, Stored, Subject};
use crate::store::people::{self, Give, Identifiers, Resolved};

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ServerEventsRequest"))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Batch<'a> {
    #[serde(rename = "company_id")]
    company_id: Option<String>,
    identifier: Option<Identifier>,
    #[serde(borrow)]
    events: Option<Vec<&'a RawValue>>,
    sent_at: Option<Value>,
    #[serde(borrow)]
    event_type: Option<&'a RawValue>,
    #[serde(borrow)]
    event_data: Option<&'a RawValue>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    message_id: Option<&'a RawValue>,
    #[serde(borrow)]
    user: Option<&'a RawValue>,
    merge: Option<bool>,
}

#[derive(Deserialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Identifier {
    #[serde(default, deserialize_with = "mild::deserialize")]
    email: Option<String>,
    #[serde(default, deserialize_with = "mild::deserialize")]
    session_id: Option<String>,
    #[serde(default, deserialize_with = "mild::deserialize")]
    user_id: Option<String>,
}

/// The single-event form again as an item of a batch, so that there is one way in.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Single<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ServerEventsAnswer"))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer<'a> {
    /// The single form only.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a str>,
    #[serde(flatten)]
    receipt: Receipt,
    profile_id: Option<&'a str>,
    linked: bool,
    created: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Warning {
    pub(crate) code: &'static str,
    pub(crate) message: Cow<'static, str>,
}

impl Warning {
    pub(crate) const fn new(code: &'static str, message: &'static str) -> Self {
        Self { code, message: Cow::Borrowed(message) }
    }

    /// An optional part that was left out, with the reason. The rest is stored.
    pub(crate) fn left_out(part: &str, why: &str) -> Self {
        Self { code: "left_out", message: format!("{part} was left out: {why}").into() }
    }

    /// A part of `user` that was not stored, or not whole.
    fn of_user(problem: &Problem) -> Self {
        Self { code: "left_out", message: format!("not all of user was stored: {}", problem.message).into() }
    }

    /// An amount that counts nothing.
    pub(crate) const fn amount_unread() -> Self {
        Self::new(
            "amount_unread",
            "an amount could not be read and counts as no revenue; send a number, or a text such as 1299.00, with currency beside it",
        )
    }

    /// An optional text that was cut.
    pub(crate) fn cut(part: &str, chars: usize) -> Self {
        Self { code: "cut", message: format!("{part} was cut to {chars} characters").into() }
    }
}

/// What is said of nobody.
const NOBODY: Warning =
    Warning::new("nobody_known", "nobody is known by this identifier yet; what user says was not stored");

/// `POST /api/webhooks/events` `{company_id?, identifier?:{email|sessionId|userId}, eventType, eventData?, timestamp?, messageId?}` or
/// `{…, events:[…]}`, and `user?:{…}` with what is known of the person, `merge?: true` to make one user of `userId` and `email` → `{success, messageId?, accepted, duplicates, rejected, profileId|null, linked, created, warnings?}`.
/// Priority userId, e-mail, sessionId. An unknown address makes a profile; without an identifier the event is nobody's.
pub(crate) async fn post(call: &Call) -> HandlerResult {
    outcome_log::came_by_server(call);
    let hash = auth::hash_of(call, "x-trackmate-api-key")?;
    rate_limit::key(call, &hash).await?;
    let text = match body::text(call).await {
        Ok(text) => text,
        Err(error) => return Err(key_first(call, &hash, error).await),
    };
    outcome_log::refused(call, &text, None, take(call, &hash, &text).await)
}

/// A bad key is told before a bad body, where D1 can be asked for it.
async fn key_first(call: &Call, hash: &str, error: Error) -> Error {
    match resolve(call, hash, &Identifiers::default(), 0).await {
        Ok(_) | Err(Error::Down(_)) => error,
        Err(error) => error,
    }
}

async fn take(call: &Call, hash: &str, text: &str) -> HandlerResult {
    let Read { told, sorted, edit, mut warnings } = match read(call, text, hash) {
        Ok(read) => read,
        Err(problem) => return Err(key_first(call, hash, problem.into()).await),
    };
    rate_limit::items(call, hash, told.rows.len()).await?;
    let (id, count) = (told.rows.first().map(|row| row.id.clone()).filter(|_| told.single), told.rows.len());
    let outcome = told.receive(call, edit.as_ref()).await?.unwrap_or_default();
    outcome_log::stored(call, sorted.repeated.iter(), &[]);
    let Outcome { came, profile, created, warnings: more } = outcome;
    warnings.extend(more);
    Ok(serde_json::to_string(&Answer {
        message_id: id.as_deref(),
        receipt: Receipt::new(sorted, count, came),
        linked: profile.is_some(),
        profile_id: profile.as_deref(),
        created,
        warnings,
    })?)
}

/// What came of a server's events.
#[derive(Default)]
pub(crate) struct Outcome {
    /// What came of each; `None` if it is not known yet.
    came: Option<Came>,
    profile: Option<String>,
    created: bool,
    warnings: Vec<Warning>,
}

/// What a server told, once all is read of it that D1 need not be asked for.
#[derive(Serialize, Deserialize)]
pub(crate) struct Told {
    /// Of the key: whether it is one, and whose, D1 knows.
    pub(crate) hash: String,
    company_id: Option<String>,
    about: About,
    pub(crate) rows: Vec<Row>,
    /// What is said of the person, as sent.
    user: Option<Box<RawValue>>,
    merge: bool,
    /// Whether it is the form of one event, which is refused as a whole.
    #[serde(default)]
    single: bool,
}

/// Whom a request's events are about, and what they share.
#[derive(Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) who: Identifiers,
    /// The `ts` at which a session's owner is asked for: the first event's.
    pub(crate) at: i64,
    pub(crate) sent_ms: Option<i64>,
}

impl Told {
    /// Stores it, or keeps it in the spill queue while D1 is down: then what came of it is not known yet, `None`.
    async fn receive(self, call: &Call, edit: Option<&Edit>) -> Result<Option<Outcome>, Error> {
        let stored = self.store(call, edit).await;
        outage_buffer::or_keep(call, stored, || Work::Told(self)).await
    }

    /// Stores what was kept.
    pub(crate) async fn store_again(&self, call: &Call) -> Result<(), Error> {
        let (edit, _) = edit(self.user.as_deref());
        self.store(call, edit.as_ref()).await.map(drop)
    }

    async fn store(&self, call: &Call, edit: Option<&Edit>) -> Result<Outcome, Error> {
        let Self { hash, about, rows, .. } = self;
        let mut resolved = resolve(call, hash, &about.who, about.at).await?;
        let company = resolved.key.company.clone();
        if self.company_id.as_ref().is_some_and(|id| *id != company) {
            return Err(
                Problem::field(Code::WrongCompany, "company_id", "company_id is not the company of this key").into()
            );
        }
        let mut fitting = plan_check::server(call, &company, resolved.plan, rows).await?;
        if self.single
            && let Some((_, problem)) = fitting.refused.pop()
        {
            fitting.count(call, &company);
            return Err(problem.into());
        }
        let mut tries = Tries::default();
        while self.merge && unite(call, &company, &resolved, &about.who).await? {
            resolved = resolve(call, hash, &about.who, about.at).await?;
            if resolved.email_id == resolved.user_id {
                break;
            }
            // Somebody else was given the address in between, or one of the two was merged.
            tries.next(call).await?;
        }
        let aliased = alias::unite(call, &company, &fitting.rows).await?;
        if aliased.is_some() {
            resolved = resolve(call, hash, &about.who, about.at).await?;
        }
        let kept = keep(call, hash, resolved, about, &fitting.rows, Says { edit, give: None }).await?;
        let Kept { stored, profile, created, mut warnings, .. } = kept;
        warnings.extend(aliased.into_iter().flatten());
        let new = stored.new.len();
        call.emitted(&company, stored.outbox);
        match (edit, profile.as_deref()) {
            (Some(edit), Some(id)) => drop(edit::change(call, &company, id, edit).await?),
            (Some(_), None) => warnings.push(NOBODY),
            (None, _) => {}
        }
        let came = Came { new, rejected: fitting.settle(call, &company) };
        Ok(Outcome { came: Some(came), profile, created, warnings })
    }
}

/// Events that are stored, and whose they are.
pub(crate) struct Kept {
    pub(crate) stored: Stored,
    pub(crate) profile: Option<String>,
    created: bool,
    warnings: Vec<Warning>,
    /// Whether nothing is stored because what was read of two keys holds no longer.
    pub(crate) is_outdated: bool,
}

/// What a request says of the person whose events it brings.
#[derive(Clone, Copy, Default)]
pub(crate) struct Says<'a> {
    /// What the caller says of them once the events are stored. Of somebody who is made it stands in `user.created` already.
    pub(crate) edit: Option<&'a Edit>,
    /// The second key that it gives them.
    pub(crate) give: Option<&'a Give>,
}

impl Says<'_> {
    /// Makes of a person who is about to be made what the request is going to: a receiver may hear of that before it
    /// hears of what made them, or of that alone. The version is the one that they are made with.
    pub(crate) fn foretell(&self, person: &mut domain::person::Person, now_ms: i64) {
        if let Some(edit) = self.edit {
            edit.foretell(person, now_ms);
        }
        person.updated_ms = now_ms;
        if let Some(give) = self.give {
            person.given(&give.key, give.typed.as_deref());
        }
    }
}

/// Stores a request's events for whom its identifiers name, who is made if an address or user id leads to nobody, and gives them a second key, if it does. What
/// follows from stored events is the caller's to see to.
pub(crate) async fn keep(
    call: &Call,
    hash: &str,
    mut resolved: Resolved,
    About { who, at, sent_ms }: &About,
    rows: &[Row],
    says: Says<'_>,
) -> Result<Kept, Error> {
    let company = resolved.key.company.clone();
    let shared = ingest::Request {
        company: &company,
        from_server: true,
        session: "",
        number: 0,
        sent_ms: *sent_ms,
        received_ms: call.now_ms(),
        context: None,
        origin: None,
        bot: false,
        unproved: false,
        plan: None,
        claim: None,
        room: call.room(&company),
    };
    let hash_of_address = who.address.as_deref().map(|key| tombstone::address(&company, key)).unwrap_or_default();
    let mut tries = Tries::default();
    loop {
        tries.next(call).await?;
        let person = Person::of(&resolved, who)?;
        let (candidate, session) = new_profile(call.now_ms());
        let user = fresh_user(call, &company, who, &candidate, rows, says)?;
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
        let request = ingest::Request { session, number: random::number(), ..shared };
        let stored = match ingest::server(call.db(Some(&company))?, &request, rows, subject, says.give).await? {
            Served::Stored(stored) => stored,
            Served::Outdated(outbox) => {
                let stored = Stored { new: Vec::new(), outbox };
                return Ok(Kept { stored, profile: None, created: false, warnings: Vec::new(), is_outdated: true });
            }
            Served::Raced => {
                resolved = resolve(call, hash, who, *at).await?;
                continue;
            }
            Served::Erased => return Err(erased("identifier.email").into()),
        };
        if matches!(subject, Subject::Profile(_)) && stored.new.is_empty() && !rows.is_empty() {
            // All are repeats, or the person was erased since, or is nobody's identify's any more.
            let now = resolve(call, hash, who, *at).await?;
            if Person::of(&now, who)?.id() != person.id() {
                resolved = now;
                continue;
            }
        }
        // Nothing new, nobody made: a repeat of somebody else's message id leaves no empty profile behind.
        let created = matches!(subject, Subject::New { .. }) && !stored.new.is_empty();
        let profile = match person {
            Person::Known { id, .. } => Some(id),
            Person::Session(owner) => owner,
            Person::Unknown => Some(candidate.clone()).filter(|_| created),
            Person::Nobody => None,
        };
        outcome_log::stored(call, rows.iter(), &stored.new);
        let warnings = conflict(&resolved, who).into_iter().collect();
        return Ok(Kept { stored, profile, created, warnings, is_outdated: false });
    }
}

/// What a body says once it is understood.
struct Read {
    told: Told,
    /// What is left of the request's items: those that cannot be stored.
    sorted: Sorted,
    edit: Option<Edit>,
    warnings: Vec<Warning>,
}

fn read(call: &Call, text: &str, hash: &str) -> Result<Read, Problem> {
    let batch: Batch = body::parse(text)?;
    let who = identifiers(batch.identifier.unwrap_or_default())?;
    if let Some(id) = &who.session {
        outcome_log::session(call, id);
    }
    let sent_ms = body::sent_ms(batch.sent_at.as_ref());
    let subject = who.user.as_ref().or(who.address.as_ref()).or(who.session.as_ref()).map_or("", String::as_str);
    let arrival = Arrival { subject, sent_ms, received_ms: call.now_ms() };
    let single = batch.events.is_none();
    let mut sorted = if single {
        let item = Single {
            event_type: batch.event_type,
            event_data: batch.event_data,
            timestamp: batch.timestamp,
            message_id: batch.message_id,
        };
        let item =
            serde_json::to_string(&item).map_err(|_| Problem::new(Code::InvalidJson, "the event is not JSON"))?;
        Sorted { rows: vec![event::row(&item, 0, arrival, &mut random::message_id)?], ..Sorted::default() }
    } else {
        let items = items(batch.events)?;
        let sorted = event::sort(items.iter().map(|item| item.get()), arrival, random::message_id);
        outcome_log::rejected(call, items.iter().map(|item| item.get()), &sorted);
        sorted
    };
    let at = sorted.rows.first().map_or_else(|| clock::event_ts(call.now_ms(), 0), |row| row.ts);
    let user = batch.user.filter(|user| user.get() != "null");
    let (edit, left_out) = edit(user);
    let mut warnings: Vec<Warning> = left_out.iter().map(Warning::of_user).collect();
    warnings.extend(amount_unread(&sorted.rows));
    if edit.is_some() && who.user.is_none() && who.address.is_none() && who.session.is_none() {
        return Err(Problem::field(
            Code::MissingField,
            "identifier",
            "user needs an identifier that says whom it is about",
        ));
    }
    let merge = batch.merge.unwrap_or_default();
    if merge && (who.user.is_none() || who.address.is_none()) {
        let message = "merge needs the userId and the email that are to be one user";
        return Err(Problem::field(Code::MissingField, "identifier", message));
    }
    let told = Told {
        hash: hash.to_owned(),
        company_id: batch.company_id,
        about: About { who, at, sent_ms },
        rows: std::mem::take(&mut sorted.rows),
        user: user.map(ToOwned::to_owned),
        merge,
        single,
    };
    Ok(Read { told, sorted, edit, warnings })
}

/// What `user` says, and what of it cannot be read: that is no reason to lose the events.
fn edit(user: Option<&RawValue>) -> (Option<Edit>, Vec<Problem>) {
    let Some((edit, mut left_out)) = user.map(|user| Edit::read_mildly(user.get(), "server", address)) else {
        return (None, Vec::new());
    };
    left_out.truncate(WARNINGS_MAX);
    (Some(edit), left_out)
}

/// Says so when an event tells an amount that is none.
pub(crate) fn amount_unread(rows: &[Row]) -> Option<Warning> {
    let is_unread = |row: &Row| row.revenue.is_none() && revenue::is_unread(row.data.get());
    rows.iter().any(is_unread).then(Warning::amount_unread)
}

/// Makes one user of a user id and an address, as the key vouches; whether anything is different now. An address that nobody has, or that somebody gave up,
/// becomes the user's.
async fn unite(call: &Call, company: &str, resolved: &Resolved, who: &Identifiers) -> Result<bool, Error> {
    let Some(user) = resolved.user_id.as_ref().filter(|_| resolved.erased_at.is_none()) else { return Ok(false) };
    let Some(address) = who.address.as_ref().filter(|_| resolved.email_id.as_ref() != Some(user)) else {
        return Ok(false);
    };
    let db = call.db(Some(company))?;
    match people::owner(db, company, address).await? {
        Some(owner) if owner.erased == 0 => merge::join(call, company, user, &owner.profile, "server").await,
        Some(_) | None => {
            edit::free(call, company, user, address).await?;
            edit::has_room(&find(call, company, user).await?, address, "identifier.email")?;
            people::add_address(db, company, user, address, random::number(), call.now_ms()).await?;
            Ok(true)
        }
    }
}

/// The user object of a person whom these events would make, as the request leaves it.
fn fresh_user(
    call: &Call,
    company: &str,
    who: &Identifiers,
    id: &str,
    rows: &[Row],
    says: Says<'_>,
) -> Result<String, Error> {
    let times = || rows.iter().map(|row| clock::ts_ms(row.ts));
    let mut user = domain::person::Person {
        id: id.to_owned(),
        company: company.to_owned(),
        email: who.email.clone(),
        external_id: who.address.clone().filter(|key| key_kind(key) == "user"),
        created_ms: times().min().unwrap_or_else(|| call.now_ms()),
        active_ms: times().max(),
        ..domain::person::Person::default()
    };
    says.foretell(&mut user, call.now_ms());
    Ok(serde_json::to_string(&user.user())?)
}

fn identifiers(given: Identifier) -> Result<Identifiers, Problem> {
    let named = [
        ("identifier.email", given.email),
        ("identifier.sessionId", given.session_id),
        ("identifier.userId", given.user_id),
    ];
    let blank = named.iter().find(|(_, value)| value.as_ref().is_some_and(|text| text.trim().is_empty()));
    let blank = blank.map(|(field, _)| *field);
    let [email, session, user] =
        named.map(|(_, value)| value.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()));
    let email = email.map(|email| email_typed(&email));
    // Beside another one a blank is missing. Alone it is a mistake: the events would be nobody's.
    if let (Some(field), None, None, None) = (blank, &email, &session, &user) {
        return Err(Problem::field(Code::InvalidField, field, "an identifier that is given is not blank"));
    }
    if user.as_deref().is_some_and(is_placeholder) {
        return Err(Problem::field(Code::PlaceholderId, "identifier.userId", "userId is a placeholder"));
    }
    if session.as_deref().is_some_and(|id| !is_session(id)) {
        return Err(Problem::field(
            Code::InvalidSession,
            "identifier.sessionId",
            "sessionId has 1 to 128 letters, digits and _ - . :",
        ));
    }
    let address =
        email.as_deref().map(address).transpose().map_err(|p| Problem { field: Some("identifier.email"), ..p })?;
    Ok(Identifiers { address, email, user, session, only_known: false })
}

/// Finds the key and whom the identifiers name in its company.
pub(crate) async fn resolve(call: &Call, hash: &str, who: &Identifiers, at: i64) -> Result<Resolved, Error> {
    let found = people::resolve(call.db(None)?, hash, who, at, call.now_ms()).await?;
    if let Some(found) = &found {
        outcome_log::came_to(call, &found.key.company, true);
        outcome_log::watched(call, found.watched == Some(1));
    }
    let key = auth::accept(call, found.as_ref().map(|r| r.key.clone()), hash, Scope::Server)?;
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
                // A server session is a person's own. One without an owner would gather events that its person never gets.
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

/// Says so when the identifiers name different people. The event went to the first; nothing was merged.
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
