//! Events of a browser. The route is public: the company id is no secret.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use trackmate_wire::ids::{is_company_id, is_public_session};
use trackmate_wire::limits::{BATCH_EVENTS_MAX, CONTEXT_BYTES_MAX};
use trackmate_wire::problem::{Code, Problem};

use crate::delivery::dispatch;
use crate::domain::event::{self, Arrival, LeftOut, Row, Validated};
use crate::domain::source::Source;
use crate::domain::{bot, request_body};
use crate::error::Error;
use crate::ingest::admission::unknown_company;
use crate::ingest::answer::IngestResult;
use crate::ingest::context::IngestContext;
use crate::ingest::plan_check;
use crate::runtime::random;
use crate::store::request::IngestRequest;

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventsRequest<'a> {
    #[serde(rename = "company_id")]
    company_id: Option<String>,
    session_id: Option<String>,
    #[serde(borrow)]
    events: Option<Vec<&'a RawValue>>,
    sent_at: Option<Value>,
    #[serde(borrow)]
    context: Option<&'a RawValue>,
}

/// A browser's events of one session. Everything is validated that needs no database query.
#[derive(Serialize, Deserialize)]
pub(crate) struct BrowserBatch {
    pub(crate) company: String,
    pub(crate) session: String,
    /// JSON object.
    pub(crate) context: Option<Box<RawValue>>,
    pub(crate) origin: Option<String>,
    /// Whether a bot sent it, by its user agent or its context.
    pub(crate) bot: bool,
    pub(crate) sent_ms: Option<i64>,
    pub(crate) rows: Vec<Row>,
}

impl BrowserBatch {
    /// Parses the body of `POST /api/events`. → The batch, and the items that it leaves out.
    ///
    /// # Errors
    /// The problem for which the whole request is rejected.
    pub(crate) fn parse(cx: &IngestContext, text: &str) -> Result<(Self, LeftOut), Error> {
        let request: EventsRequest = request_body::parse(text)?;
        let company = company(request.company_id)?;
        cx.log().set_company(&company, Source::Browser);
        let session = session(request.session_id)?;
        cx.log().set_session(&session);
        let items = items(request.events)?;
        let context = request.context.map(RawValue::get).filter(|context| *context != "null");
        context.map_or(Ok(()), check_context)?;
        let sent_ms = request_body::sent_ms(request.sent_at.as_ref());
        let arrival = Arrival { subject: &session, sent_ms, received_ms: cx.now_ms() };
        let Validated { rows, left_out } =
            event::validate(items.iter().map(|item| item.get()), arrival, random::message_id);
        cx.log().invalid_events(items.iter().map(|item| item.get()), &left_out.rejected);
        let batch = Self {
            company,
            bot: cx.is_bot() || context.is_some_and(bot::is_driven),
            context: context.map(|json| RawValue::from_string(json.to_owned())).transpose()?,
            origin: cx.origin(),
            sent_ms,
            rows,
            session,
        };
        Ok((batch, left_out))
    }

    /// A batch of events that another vendor's client sent for a session.
    pub(crate) fn of_session(
        cx: &IngestContext,
        company: &str,
        session: String,
        sent_ms: Option<i64>,
        rows: Vec<Row>,
    ) -> Self {
        let (origin, bot, company) = (cx.origin(), cx.is_bot(), company.to_owned());
        Self { company, session, context: None, origin, bot, sent_ms, rows }
    }

    /// Stores the events.
    ///
    /// # Errors
    /// Those of [`plan_check::check_and_store`].
    pub(crate) async fn store(&self, cx: &IngestContext) -> Result<IngestResult, Error> {
        let budget = dispatch::lease_budget(cx, &self.company);
        let request = IngestRequest {
            marker: random::number(),
            sent_ms: self.sent_ms,
            context: self.context.as_deref().map(RawValue::get),
            origin: self.origin.as_deref(),
            bot: self.bot,
            ..IngestRequest::of_browser(&self.company, &self.session, cx.now_ms(), budget)
        };
        let (checked, stored) = plan_check::check_and_store(cx, request, &self.rows).await?;
        if !checked.rejected.is_empty() {
            cx.log().set_company(&self.company, Source::Browser);
            cx.log().set_session(&self.session);
        }
        cx.log().accepted(checked.rows.iter(), &stored.new);
        let new = stored.new.len();
        cx.dispatch_later(&self.company, stored.outbox);
        Ok(IngestResult { new, rejected: checked.finish(cx, &self.company) })
    }
}

fn check_context(context: &str) -> Result<(), Problem> {
    event::check_object(context, "context")?;
    if context.len() > CONTEXT_BYTES_MAX {
        let message = format!("context has at most {CONTEXT_BYTES_MAX} bytes");
        return Err(Problem::field(Code::InvalidField, "context", message));
    }
    Ok(())
}

/// The company id of a public request.
///
/// # Errors
/// `missing_field`, `unknown_company`.
pub(crate) fn company(id: Option<String>) -> Result<String, Problem> {
    let id = request_body::required(id, "company_id")?;
    if is_company_id(&id) { Ok(id) } else { Err(unknown_company()) }
}

/// The session id of a public request.
///
/// # Errors
/// `missing_field`, `invalid_session`.
pub(crate) fn session(id: Option<String>) -> Result<String, Problem> {
    let id = request_body::required(id, "sessionId")?;
    if is_public_session(&id) {
        return Ok(id);
    }
    let message = "sessionId has 1 to 128 letters, digits and _ - . : and is no name of TrackMate's own (webhook_…)";
    Err(Problem::field(Code::InvalidSession, "sessionId", message))
}

/// The items of a batch.
///
/// # Errors
/// `missing_field`; `too_many_events` for more than `BATCH_EVENTS_MAX`.
pub(crate) fn items(events: Option<Vec<&RawValue>>) -> Result<Vec<&RawValue>, Problem> {
    let items = events.ok_or_else(|| Problem::field(Code::MissingField, "events", "events is missing"))?;
    if items.len() > BATCH_EVENTS_MAX {
        let message = format!("a request has at most {BATCH_EVENTS_MAX} events");
        return Err(Problem::field(Code::TooManyEvents, "events", message));
    }
    Ok(items)
}
