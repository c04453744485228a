//! `POST /api/profile`: a browser says who its user is. Public, so it reads nothing back and overwrites nothing.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use trackmate_wire::ids::{EmailError, email_key, hex, server_session_id};
use trackmate_wire::limits::{NAME_CHARS_MAX, TRAITS_BYTES_MAX};
use trackmate_wire::problem::{Code, Problem};

use super::call::Call;
use super::error::Error;
use super::events::{check, company, session};
use super::{Handled, body, proof};
use crate::domain::clock;
use crate::domain::event::{self, Row};
use crate::domain::person;
use crate::entropy;
use crate::store::identify::{self, Person};
use crate::store::ingest;

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "IdentifyRequest"))]
#[serde(rename_all = "camelCase")]
pub(super) struct Identify {
    #[serde(rename = "company_id")]
    company_id: Option<String>,
    session_id: Option<String>,
    email: Option<String>,
    timestamp: Option<Value>,
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
pub(super) struct Answer<'a> {
    success: bool,
    profile_id: &'a str,
}

/// `POST /api/profile` `{company_id, sessionId, email, name?, …traits, timestamp?, messageId?, sentAt?, userHash?}` → `{success, profileId}`.
/// The answer has one shape whether or not the address was known.
pub(super) async fn post(call: &Call) -> Handled {
    let text = body::text(call).await?;
    let identify: Identify = body::parse(&text)?;
    let company = company(identify.company_id)?;
    let session = session(identify.session_id)?;
    let email = body::required(identify.email, "email")?;
    let address = address(&email)?;
    let mut traits = identify.traits;
    traits.retain(|_, value| !value.is_null());
    let traits_json = serde_json::to_string(&traits)?;
    if traits_json.len() > TRAITS_BYTES_MAX {
        return Err(Problem::new(Code::EventTooLarge, format!("the traits are over {TRAITS_BYTES_MAX} bytes")).into());
    }
    event::check_object(&traits_json, "traits")?;
    let name = name(&traits)?.map(str::to_owned);
    let mut data = traits;
    data.insert("email".to_owned(), Value::String(email.trim().to_owned()));
    let claim = Claim {
        company: &company,
        session: &session,
        address: &address,
        email: email.trim(),
        name: name.as_deref(),
        traits: &traits_json,
        event: "identify",
        data: serde_json::to_string(&data)?,
        said: &traits_json,
        timestamp: identify.timestamp,
        message_id: identify.message_id,
        sent_at: identify.sent_at,
        user_hash: identify.user_hash,
    };
    let profile_id = claim.store(call).await?;
    Ok(serde_json::to_string(&Answer { success: true, profile_id: &profile_id })?)
}

/// A public caller's claim that a session is somebody's, with the timeline entry it makes.
pub(super) struct Claim<'a> {
    pub(super) company: &'a str,
    pub(super) session: &'a str,
    /// The lookup key of the address.
    pub(super) address: &'a str,
    /// The address as typed.
    pub(super) email: &'a str,
    pub(super) name: Option<&'a str>,
    /// JSON object.
    pub(super) traits: &'a str,
    /// The entry's name.
    pub(super) event: &'static str,
    /// The entry's data, a JSON object.
    pub(super) data: String,
    /// What tells two claims apart that bring a time and no id.
    pub(super) said: &'a str,
    pub(super) timestamp: Option<Value>,
    pub(super) message_id: Option<String>,
    pub(super) sent_at: Option<Value>,
    /// Proof that the page's server knows who this is.
    pub(super) user_hash: Option<String>,
}

impl Claim<'_> {
    /// Stores the claim; the id of the person's profile.
    pub(super) async fn store(self, call: &Call) -> Result<String, Error> {
        let proved = match &self.user_hash {
            Some(hash) => proof::check(call, self.company, hash, [self.address, self.email]).await?,
            None => false,
        };
        let original_ms = self.timestamp.as_ref().map(|t| event::time(t, "timestamp")).transpose()?;
        let sent_ms = body::sent_ms(self.sent_at.as_ref());
        let id = match (self.message_id.filter(|id| !id.is_empty()), original_ms) {
            (Some(id), _) => event::checked_message_id(id)?,
            (None, Some(ms)) => {
                event::content_id(&[self.session, self.event, &ms.to_string(), self.address, self.said])
            }
            (None, None) => entropy::message_id(),
        };
        let ms = clock::happened(original_ms, sent_ms, call.now_ms());
        let row = Row {
            ts: clock::identify_ts(ms, &id),
            id,
            name: self.event.to_owned(),
            data: RawValue::from_string(self.data)?,
            revenue: None,
            original_ms,
        };
        let origin = call.header("origin");
        let request = ingest::Request {
            company: self.company,
            from_server: false,
            session: self.session,
            number: entropy::number(),
            sent_ms,
            received_ms: call.now_ms(),
            context: None,
            origin: origin.as_deref(),
            unproved: !proved,
            plan: None,
            room: call.room(),
        };
        let (candidate, server_session) = new_profile(call.now_ms());
        let claims = match self.name {
            None => self.traits.to_owned(),
            Some(name) => {
                let mut claims = person::traits(self.traits)?;
                claims.insert("name".to_owned(), serde_json::value::to_raw_value(name)?);
                serde_json::to_string(&claims)?
            }
        };
        let user = person::Person {
            id: candidate.clone(),
            company: self.company.to_owned(),
            email: Some(self.email.to_owned()),
            claimed_name: self.name.map(str::to_owned),
            claimed: person::traits(self.traits)?,
            created_ms: ms,
            registered_ms: Some(ms),
            updated_ms: call.now_ms(),
            active_ms: Some(ms),
            ..person::Person::default()
        };
        let user = serde_json::to_string(&user.user())?;
        let person = Person {
            address: self.address,
            email: self.email,
            name: self.name,
            traits: self.traits,
            candidate: &candidate,
            server_session: &server_session,
            created_ms: ms,
            claims: &claims,
            user: &user,
            platform_id: &entropy::message_id(),
        };
        let identified = identify::add(call.db(Some(self.company))?, &request, &row, &person).await?;
        check(identified.door)?;
        call.stored(self.company, std::slice::from_ref(&row), identified.stored);
        // No profile: the message id was used for something else, and nothing was stored.
        let taken = || Problem::field(Code::Conflict, "messageId", "this messageId belongs to another event");
        Ok(identified.profile.ok_or_else(taken)?)
    }
}

/// The ids a profile gets if this request makes it: the profile's and its server session's.
pub(super) fn new_profile(now_ms: i64) -> (String, String) {
    (hex(&entropy::bytes::<12>()), server_session_id(now_ms / 1000, entropy::bytes()))
}

/// The lookup key of an address: NFC by the runtime, the rest by the shared rule.
pub(super) fn address(email: &str) -> Result<String, Problem> {
    let nfc =
        if email.is_ascii() { email.to_owned() } else { String::from(js_sys::JsString::from(email).normalize("NFC")) };
    email_key(&nfc).map_err(|error| match error {
        EmailError::Placeholder => {
            Problem::field(Code::PlaceholderId, "email", "email is a placeholder, not an address")
        }
        EmailError::Form => Problem::field(Code::InvalidEmail, "email", "email is not an address of at most 254 bytes"),
    })
}

/// The claimed name: `name`, a text of at most 200 characters.
fn name(traits: &Map<String, Value>) -> Result<Option<&str>, Problem> {
    match traits.get("name") {
        None => Ok(None),
        Some(Value::String(name)) if name.chars().count() <= NAME_CHARS_MAX && !name.chars().any(char::is_control) => {
            Ok(Some(name.trim()).filter(|n| !n.is_empty()))
        }
        Some(_) => Err(Problem::field(
            Code::InvalidField,
            "name",
            format!("name is a text of at most {NAME_CHARS_MAX} characters"),
        )),
    }
}
