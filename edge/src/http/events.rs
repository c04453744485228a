//! `POST /api/events`: a browser's events. Public; the company id is no secret.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use trackmate_wire::ids::{is_company_id, is_public_session};
use trackmate_wire::limits::{BATCH_EVENTS_MAX, CONTEXT_BYTES_MAX};
use trackmate_wire::problem::{Code, Problem};

use super::call::Call;
use super::error::Error;
use super::{Handled, body, planned};
use crate::domain::event::{self, Arrival, Sorted};
use crate::entropy;
use crate::store::ingest::{self, Door};

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "EventsRequest"))]
#[serde(rename_all = "camelCase")]
pub(super) struct Batch<'a> {
    #[serde(rename = "company_id")]
    company_id: Option<String>,
    session_id: Option<String>,
    #[serde(borrow)]
    events: Option<Vec<&'a RawValue>>,
    sent_at: Option<Value>,
    #[serde(borrow)]
    context: Option<&'a RawValue>,
}

/// What became of a batch.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Receipt {
    pub(super) success: bool,
    pub(super) accepted: usize,
    pub(super) duplicates: usize,
    pub(super) rejected: Vec<Rejected>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Rejected {
    index: usize,
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

impl Receipt {
    pub(super) fn new(sorted: Sorted, stored: usize) -> Self {
        let rejected = sorted.rejected.into_iter();
        Self {
            success: true,
            accepted: stored,
            duplicates: sorted.rows.len() - stored + sorted.repeated,
            rejected: rejected
                .map(|(index, p)| Rejected {
                    index,
                    code: p.code.as_str(),
                    field: p.place().map(str::to_owned),
                    message: p.message,
                })
                .collect(),
        }
    }
}

/// `POST /api/events` `{company_id, sessionId, events:[{eventType, eventData?, timestamp?, messageId?}], sentAt?, context?}` →
/// `{success, accepted, duplicates, rejected:[{index, code, message}]}`. Good items are stored when others are bad.
pub(super) async fn post(call: &Call) -> Handled {
    let text = body::text(call).await?;
    let batch: Batch = body::parse(&text)?;
    let company = company(batch.company_id)?;
    let session = session(batch.session_id)?;
    let items = items(batch.events)?;
    let context = batch.context.map(RawValue::get).filter(|c| *c != "null");
    if let Some(context) = context {
        event::check_object(context, "context")?;
        if context.len() > CONTEXT_BYTES_MAX {
            return Err(Problem::field(
                Code::InvalidField,
                "context",
                format!("context has at most {CONTEXT_BYTES_MAX} bytes"),
            )
            .into());
        }
    }
    let origin = call.header("origin");
    let arrival =
        Arrival { subject: &session, sent_ms: body::sent_ms(batch.sent_at.as_ref()), received_ms: call.now_ms() };
    let sorted = event::sort(items.iter().map(|item| item.get()), arrival, entropy::message_id);
    let request = ingest::Request {
        company: &company,
        from_server: false,
        session: &session,
        number: entropy::number(),
        sent_ms: arrival.sent_ms,
        received_ms: arrival.received_ms,
        context,
        origin: origin.as_deref(),
        unproved: false,
        plan: None,
        room: call.room(),
    };
    let (sorted, stored) = planned::browser(call, request, sorted).await?;
    let new = stored.new.len();
    call.stored(&company, &sorted.rows, stored);
    Ok(serde_json::to_string(&Receipt::new(sorted, new))?)
}

/// The company that a public caller names.
pub(super) fn company(id: Option<String>) -> Result<String, Problem> {
    let id = body::required(id, "company_id")?;
    if is_company_id(&id) { Ok(id) } else { Err(unknown_company()) }
}

/// The session that a public caller names.
pub(super) fn session(id: Option<String>) -> Result<String, Problem> {
    let id = body::required(id, "sessionId")?;
    if is_public_session(&id) {
        return Ok(id);
    }
    let message = "sessionId has 1 to 128 letters, digits and _ - . : and does not begin with webhook_";
    Err(Problem::field(Code::InvalidSession, "sessionId", message))
}

/// The items of a batch, within its bound.
pub(super) fn items(events: Option<Vec<&RawValue>>) -> Result<Vec<&RawValue>, Problem> {
    let items = events.ok_or_else(|| Problem::field(Code::MissingField, "events", "events is missing"))?;
    if items.len() > BATCH_EVENTS_MAX {
        let message = format!("a request has at most {BATCH_EVENTS_MAX} events");
        return Err(Problem::field(Code::TooManyEvents, "events", message));
    }
    Ok(items)
}

/// Turns a shut door into the caller's problem.
pub(super) fn check(door: Door) -> Result<(), Error> {
    match door {
        Door::Open => Ok(()),
        Door::UnknownCompany => Err(unknown_company().into()),
        Door::WrongOrigin => Err(Problem::new(
            Code::OriginNotAllowed,
            "this page's origin is not on the company's list of allowed origins",
        )
        .into()),
        Door::Unproved => Err(Problem::field(
            Code::IdentityUnproved,
            "userHash",
            "this company's pages must send userHash, made on its server from its identity secret",
        )
        .into()),
        Door::Replanned(_) => Err(Error::Internal("a plan is in force that nothing was held against".to_owned())),
    }
}

fn unknown_company() -> Problem {
    Problem::field(Code::UnknownCompany, "company_id", "no company has this id")
}
