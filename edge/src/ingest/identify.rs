//! `POST /api/profile`: a browser says who its user is. Public, so it reads nothing back and overwrites nothing.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use trackmate_wire::hex::hex;
use trackmate_wire::ids::{EmailError, email_key, email_typed, server_session_id, user_key};
use trackmate_wire::limits::{CLAIMED_SESSIONS_MAX, LATE_EVENTS_MAX, NAME_CHARS_MAX, SESSION_IDENTIFIES_MAX};
use trackmate_wire::problem::{Code, Problem};

use crate::domain::event::{self, Row};
use crate::domain::mild::{self, Mild};
use crate::domain::{clock, ledger, person};
use crate::error::Error;
use crate::http::context::Call;
use crate::http::response::HandlerResult;
use crate::http::{body, rate_limit};
use crate::ingest::browser::{check, company, session};
use crate::ingest::outage_buffer::{self, Work};
use crate::ingest::outcome_log;
use crate::ingest::server::{Says, Warning};
use crate::people::identity_proof;
use crate::runtime::random;
use crate::store::identify::{self, Person, Refused};
use crate::store::ingest;

/// Its entry on the timeline.
const EVENT: &str = "identify";

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "IdentifyRequest"))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Identify {
    #[serde(rename = "company_id")]
    company_id: Option<String>,
    session_id: Option<String>,
    email: Option<String>,
    timestamp: Option<Value>,
    #[serde(default, deserialize_with = "mild::deserialize")]
    message_id: Option<String>,
    sent_at: Option<Value>,
    /// Never a trait.
    user_hash: Option<String>,
    #[serde(flatten)]
    traits: Map<String, Value>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "IdentifyAnswer"))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer<'a> {
    success: bool,
    /// Null if it is not known yet.
    profile_id: Option<&'a str>,
    /// Only while the database is down: the claim is stored once it is back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, schemars(default))]
    queued: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

/// `POST /api/profile` `{company_id, sessionId, email, name?, …traits, timestamp?, messageId?, sentAt?, userHash?}` →
/// `{success, profileId, queued?, warnings?}`.
/// The answer has one shape whether or not the address was known.
pub(crate) async fn post(call: &Call) -> HandlerResult {
    let text = outcome_log::public_body(call).await?;
    outcome_log::refused(call, &text, Some(EVENT), take(call, &text).await)
}

async fn take(call: &Call, text: &str) -> HandlerResult {
    let identify: Identify = body::parse(text)?;
    let company = company(identify.company_id)?;
    outcome_log::came_to(call, &company, false);
    let session = session(identify.session_id)?;
    outcome_log::session(call, &session);
    let email = body::required(identify.email, "email")?;
    let address = address(&email)?;
    let email = email_typed(&email);
    let mut traits = identify.traits;
    traits.retain(|_, value| !value.is_null());
    let traits_json = serde_json::to_string(&traits)?;
    person::check_size(&traits_json)?;
    event::check_object(&traits_json, "traits")?;
    let (name, warning) = name(traits.get("name"));
    let mut data = traits;
    data.insert("email".to_owned(), Value::String(email.clone()));
    let claim = Claim {
        company: &company,
        session: &session,
        address: &address,
        email: Some(&email),
        trusted: false,
        name: name.as_deref(),
        traits: &traits_json,
        event: EVENT,
        data: serde_json::to_string(&data)?,
        said: &traits_json,
        timestamp: identify.timestamp,
        message_id: identify.message_id,
        sent_ms: body::sent_ms(identify.sent_at.as_ref()),
        user_hash: identify.user_hash,
        context: None,
        claim: None,
    };
    let identified = claim.receive(call).await?;
    let profile_id = identified.as_ref().map(|identified| identified.shown.as_str());
    Ok(serde_json::to_string(&Answer {
        success: true,
        profile_id,
        queued: profile_id.is_none(),
        warnings: warning.into_iter().collect(),
    })?)
}

/// What came of a claim.
pub(crate) struct Identified {
    /// What public answers call the address. It is no other address', so that it does not tell which ones are one
    /// person's.
    pub(crate) shown: String,
    /// The person's profile, if the claim stands.
    pub(crate) profile: Option<String>,
    /// Whether it was not a repeat.
    pub(crate) new: bool,
}

/// A caller's claim that a session is somebody's, with the timeline entry it makes.
pub(crate) struct Claim<'a> {
    pub(crate) company: &'a str,
    pub(crate) session: &'a str,
    /// The lookup key of the address, or of a user id.
    pub(crate) address: &'a str,
    /// The address as typed.
    pub(crate) email: Option<&'a str>,
    /// Whether a secret key vouches for it: then it needs no proof, and no page's origin is asked for.
    pub(crate) trusted: bool,
    pub(crate) name: Option<&'a str>,
    /// JSON object.
    pub(crate) traits: &'a str,
    /// The entry's name.
    pub(crate) event: &'static str,
    /// The entry's data, a JSON object.
    pub(crate) data: String,
    /// What tells two claims apart that bring a time and no id.
    pub(crate) said: &'a str,
    pub(crate) timestamp: Option<Value>,
    pub(crate) message_id: Option<String>,
    /// The sender's clock when it sent, ms.
    pub(crate) sent_ms: Option<i64>,
    /// Proof that the page's server knows who this is.
    pub(crate) user_hash: Option<String>,
    /// JSON object stored with the entry.
    pub(crate) context: Option<Box<RawValue>>,
    /// What tells the claim from another one with its message id, where that is not its session and address.
    pub(crate) claim: Option<i64>,
}

impl Claim<'_> {
    /// Stores the claim, or keeps it in the spill queue while D1 is down: then who it is about is not known yet, `None`.
    pub(crate) async fn receive(self, call: &Call) -> Result<Option<Identified>, Error> {
        rate_limit::page(call, self.company, 1).await?;
        let claimed = self.claimed(call)?;
        let stored = claimed.store(call).await;
        outage_buffer::or_keep(call, stored, || Work::Claimed(claimed)).await
    }

    /// Reads all of it that D1 need not be asked for.
    pub(crate) fn claimed(self, call: &Call) -> Result<Claimed, Error> {
        let original_ms = event::told_time(self.timestamp.as_ref())?;
        let sent_ms = self.sent_ms;
        let id = match (self.message_id.filter(|id| !id.is_empty()), original_ms) {
            (Some(id), _) => event::checked_message_id(id)?,
            (None, Some(ms)) => {
                event::content_id(&[self.session, self.event, &ms.to_string(), self.address, self.said])
            }
            (None, None) => call.message_id(),
        };
        let ms = clock::happened(original_ms, sent_ms, call.now_ms());
        Ok(Claimed {
            company: self.company.to_owned(),
            session: self.session.to_owned(),
            address: self.address.to_owned(),
            email: self.email.map(str::to_owned),
            trusted: self.trusted,
            name: self.name.map(str::to_owned),
            traits: RawValue::from_string(self.traits.to_owned())?,
            user_hash: self.user_hash,
            origin: call.header("origin").filter(|_| !self.trusted),
            bot: !self.trusted && call.is_bot(),
            sent_ms,
            claim: self.claim,
            row: Row {
                ts: clock::identify_ts(ms, &id),
                id,
                name: self.event.to_owned(),
                data: RawValue::from_string(self.data)?,
                revenue: None,
                original_ms,
                context: self.context,
                groups: Vec::new(),
                told: self.trusted.then_some(1),
            },
        })
    }
}

/// A claim, once all is read of it that D1 need not be asked for. Its fields are [`Claim`]'s.
#[derive(Serialize, Deserialize)]
pub(crate) struct Claimed {
    pub(crate) company: String,
    pub(crate) session: String,
    address: String,
    email: Option<String>,
    trusted: bool,
    name: Option<String>,
    traits: Box<RawValue>,
    user_hash: Option<String>,
    origin: Option<String>,
    bot: bool,
    sent_ms: Option<i64>,
    /// Other vendors' requests wait in the spill queue as they were sent.
    #[serde(skip)]
    claim: Option<i64>,
    pub(crate) row: Row,
}

impl Claimed {
    /// Stores the claim.
    pub(crate) async fn store(&self, call: &Call) -> Result<Identified, Error> {
        let identified = self.store_and_say(call, Says::default()).await?;
        identified.ok_or_else(|| Error::Internal("a claim that gives no key was outdated".to_owned()))
    }

    /// Stores the claim, and gives the person a second key; `None` if what was read of the two keys holds no longer: nothing was stored.
    pub(crate) async fn store_and_say(&self, call: &Call, says: Says<'_>) -> Result<Option<Identified>, Error> {
        let proved = match &self.user_hash {
            _ if self.trusted => true,
            Some(hash) => {
                let sent = self.email.as_ref().unwrap_or(&self.address);
                identity_proof::check(call, &self.company, hash, sent, &self.address).await?
            }
            None => false,
        };
        let ms = clock::ts_ms(self.row.ts);
        let request = ingest::Request {
            company: &self.company,
            from_server: false,
            session: &self.session,
            number: random::number(),
            sent_ms: self.sent_ms,
            received_ms: call.now_ms(),
            context: None,
            origin: self.origin.as_deref(),
            bot: self.bot,
            unproved: !proved,
            plan: None,
            claim: Some(self.claim.unwrap_or_else(|| ledger::claim(&self.session, &self.address))),
            room: call.room(&self.company),
        };
        let (candidate, server_session) = new_profile(call.now_ms());
        let traits = self.traits.get();
        let claims = match &self.name {
            None => traits.to_owned(),
            Some(name) => {
                let mut claims = person::traits(traits)?;
                claims.insert("name".to_owned(), serde_json::value::to_raw_value(name)?);
                serde_json::to_string(&claims)?
            }
        };
        let mut user = person::Person {
            id: candidate.clone(),
            company: self.company.clone(),
            email: self.email.clone(),
            external_id: self.email.is_none().then(|| self.address.clone()),
            claimed_name: self.name.clone(),
            claimed: person::traits(traits)?,
            created_ms: ms,
            registered_ms: Some(ms),
            active_ms: Some(ms),
            ..person::Person::default()
        };
        says.foretell(&mut user, call.now_ms());
        let user = serde_json::to_string(&user.user())?;
        let person = Person {
            address: &self.address,
            email: self.email.as_deref(),
            name: self.name.as_deref(),
            traits,
            candidate: &candidate,
            server_session: &server_session,
            created_ms: ms,
            claims: &claims,
            user: &user,
            platform_id: &random::message_id(),
            trusted: self.trusted,
        };
        let identified = identify::add(call.db(Some(&self.company))?, &request, &self.row, &person, says.give).await?;
        check(call, identified.door)?;
        if let Some(refused) = identified.refused {
            return Err(no_room(refused).into());
        }
        if identified.is_outdated {
            return Ok(None);
        }
        // No answer: the message id was used for something else, and nothing was stored.
        let taken = || Problem::field(Code::Conflict, "messageId", "this messageId belongs to another event");
        let identify::Found { shown, profile } = identified.found.ok_or_else(taken)?;
        if profile.is_some() {
            outcome_log::stored(call, std::iter::once(&self.row), &identified.stored.new);
        }
        call.emitted(&self.company, identified.stored.outbox);
        Ok(Some(Identified { shown, profile, new: identified.new }))
    }
}

/// Why an identify found no room.
fn no_room(refused: Refused) -> Problem {
    let (field, message) = match refused {
        Refused::Session => ("sessionId", format!("a session has at most {SESSION_IDENTIFIES_MAX} identifies")),
        Refused::Person => {
            ("email", format!("a person gets at most {CLAIMED_SESSIONS_MAX} sessions by claims without proof"))
        }
        Refused::Late => {
            ("timestamp", format!("more than {LATE_EVENTS_MAX} events of the session are later than this identify"))
        }
    };
    Problem::field(Code::LimitReached, field, message)
}

/// The ids a profile gets if this request makes it: the profile's and its server session's.
pub(crate) fn new_profile(now_ms: i64) -> (String, String) {
    (hex(&random::bytes::<12>()), server_session_id(now_ms / 1000, random::bytes()))
}

/// NFC, by the runtime.
fn nfc(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { String::from(js_sys::JsString::from(text).normalize("NFC")) }
}

/// The lookup key of a company's own id for a person.
pub(crate) fn user(id: &str) -> Result<String, Problem> {
    user_key(&nfc(id)).map_err(|_| {
        Problem::field(
            Code::InvalidField,
            "userId",
            "userId has 1 to 254 bytes, none of them control characters, and is no placeholder",
        )
    })
}

/// [`user`], where it is called `externalId`.
pub(crate) fn external(id: &str) -> Result<String, Problem> {
    user(id).map_err(|p| {
        let message = p.message.replace("userId", "externalId");
        Problem { field: Some("externalId"), message, ..p }
    })
}

/// The lookup key of an address: NFC by the runtime, the rest by the shared rule.
pub(crate) fn address(email: &str) -> Result<String, Problem> {
    email_key(&nfc(email)).map_err(|error| match error {
        EmailError::Placeholder => {
            Problem::field(Code::PlaceholderId, "email", "email is a placeholder, not an address")
        }
        EmailError::Form => Problem::field(Code::InvalidEmail, "email", "email is not an address of at most 254 bytes"),
    })
}

/// The claimed name, and what was not kept of it.
pub(crate) fn name(told: Option<&Value>) -> (Option<String>, Option<Warning>) {
    match mild::text(told.unwrap_or(&Value::Null), NAME_CHARS_MAX) {
        Mild::Missing => (None, None),
        Mild::Whole(name) => (Some(name), None),
        Mild::Cut(name) => (Some(name), Some(Warning::cut("name", NAME_CHARS_MAX))),
        Mild::Unread => (None, Some(Warning::left_out("name", "it is no text"))),
    }
}
