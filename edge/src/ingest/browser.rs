//! `POST /api/events`: a browser's events. Public; the company id is no secret.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use trackmate_wire::ids::{is_company_id, is_public_session};
use trackmate_wire::limits::{BATCH_EVENTS_MAX, CONTEXT_BYTES_MAX};
use trackmate_wire::problem::{Code, Problem};

use crate::domain::bot;
use crate::domain::event::{self, Arrival, Row, Sorted};
use crate::error::Error;
use crate::http::context::Call;
use crate::http::response::HandlerResult;
use crate::http::{body, rate_limit};
use crate::ingest::outage_buffer::{self, Work};
use crate::ingest::server::{Warning, amount_unread};
use crate::ingest::{outcome_log, plan_check};
use crate::runtime::random;
use crate::store::ingest::{self, Door};

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "EventsRequest"))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Batch<'a> {
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
pub(crate) struct Receipt {
    pub(crate) success: bool,
    pub(crate) accepted: usize,
    pub(crate) duplicates: usize,
    pub(crate) rejected: Vec<Rejected>,
    /// Only while the database is down: what is accepted is stored once it is back, and duplicates are told apart then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, schemars(default))]
    pub(crate) queued: bool,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Rejected {
    index: usize,
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

impl Rejected {
    pub(crate) fn new(index: usize, problem: Problem) -> Self {
        let field = problem.place().map(str::to_owned);
        Self { index, code: problem.code.as_str(), message: problem.message, field }
    }
}

impl Receipt {
    /// Of `count` events that could be stored, or were refused then, what came of them, if it is known yet.
    pub(crate) fn new(sorted: Sorted, count: usize, came: Option<Came>) -> Self {
        let queued = came.is_none();
        let Came { new: accepted, rejected: refused } = came.unwrap_or(Came { new: count, rejected: Vec::new() });
        let duplicates = count.saturating_sub(accepted + refused.len()) + sorted.repeated.len();
        let mut rejected = sorted.rejected;
        rejected.extend(refused);
        rejected.sort_by_key(|(index, _)| *index);
        Self {
            success: true,
            accepted,
            duplicates,
            rejected: rejected.into_iter().map(|(index, problem)| Rejected::new(index, problem)).collect(),
            queued,
        }
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "EventsAnswer"))]
pub(crate) struct Answer {
    #[serde(flatten)]
    receipt: Receipt,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

/// `POST /api/events` `{company_id, sessionId, events:[{eventType, eventData?, timestamp?, messageId?}], sentAt?, context?}` →
/// `{success, accepted, duplicates, rejected:[{index, code, message}], queued?, warnings?}`. Good items are stored when others are bad.
pub(crate) async fn post(call: &Call) -> HandlerResult {
    let text = outcome_log::public_body(call).await?;
    outcome_log::refused(call, &text, None, take(call, &text).await)
}

async fn take(call: &Call, text: &str) -> HandlerResult {
    let batch: Batch = body::parse(text)?;
    let company = company(batch.company_id)?;
    outcome_log::came_to(call, &company, false);
    let session = session(batch.session_id)?;
    outcome_log::session(call, &session);
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
    let arrival =
        Arrival { subject: &session, sent_ms: body::sent_ms(batch.sent_at.as_ref()), received_ms: call.now_ms() };
    let mut sorted = event::sort(items.iter().map(|item| item.get()), arrival, random::message_id);
    outcome_log::rejected(call, items.iter().map(|item| item.get()), &sorted);
    let sent = Sent {
        company,
        bot: call.is_bot() || context.is_some_and(bot::is_driven),
        context: context.map(|json| RawValue::from_string(json.to_owned())).transpose()?,
        origin: call.header("origin"),
        sent_ms: arrival.sent_ms,
        rows: std::mem::take(&mut sorted.rows),
        session,
    };
    let count = sent.rows.len();
    let warnings = amount_unread(&sent.rows).into_iter().collect();
    let came = sent.receive(call).await?;
    outcome_log::stored(call, sorted.repeated.iter(), &[]);
    Ok(serde_json::to_string(&Answer { receipt: Receipt::new(sorted, count, came), warnings })?)
}

/// What came of events that could be stored.
pub(crate) struct Came {
    /// How many are new.
    pub(crate) new: usize,
    /// Those that the company's plan refused: place in the request, and why.
    pub(crate) rejected: Vec<(usize, Problem)>,
}

/// What a page sent, once all is read of it that D1 need not be asked for.
#[derive(Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(crate) company: String,
    pub(crate) session: String,
    /// JSON object.
    pub(crate) context: Option<Box<RawValue>>,
    pub(crate) origin: Option<String>,
    /// Whether a machine sent it, by its own word.
    pub(crate) bot: bool,
    pub(crate) sent_ms: Option<i64>,
    pub(crate) rows: Vec<Row>,
}

impl Sent {
    /// Events of a session that this request brings.
    pub(crate) fn by(call: &Call, company: &str, session: String, sent_ms: Option<i64>, rows: Vec<Row>) -> Self {
        let (origin, bot, company) = (call.header("origin"), call.is_bot(), company.to_owned());
        Self { company, session, context: None, origin, bot, sent_ms, rows }
    }

    /// Stores it, or keeps it in the spill queue while D1 is down: then what came of it is not known yet, `None`.
    pub(crate) async fn receive(self, call: &Call) -> Result<Option<Came>, Error> {
        rate_limit::page(call, &self.company, self.rows.len()).await?;
        let stored = self.store(call).await;
        outage_buffer::or_keep(call, stored, || Work::Sent(self)).await
    }

    /// Stores it.
    pub(crate) async fn store(&self, call: &Call) -> Result<Came, Error> {
        let request = ingest::Request {
            company: &self.company,
            from_server: false,
            session: &self.session,
            number: random::number(),
            sent_ms: self.sent_ms,
            received_ms: call.now_ms(),
            context: self.context.as_deref().map(RawValue::get),
            origin: self.origin.as_deref(),
            bot: self.bot,
            unproved: false,
            plan: None,
            claim: None,
            room: call.room(&self.company),
        };
        let (fitting, stored) = plan_check::browser(call, request, &self.rows).await?;
        if !fitting.refused.is_empty() {
            outcome_log::came_to(call, &self.company, false);
            outcome_log::session(call, &self.session);
        }
        outcome_log::stored(call, fitting.rows.iter(), &stored.new);
        let new = stored.new.len();
        call.emitted(&self.company, stored.outbox);
        Ok(Came { new, rejected: fitting.settle(call, &self.company) })
    }
}

/// The company that a public caller names.
pub(crate) fn company(id: Option<String>) -> Result<String, Problem> {
    let id = body::required(id, "company_id")?;
    if is_company_id(&id) { Ok(id) } else { Err(unknown_company()) }
}

/// The session that a public caller names.
pub(crate) fn session(id: Option<String>) -> Result<String, Problem> {
    let id = body::required(id, "sessionId")?;
    if is_public_session(&id) {
        return Ok(id);
    }
    let message = "sessionId has 1 to 128 letters, digits and _ - . : and is no name of TrackMate's own (webhook_…)";
    Err(Problem::field(Code::InvalidSession, "sessionId", message))
}

/// The items of a batch, within its bound.
pub(crate) fn items(events: Option<Vec<&RawValue>>) -> Result<Vec<&RawValue>, Problem> {
    let items = events.ok_or_else(|| Problem::field(Code::MissingField, "events", "events is missing"))?;
    if items.len() > BATCH_EVENTS_MAX {
        let message = format!("a request has at most {BATCH_EVENTS_MAX} events");
        return Err(Problem::field(Code::TooManyEvents, "events", message));
    }
    Ok(items)
}

/// Turns a shut door into the caller's problem.
pub(crate) fn check(call: &Call, door: Door) -> Result<(), Error> {
    match door {
        Door::Open { watched } => {
            outcome_log::watched(call, watched);
            Ok(())
        }
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
