//! `POST /api/contacts`: a visitor submits the form of a funnel. A contact is a person and a
//! `registration.submitted` event. The CRM's webhook is like any other webhook, so the answer does
//! not wait for it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use trackmate_wire::api::Warning;
use trackmate_wire::ids::{derived_session, email_typed, is_public_session, session_id};
use trackmate_wire::limits::EVENT_BYTES_MAX;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::event;
use crate::domain::lenient::{self, LenientText};
use crate::domain::request_body;
use crate::domain::secret;
use crate::domain::source::Source;
use crate::http::body;
use crate::http::context::RequestContext;
use crate::http::public::profile::store;
use crate::http::response;
use crate::http::route::HandlerResult;
use crate::ingest::browser::company;
use crate::ingest::identify::{Identify, name};
use crate::people::identity_key::address;
use crate::runtime::random;

/// The event of a submitted form.
const EVENT: &str = "registration.submitted";

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContactRequest {
    #[serde(rename = "company_id")]
    company_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::deserialize")]
    session_id: Option<String>,
    email: Option<String>,
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    name: Option<Value>,
    #[cfg_attr(test, schemars(with = "Option<Funnel>"))]
    funnel: Option<Value>,
    #[cfg_attr(test, schemars(with = "Option<Visitor>"))]
    visitor: Option<Value>,
    #[cfg_attr(test, schemars(with = "Option<Utm>"))]
    utm: Option<Value>,
    timestamp: Option<Value>,
    #[serde(default, deserialize_with = "lenient::deserialize")]
    message_id: Option<String>,
    sent_at: Option<Value>,
    user_hash: Option<String>,
}

#[derive(Serialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Funnel {
    project_id: Option<String>,
    project_name: Option<String>,
    page_id: Option<String>,
    page_url: Option<String>,
}

#[derive(Serialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Visitor {
    id: Option<String>,
    user_agent: Option<String>,
    referrer: Option<String>,
}

#[derive(Serialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Utm {
    source: Option<String>,
    medium: Option<String>,
    campaign: Option<String>,
    term: Option<String>,
    content: Option<String>,
}

impl Funnel {
    fn read(part: &mut Part<'_>) -> Self {
        Self {
            project_id: part.text("projectId"),
            project_name: part.text("projectName"),
            page_id: part.text("pageId"),
            page_url: part.text("pageUrl"),
        }
    }
}

impl Visitor {
    fn read(part: &mut Part<'_>) -> Self {
        Self { id: part.text("id"), user_agent: part.text("userAgent"), referrer: part.text("referrer") }
    }

    /// Fills the fields that the form left out, from the session and the headers of the request.
    fn fill(&mut self, cx: &RequestContext, session: &str) {
        self.id.get_or_insert_with(|| session.to_owned());
        self.user_agent = self.user_agent.take().or_else(|| cx.header("user-agent").map(secret::keys_shortened));
        self.referrer = self.referrer.take().or_else(|| cx.header("referer").map(secret::keys_shortened));
    }
}

impl Utm {
    fn read(part: &mut Part<'_>) -> Self {
        Self {
            source: part.text("source"),
            medium: part.text("medium"),
            campaign: part.text("campaign"),
            term: part.text("term"),
            content: part.text("content"),
        }
    }
}

/// Reads the texts of an optional part of the form, and warns of fields that are not text.
struct Part<'a> {
    name: &'static str,
    value: Option<&'a Value>,
    warnings: &'a mut Vec<Warning>,
}

impl<'a> Part<'a> {
    fn new(name: &'static str, value: Option<&'a Value>, warnings: &'a mut Vec<Warning>) -> Self {
        if value.is_some_and(|value| !value.is_object() && !value.is_null()) {
            warnings.push(Warning::left_out(name, "it is no object"));
        }
        Self { name, value, warnings }
    }

    fn text(&mut self, field: &str) -> Option<String> {
        match lenient::text(self.value?.get(field)?, EVENT_BYTES_MAX) {
            LenientText::Whole(text) | LenientText::Cut(text) => Some(text),
            LenientText::Missing => None,
            LenientText::Unread => {
                self.warnings.push(Warning::left_out(&format!("{}.{field}", self.name), "it is no text"));
                None
            }
        }
    }
}

/// The data of the event, as webhooks receive them.
#[derive(Serialize)]
struct Contact<'a> {
    email: &'a str,
    name: Option<&'a str>,
    funnel: &'a Funnel,
    visitor: &'a Visitor,
    utm: &'a Utm,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContactAnswer<'a> {
    /// Null if it is not known yet.
    contact_id: Option<&'a str>,
    /// Only while the database is down: the contact is stored once it is back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, schemars(default))]
    queued: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

/// `POST /api/contacts` `{company_id, email, name?, funnel?:{projectId, projectName, pageId,
/// pageUrl}, visitor?:{id, userAgent, referrer}, utm?:{source, medium, campaign, term, content},
/// sessionId?, timestamp?, messageId?}` → `{success, contactId, queued?, warnings?}`. `contactId`
/// is the id of a profile. The headers of the request fill what `visitor` leaves out. An optional
/// part that cannot be read becomes a warning, so that no contact is lost. The route is public: it
/// overwrites nothing, and the answer does not show whether the address was known.
pub(crate) async fn post(cx: &RequestContext) -> HandlerResult {
    let text = body::public_text(cx).await?;
    cx.log().log_if_rejected(&text, Some(EVENT), submit(cx, &text).await)
}

/// Stores a contact.
async fn submit(cx: &RequestContext, text: &str) -> HandlerResult {
    let request: ContactRequest = request_body::parse(text)?;
    let company = company(request.company_id)?;
    cx.log().set_company(&company, Source::Browser);
    let email = request_body::required(request.email, "email")?;
    let email = &email_typed(&email);
    let address = address(email)?;
    let (name, warning) = name(request.name.as_ref());
    let mut warnings: Vec<Warning> = warning.into_iter().collect();
    let funnel = Funnel::read(&mut Part::new("funnel", request.funnel.as_ref(), &mut warnings));
    let mut visitor = Visitor::read(&mut Part::new("visitor", request.visitor.as_ref(), &mut warnings));
    let utm = Utm::read(&mut Part::new("utm", request.utm.as_ref(), &mut warnings));
    let contact = Contact { email, name: name.as_deref(), funnel: &funnel, visitor: &visitor, utm: &utm };
    let content = serde_json::to_string(&contact)?;
    let sent_session = sent_session(request.session_id, &mut warnings);
    let message_id = request.message_id.as_deref().filter(|id| !id.is_empty());
    let session = match (sent_session, message_id, event::sent_time(request.timestamp.as_ref())?) {
        (Some(id), _, _) => id,
        (None, Some(id), _) => form_session(&company, &address, b"id", id),
        (None, None, Some(ms)) => form_session(&company, &address, b"said", &format!("{ms} {content}")),
        (None, None, None) => session_id(u64::try_from(cx.now_ms() / 1000).unwrap_or_default(), random::bytes()),
    };
    cx.log().set_session(&session);
    visitor.fill(cx, &session);
    let contact = Contact { email, name: name.as_deref(), funnel: &funnel, visitor: &visitor, utm: &utm };
    let data = serde_json::to_string(&contact)?;
    if data.len() > EVENT_BYTES_MAX {
        return Err(Problem::new(Code::EventTooLarge, format!("the contact is over {EVENT_BYTES_MAX} bytes")).into());
    }
    let identify = Identify {
        company: &company,
        session: &session,
        identity_key: &address,
        email: Some(email),
        trusted: false,
        name: name.as_deref(),
        traits: "{}",
        event: EVENT,
        id_content: &content,
        data,
        timestamp: request.timestamp,
        message_id: request.message_id,
        sent_ms: request_body::sent_ms(request.sent_at.as_ref()),
        user_hash: request.user_hash,
        context: None,
        identify_hash: None,
    };
    let identified = store(cx, identify.check(cx)?).await?;
    let contact_id = identified.as_ref().map(|identified| identified.public_id.as_str());
    response::answer(&ContactAnswer { contact_id, queued: contact_id.is_none(), warnings })
}

/// The session that the page has sent, if pages may use its id.
fn sent_session(sent: Option<String>, warnings: &mut Vec<Warning>) -> Option<String> {
    let id = sent.map(|id| id.trim().to_owned()).filter(|id| !id.is_empty())?;
    if is_public_session(&id) {
        return Some(id);
    }
    warnings.push(Warning::left_out("sessionId", "it is no session of a page"));
    None
}

/// The session of a form that was sent without one. The id is derived from what distinguishes a
/// repeat from a second form, so a repeat has the same session.
fn form_session(company: &str, address: &str, kind: &[u8], value: &str) -> String {
    derived_session("contact", &[company.as_bytes(), address.as_bytes(), kind, value.as_bytes()])
}
