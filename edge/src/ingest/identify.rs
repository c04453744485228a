//! Identify: a page, or another vendor's client, says who the user of a session is. From a page it
//! reads nothing back and overwrites nothing.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use trackmate_wire::ids::email_typed;
use trackmate_wire::limits::{CLAIMED_SESSIONS_MAX, LATE_EVENTS_MAX, NAME_CHARS_MAX, SESSION_IDENTIFIES_MAX};
use trackmate_wire::problem::{Code, Problem};

use crate::delivery::dispatch;
use crate::domain::event::{self, Row};
use crate::domain::mild::{self, Mild};
use crate::domain::{clock, ledger, person, request_body};
use crate::error::Error;
use crate::ingest::admission;
use crate::ingest::browser::{company, session};
use crate::ingest::context::IngestContext;
use crate::ingest::owner::{PersonChange, new_profile};
use crate::ingest::receipt::Warning;
use crate::people::identity_key::address;
use crate::people::identity_proof;
use crate::runtime::random;
use crate::store::identify::{self, Person, Refused};
use crate::store::request::Request;

/// The name of an identify on the timeline.
pub(crate) const EVENT: &str = "identify";

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct IdentifyRequest {
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

/// What came of a claim.
pub(crate) struct IdentifyResult {
    /// What public answers call the address. It is no other address', so that it does not tell
    /// which ones are one person's.
    pub(crate) shown: String,
    /// The person's profile, if the claim stands.
    pub(crate) profile: Option<String>,
    /// Whether it was not a repeat.
    pub(crate) new: bool,
}

/// A caller's claim that a session is somebody's, with the timeline entry it makes.
pub(crate) struct Identify<'a> {
    pub(crate) company: &'a str,
    pub(crate) session: &'a str,
    /// The lookup key of the address, or of a user id.
    pub(crate) address: &'a str,
    /// The address as typed.
    pub(crate) email: Option<&'a str>,
    /// Whether a secret key vouches for it: then it needs no proof, and no page's origin is asked
    /// for.
    pub(crate) trusted: bool,
    pub(crate) name: Option<&'a str>,
    /// JSON object.
    pub(crate) traits: &'a str,
    /// The entry's name.
    pub(crate) event: &'static str,
    /// The entry's data, a JSON object.
    pub(crate) data: String,
    /// What tells two claims apart that bring a time and no id.
    pub(crate) id_content: &'a str,
    pub(crate) timestamp: Option<Value>,
    pub(crate) message_id: Option<String>,
    /// The sender's clock when it sent, ms.
    pub(crate) sent_ms: Option<i64>,
    /// Proof that the page's server knows who this is.
    pub(crate) user_hash: Option<String>,
    /// JSON object stored with the entry.
    pub(crate) context: Option<Box<RawValue>>,
    /// What tells the claim from another one with its message id, where that is not its session and
    /// address.
    pub(crate) claim: Option<i64>,
}

impl Identify<'_> {
    /// Validates everything that needs no database query.
    pub(crate) fn check(self, cx: &IngestContext) -> Result<IdentifyCommand, Error> {
        let original_ms = event::told_time(self.timestamp.as_ref())?;
        let sent_ms = self.sent_ms;
        let id = match (self.message_id.filter(|id| !id.is_empty()), original_ms) {
            (Some(id), _) => event::checked_message_id(id)?,
            (None, Some(ms)) => {
                event::content_id(&[self.session, self.event, &ms.to_string(), self.address, self.id_content])
            }
            (None, None) => cx.message_id(),
        };
        let ms = clock::happened(original_ms, sent_ms, cx.now_ms());
        Ok(IdentifyCommand {
            company: self.company.to_owned(),
            session: self.session.to_owned(),
            address: self.address.to_owned(),
            email: self.email.map(str::to_owned),
            trusted: self.trusted,
            name: self.name.map(str::to_owned),
            traits: RawValue::from_string(self.traits.to_owned())?,
            user_hash: self.user_hash,
            origin: cx.origin().filter(|_| !self.trusted),
            bot: !self.trusted && cx.is_bot(),
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

/// A claim, once all is read of it that D1 need not be asked for. Its fields are [`Identify`]'s.
#[derive(Serialize, Deserialize)]
pub(crate) struct IdentifyCommand {
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

impl IdentifyCommand {
    /// Reads the body of `POST /api/profile`. → The command, and what was not kept of the name.
    pub(crate) fn parse(cx: &IngestContext, text: &str) -> Result<(Self, Option<Warning>), Error> {
        let request: IdentifyRequest = request_body::parse(text)?;
        let company = company(request.company_id)?;
        cx.log().set_company(&company, false);
        let session = session(request.session_id)?;
        cx.log().set_session(&session);
        let email = request_body::required(request.email, "email")?;
        let address = address(&email)?;
        let email = email_typed(&email);
        let mut traits = request.traits;
        traits.retain(|_, value| !value.is_null());
        let traits_json = serde_json::to_string(&traits)?;
        person::check_size(&traits_json)?;
        event::check_object(&traits_json, "traits")?;
        let (name, warning) = name(traits.get("name"));
        let mut data = traits;
        data.insert("email".to_owned(), Value::String(email.clone()));
        let identify = Identify {
            company: &company,
            session: &session,
            address: &address,
            email: Some(&email),
            trusted: false,
            name: name.as_deref(),
            traits: &traits_json,
            event: EVENT,
            data: serde_json::to_string(&data)?,
            id_content: &traits_json,
            timestamp: request.timestamp,
            message_id: request.message_id,
            sent_ms: request_body::sent_ms(request.sent_at.as_ref()),
            user_hash: request.user_hash,
            context: None,
            claim: None,
        };
        Ok((identify.check(cx)?, warning))
    }

    /// Stores the claim.
    pub(crate) async fn store(&self, cx: &IngestContext) -> Result<IdentifyResult, Error> {
        let identified = self.store_with_change(cx, PersonChange::default()).await?;
        identified.ok_or_else(|| Error::Internal("a claim that gives no key was outdated".to_owned()))
    }

    /// Stores the claim, and gives the person a second key; `None` if what was read of the two keys
    /// holds no longer: nothing was stored.
    pub(crate) async fn store_with_change(
        &self,
        cx: &IngestContext,
        change: PersonChange<'_>,
    ) -> Result<Option<IdentifyResult>, Error> {
        let proved = match &self.user_hash {
            _ if self.trusted => true,
            Some(hash) => {
                let sent = self.email.as_ref().unwrap_or(&self.address);
                identity_proof::check(cx, &self.company, hash, sent, &self.address).await?
            }
            None => false,
        };
        let ms = clock::ts_ms(self.row.ts);
        let request = Request {
            company: &self.company,
            from_server: false,
            session: &self.session,
            number: random::number(),
            sent_ms: self.sent_ms,
            received_ms: cx.now_ms(),
            context: None,
            origin: self.origin.as_deref(),
            bot: self.bot,
            unproved: !proved,
            plan: None,
            claim: Some(self.claim.unwrap_or_else(|| ledger::claim(&self.session, &self.address))),
            lease_budget: dispatch::lease_budget(cx, &self.company),
        };
        let (candidate, server_session) = new_profile(cx.now_ms());
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
            claimed_traits: person::traits(traits)?,
            created_ms: ms,
            registered_ms: Some(ms),
            active_ms: Some(ms),
            ..person::Person::default()
        };
        change.apply_to(&mut user, cx.now_ms());
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
        let identified = identify::add(cx.db(Some(&self.company))?, &request, &self.row, &person, change.grant).await?;
        admission::check(cx, identified.door)?;
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
            cx.log().stored(std::iter::once(&self.row), &identified.stored.new);
        }
        cx.emitted(&self.company, identified.stored.outbox);
        Ok(Some(IdentifyResult { shown, profile, new: identified.new }))
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

/// The claimed name, and what was not kept of it.
pub(crate) fn name(told: Option<&Value>) -> (Option<String>, Option<Warning>) {
    match mild::text(told.unwrap_or(&Value::Null), NAME_CHARS_MAX) {
        Mild::Missing => (None, None),
        Mild::Whole(name) => (Some(name), None),
        Mild::Cut(name) => (Some(name), Some(Warning::cut("name", NAME_CHARS_MAX))),
        Mild::Unread => (None, Some(Warning::left_out("name", "it is no text"))),
    }
}
