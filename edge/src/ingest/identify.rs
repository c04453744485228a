//! Identify: links a session to a person. A page's identify gets no data back and overwrites none.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use trackmate_wire::api::Warning;
use trackmate_wire::ids::email_typed;
use trackmate_wire::limits::{CLAIMED_SESSIONS_MAX, LATE_EVENTS_MAX, NAME_CHARS_MAX, SESSION_IDENTIFIES_MAX};
use trackmate_wire::problem::{Code, Problem};

use crate::delivery::dispatch;
use crate::domain::event::{self, Row};
use crate::domain::lenient::{self, LenientText};
use crate::domain::source::Source;
use crate::domain::{clock, ledger, person, request_body};
use crate::error::Error;
use crate::ingest::admission;
use crate::ingest::browser::{company, session};
use crate::ingest::context::IngestContext;
use crate::ingest::owner::{PersonChange, new_profile};
use crate::people::identity_key::address;
use crate::people::identity_proof;
use crate::runtime::random;
use crate::store::identify::{self, Person, Refused};
use crate::store::request::IngestRequest;

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
    #[serde(default, deserialize_with = "lenient::deserialize")]
    message_id: Option<String>,
    sent_at: Option<Value>,
    /// Never a trait.
    user_hash: Option<String>,
    #[serde(flatten)]
    traits: Map<String, Value>,
}

/// The result of an identify.
pub(crate) struct IdentifyResult {
    /// The public id of the address. Each address has another, so it does not reveal which
    /// addresses belong to one person.
    pub(crate) public_id: String,
    /// The person's profile; `None` if the identify was refused without a problem.
    pub(crate) profile: Option<String>,
    /// Whether it is no repeat.
    pub(crate) new: bool,
}

/// An identify before validation, with its timeline entry.
pub(crate) struct Identify<'a> {
    pub(crate) company: &'a str,
    pub(crate) session: &'a str,
    /// The identity key: of an email address or of a user id.
    pub(crate) identity_key: &'a str,
    /// The address as typed.
    pub(crate) email: Option<&'a str>,
    /// Whether it came with a secret key. It then needs no proof and no allowed origin.
    pub(crate) trusted: bool,
    pub(crate) name: Option<&'a str>,
    /// JSON object.
    pub(crate) traits: &'a str,
    /// The event name of the entry.
    pub(crate) event: &'static str,
    /// The data of the entry, a JSON object.
    pub(crate) data: String,
    /// The content from which the id is made if there is a timestamp and no message id.
    pub(crate) id_content: &'a str,
    pub(crate) timestamp: Option<Value>,
    pub(crate) message_id: Option<String>,
    /// The sender's clock at sending, ms.
    pub(crate) sent_ms: Option<i64>,
    /// The proof of identity: see [`identity_proof`].
    pub(crate) user_hash: Option<String>,
    /// The context of the entry, a JSON object.
    pub(crate) context: Option<Box<RawValue>>,
    /// Tells the identify from another with the same message id; `None` for its session and
    /// key.
    pub(crate) identify_hash: Option<i64>,
}

impl Identify<'_> {
    /// Validates everything that needs no database query.
    ///
    /// # Errors
    /// The problem of an invalid timestamp or message id.
    pub(crate) fn check(self, cx: &IngestContext) -> Result<IdentifyCommand, Error> {
        let original_ms = event::sent_time(self.timestamp.as_ref())?;
        let sent_ms = self.sent_ms;
        let id = match (self.message_id.filter(|id| !id.is_empty()), original_ms) {
            (Some(id), _) => event::checked_message_id(id)?,
            (None, Some(ms)) => {
                event::content_id(&[self.session, self.event, &ms.to_string(), self.identity_key, self.id_content])
            }
            (None, None) => cx.message_id(),
        };
        let ms = clock::happened(original_ms, sent_ms, cx.now_ms());
        Ok(IdentifyCommand {
            company: self.company.to_owned(),
            session: self.session.to_owned(),
            identity_key: self.identity_key.to_owned(),
            email: self.email.map(str::to_owned),
            trusted: self.trusted,
            name: self.name.map(str::to_owned),
            traits: RawValue::from_string(self.traits.to_owned())?,
            user_hash: self.user_hash,
            origin: cx.origin().filter(|_| !self.trusted),
            bot: !self.trusted && cx.is_bot(),
            sent_ms,
            identify_hash: self.identify_hash,
            row: Row {
                ts: clock::identify_ts(ms, &id),
                id,
                name: self.event.to_owned(),
                data: RawValue::from_string(self.data)?,
                revenue: None,
                original_ms,
                context: self.context,
                groups: Vec::new(),
                sent_by_server: self.trusted.then_some(1),
            },
        })
    }
}

/// A validated identify. Its fields are those of [`Identify`].
#[derive(Serialize, Deserialize)]
pub(crate) struct IdentifyCommand {
    pub(crate) company: String,
    pub(crate) session: String,
    #[serde(rename = "address")]
    identity_key: String,
    email: Option<String>,
    trusted: bool,
    name: Option<String>,
    traits: Box<RawValue>,
    user_hash: Option<String>,
    origin: Option<String>,
    bot: bool,
    sent_ms: Option<i64>,
    /// Not buffered: vendors' requests wait in the outage buffer as they were sent.
    #[serde(skip)]
    identify_hash: Option<i64>,
    pub(crate) row: Row,
}

impl IdentifyCommand {
    /// Parses the body of `POST /api/profile`. → The command, and a warning if the name was cut or
    /// left out.
    ///
    /// # Errors
    /// The problem for which the request is rejected.
    pub(crate) fn parse(cx: &IngestContext, text: &str) -> Result<(Self, Option<Warning>), Error> {
        let request: IdentifyRequest = request_body::parse(text)?;
        let company = company(request.company_id)?;
        cx.log().set_company(&company, Source::Browser);
        let session = session(request.session_id)?;
        cx.log().set_session(&session);
        let email = request_body::required(request.email, "email")?;
        let identity_key = address(&email)?;
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
            identity_key: &identity_key,
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
            identify_hash: None,
        };
        Ok((identify.check(cx)?, warning))
    }

    /// Stores the identify.
    ///
    /// # Errors
    /// Those of [`Self::store_with_change`].
    pub(crate) async fn store(&self, cx: &IngestContext) -> Result<IdentifyResult, Error> {
        let identified = self.store_with_change(cx, PersonChange::default()).await?;
        identified.ok_or_else(|| Error::Internal("an identify without a key grant was outdated".to_owned()))
    }

    /// Stores the identify with a change of the person. → `None` after a conflict about an identity
    /// key: then nothing was stored.
    ///
    /// # Errors
    /// Those of [`admission::admit`]; `identity_unproved`, `limit_reached`, `conflict`; D1's.
    pub(crate) async fn store_with_change(
        &self,
        cx: &IngestContext,
        change: PersonChange<'_>,
    ) -> Result<Option<IdentifyResult>, Error> {
        let proved = self.is_proved(cx).await?;
        let ms = clock::ts_ms(self.row.ts);
        let budget = dispatch::lease_budget(cx, &self.company);
        let request = IngestRequest {
            marker: random::number(),
            sent_ms: self.sent_ms,
            origin: self.origin.as_deref(),
            bot: self.bot,
            unproved: !proved,
            identify_hash: Some(
                self.identify_hash.unwrap_or_else(|| ledger::identify_hash(&self.session, &self.identity_key)),
            ),
            ..IngestRequest::of_browser(&self.company, &self.session, cx.now_ms(), budget)
        };
        let (candidate, server_session) = new_profile(cx.now_ms());
        let (claims, user) = (self.claims()?, self.new_user(cx, &candidate, ms, change)?);
        let person = Person {
            identity_key: &self.identity_key,
            email: self.email.as_deref(),
            name: self.name.as_deref(),
            traits: self.traits.get(),
            candidate: &candidate,
            server_session: &server_session,
            created_ms: ms,
            claims: &claims,
            user: &user,
            platform_id: &random::message_id(),
            trusted: self.trusted,
        };
        let identified = identify::add(cx.db(&self.company)?, &request, &self.row, &person, change.grant).await?;
        admission::admit(cx, identified.admission)?;
        if let Some(refused) = identified.refused {
            return Err(limit_reached(refused).into());
        }
        if identified.is_outdated {
            return Ok(None);
        }
        // No row: another event has this message id, and nothing was stored.
        let taken = || Problem::field(Code::Conflict, "messageId", "this messageId belongs to another event");
        let identify::Found { shown: public_id, profile } = identified.found.ok_or_else(taken)?;
        if profile.is_some() {
            cx.log().accepted(std::iter::once(&self.row), &identified.stored.new);
        }
        cx.dispatch_later(&self.company, identified.stored.outbox);
        Ok(Some(IdentifyResult { public_id, profile, new: identified.new }))
    }

    /// Whether a secret key or a valid `userHash` proves the identify.
    async fn is_proved(&self, cx: &IngestContext) -> Result<bool, Error> {
        match &self.user_hash {
            _ if self.trusted => Ok(true),
            Some(hash) => {
                let sent = self.email.as_ref().unwrap_or(&self.identity_key);
                identity_proof::check(cx, &self.company, hash, sent, &self.identity_key).await
            }
            None => Ok(false),
        }
    }

    /// The claimed traits, with the name as it is stored. JSON object.
    fn claims(&self) -> Result<String, Error> {
        let traits = self.traits.get();
        let Some(name) = &self.name else { return Ok(traits.to_owned()) };
        let mut claims = person::traits(traits)?;
        claims.insert("name".to_owned(), serde_json::value::to_raw_value(name)?);
        Ok(serde_json::to_string(&claims)?)
    }

    /// The user object of the person whom the identify would create, with the requested change.
    /// JSON.
    fn new_user(&self, cx: &IngestContext, id: &str, ms: i64, change: PersonChange<'_>) -> Result<String, Error> {
        let mut user = person::Person {
            id: id.to_owned(),
            company: self.company.clone(),
            email: self.email.clone(),
            external_id: self.email.is_none().then(|| self.identity_key.clone()),
            claimed_name: self.name.clone(),
            claimed_traits: person::traits(self.traits.get())?,
            created_ms: ms,
            registered_ms: Some(ms),
            active_ms: Some(ms),
            ..person::Person::default()
        };
        change.apply_to(&mut user, cx.now_ms());
        Ok(serde_json::to_string(&user.user())?)
    }
}

/// The problem of an identify above a limit.
fn limit_reached(refused: Refused) -> Problem {
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

/// The claimed name, and a warning if it was cut or left out.
pub(crate) fn name(value: Option<&Value>) -> (Option<String>, Option<Warning>) {
    match lenient::text(value.unwrap_or(&Value::Null), NAME_CHARS_MAX) {
        LenientText::Missing => (None, None),
        LenientText::Whole(name) => (Some(name), None),
        LenientText::Cut(name) => (Some(name), Some(Warning::cut("name", NAME_CHARS_MAX))),
        LenientText::Unread => (None, Some(Warning::left_out("name", "it is no text"))),
    }
}
