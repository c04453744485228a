//! `POST /api/contacts`: a visitor fills in a funnel's form (seed 002). A contact is a person and a `registration.submitted` event; the CRM's
//! webhook is a subscription like any other, so the answer does not wait for it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use trackmate_wire::ids::{derived_session, session_id};
use trackmate_wire::limits::{EVENT_BYTES_MAX, NAME_CHARS_MAX};
use trackmate_wire::problem::{Code, Problem};

use super::call::Call;
use super::events::{company, session};
use super::profile::{Claim, address};
use super::{Handled, body, incoming};
use crate::domain::secret;
use crate::entropy;

/// The event of a submitted form.
const EVENT: &str = "registration.submitted";

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ContactRequest"))]
#[serde(rename_all = "camelCase")]
pub(super) struct Wanted {
    #[serde(rename = "company_id")]
    company_id: Option<String>,
    session_id: Option<String>,
    email: Option<String>,
    name: Option<String>,
    #[serde(default)]
    funnel: Funnel,
    #[serde(default)]
    visitor: Visitor,
    #[serde(default)]
    utm: Utm,
    timestamp: Option<Value>,
    message_id: Option<String>,
    sent_at: Option<Value>,
    user_hash: Option<String>,
}

#[derive(Serialize, Deserialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
struct Funnel {
    project_id: Option<String>,
    project_name: Option<String>,
    page_id: Option<String>,
    page_url: Option<String>,
}

#[derive(Serialize, Deserialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
struct Visitor {
    id: Option<String>,
    user_agent: Option<String>,
    referrer: Option<String>,
}

#[derive(Serialize, Deserialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
struct Utm {
    source: Option<String>,
    medium: Option<String>,
    campaign: Option<String>,
    term: Option<String>,
    content: Option<String>,
}

/// The event's data, which are the `data` of the seed's payload.
#[derive(Serialize)]
struct Contact<'a> {
    email: &'a str,
    name: Option<&'a str>,
    funnel: &'a Funnel,
    visitor: &'a Visitor,
    utm: &'a Utm,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ContactAnswer"))]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer<'a> {
    success: bool,
    /// Null if it is not known yet.
    contact_id: Option<&'a str>,
    /// Only while the database is down: the contact is stored once it is back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, schemars(default))]
    queued: bool,
}

/// `POST /api/contacts` `{company_id, email, name?, funnel?:{projectId, projectName, pageId, pageUrl}, visitor?:{id, userAgent, referrer},
/// utm?:{source, medium, campaign, term, content}, sessionId?, timestamp?, messageId?}` → `{success, contactId, queued?}`, a profile's id. What the form leaves out of
/// the visitor is taken from the request. Public: overwrites nothing and answers alike whether the address was known.
pub(super) async fn post(call: &Call) -> Handled {
    let text = incoming::public_body(call).await?;
    incoming::refused(call, &text, Some(EVENT), take(call, &text).await)
}

async fn take(call: &Call, text: &str) -> Handled {
    let mut wanted: Wanted = body::parse(text)?;
    let company = company(wanted.company_id)?;
    incoming::came_to(call, &company, false);
    let email = body::required(wanted.email, "email")?;
    let email = email.trim();
    let address = address(email)?;
    let name = wanted.name.as_deref().map(str::trim).filter(|n| !n.is_empty());
    if name.is_some_and(|n| n.chars().count() > NAME_CHARS_MAX || n.chars().any(char::is_control)) {
        return Err(Problem::field(
            Code::InvalidField,
            "name",
            format!("name is a text of at most {NAME_CHARS_MAX} characters"),
        )
        .into());
    }
    let contact = Contact { email, name, funnel: &wanted.funnel, visitor: &wanted.visitor, utm: &wanted.utm };
    let said = serde_json::to_string(&contact)?;
    let named = |by: &[u8], what: &str| {
        derived_session("contact", &[company.as_bytes(), address.as_bytes(), by, what.as_bytes()])
    };
    // A form of no session is its own: named by what tells a repeat from a second one, so that a repeat names the same.
    let message_id = wanted.message_id.as_deref().filter(|id| !id.is_empty());
    let session = match (wanted.session_id, message_id, &wanted.timestamp) {
        (Some(id), _, _) => session(Some(id))?,
        (None, Some(id), _) => named(b"id", id),
        (None, None, Some(timestamp)) => named(b"said", &format!("{timestamp} {said}")),
        (None, None, None) => session_id(u64::try_from(call.now_ms() / 1000).unwrap_or_default(), entropy::bytes()),
    };
    incoming::session(call, &session);
    let visitor = &mut wanted.visitor;
    visitor.id.get_or_insert_with(|| session.clone());
    visitor.user_agent = visitor.user_agent.take().or_else(|| call.header("user-agent").map(secret::hidden));
    visitor.referrer = visitor.referrer.take().or_else(|| call.header("referer").map(secret::hidden));
    let contact = Contact { email, name, funnel: &wanted.funnel, visitor: &wanted.visitor, utm: &wanted.utm };
    let data = serde_json::to_string(&contact)?;
    if data.len() > EVENT_BYTES_MAX {
        return Err(Problem::new(Code::EventTooLarge, format!("the contact is over {EVENT_BYTES_MAX} bytes")).into());
    }
    let claim = Claim {
        company: &company,
        session: &session,
        address: &address,
        email: Some(email),
        trusted: false,
        name,
        traits: "{}",
        event: EVENT,
        said: &said,
        data,
        timestamp: wanted.timestamp,
        message_id: wanted.message_id,
        sent_ms: body::sent_ms(wanted.sent_at.as_ref()),
        user_hash: wanted.user_hash,
        context: None,
        claim: None,
    };
    let identified = claim.receive(call).await?;
    let contact_id = identified.as_ref().map(|identified| identified.shown.as_str());
    Ok(serde_json::to_string(&Answer { success: true, contact_id, queued: contact_id.is_none() })?)
}
