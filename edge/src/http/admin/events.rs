//! `/api/admin/events`: lists received events with their outcomes and reasons, and shows one event
//! with its person and deliveries.

use trackmate_wire::api::{
    EventReceipt, Incoming, IncomingList, LinkedBy, Pagination, ReceiptDelivery, ReceiptPerson, ReceivedEvent,
    RejectedList, Warning,
};
use trackmate_wire::limits::INCOMING_ITEMS_MAX;
use trackmate_wire::problem::{ALL, Code, Problem};

use crate::domain::incoming::Outcome;
use crate::domain::source::Source;
use crate::domain::{clock, json, revenue};
use crate::error::Error;
use crate::http::admin::deliveries;
use crate::http::auth;
use crate::http::context::RequestContext;
use crate::http::pagination::{self, NEWEST};
use crate::http::response;
use crate::http::route::HandlerResult;
use crate::store::incoming::{self, Event, Found, LogEntry, Wanted};
use crate::store::{delivery_log, people};

/// Warnings about an item's data. A rejected item has none: only the types of its fields are
/// stored.
fn warnings(is_rejected: bool, data: Option<&str>) -> Vec<Warning> {
    let is_unread = !is_rejected && data.is_some_and(revenue::is_unread);
    is_unread.then(Warning::amount_unread).into_iter().collect()
}

/// An entry of the log as the API shows it.
pub(crate) fn describe(entry: LogEntry) -> Result<Incoming, Error> {
    let warnings = warnings(entry.outcome == Outcome::Rejected.as_str(), entry.data.as_deref());
    Ok(Incoming {
        seq: entry.seq,
        at: clock::iso(entry.at),
        door: entry.source.door().to_owned(),
        outcome: entry.outcome,
        code: entry.code,
        message: entry.message,
        field: entry.field,
        message_id: entry.message_id,
        event_type: entry.name,
        event_data: entry.data.map(json::raw).transpose()?,
        timestamp: entry.happened_at.map(clock::iso),
        session_id: entry.session,
        user_id: entry.profile,
        user_name: entry.person,
        bot: entry.bot.is_some(),
        warnings,
    })
}

/// `GET /api/admin/events?limit&cursor&outcome&eventType&door` → `{success, events:[…],
/// pagination}`, newest first: every rejected item, and the accepted items that arrived while an
/// admin watched. This request counts as watching, for two minutes.
pub(crate) async fn list(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    let limit = pagination::limit(cx, INCOMING_ITEMS_MAX)?;
    let filter = Wanted { source: source(cx)?, outcome: outcome(cx)?, name: name(cx), code: None };
    let before = cursor(cx)?;
    incoming::watch(cx.db(&admin.company)?, &admin.company, cx.now_ms()).await?;
    let (events, pagination) = page(cx, &admin, &filter, before, limit).await?;
    response::answer(&IncomingList { events, pagination })
}

/// `GET /api/admin/events/rejected?limit&cursor&code` → `{success, rejected:[…], pagination}`,
/// newest first.
pub(crate) async fn rejected(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    let limit = pagination::limit(cx, INCOMING_ITEMS_MAX)?;
    let code = cx.filled_query("code");
    if let Some(code) = &code
        && !ALL.iter().any(|known| known.as_str() == code)
    {
        return Err(Problem::field(Code::InvalidField, "code", "code is one of the codes of problems").into());
    }
    let filter = Wanted { outcome: Some(Outcome::Rejected), source: source(cx)?, name: name(cx), code };
    let before = cursor(cx)?;
    let (rejected, pagination) = page(cx, &admin, &filter, before, limit).await?;
    response::answer(&RejectedList { rejected, pagination })
}

/// Reads a page of entries.
async fn page(
    cx: &RequestContext,
    admin: &auth::Admin,
    filter: &Wanted,
    before: i64,
    limit: usize,
) -> Result<(Vec<Incoming>, Pagination), Error> {
    let db = cx.db(&admin.company)?;
    let mut entries = incoming::before(db, &admin.company, filter, before, pagination::rows(limit)).await?;
    let pagination = pagination::cut(&mut entries, limit, |n| pagination::write_cursor(&n.seq.to_string()));
    Ok((entries.into_iter().map(describe).collect::<Result<_, _>>()?, pagination))
}

/// Reads the cursor: the number of the entry before the page.
fn cursor(cx: &RequestContext) -> Result<i64, Problem> {
    Ok(pagination::cursor(cx, |text| text.parse().ok().filter(|seq| (0..NEWEST).contains(seq)))?.unwrap_or(NEWEST))
}

/// Reads `?door=`: the source.
fn source(cx: &RequestContext) -> Result<Option<Source>, Problem> {
    let Some(text) = cx.filled_query("door") else { return Ok(None) };
    Source::of_door(&text)
        .map(Some)
        .ok_or_else(|| Problem::field(Code::InvalidField, "door", "door is browser or server"))
}

/// Reads `?outcome=`.
pub(crate) fn outcome(cx: &RequestContext) -> Result<Option<Outcome>, Problem> {
    let Some(text) = cx.filled_query("outcome") else { return Ok(None) };
    let known = Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == text);
    let message = "outcome is stored, duplicate or rejected";
    known.map(Some).ok_or_else(|| Problem::field(Code::InvalidField, "outcome", message))
}

/// Reads `?eventType=`.
pub(crate) fn name(cx: &RequestContext) -> Option<String> {
    cx.filled_query("eventType")
}

/// `GET /api/admin/events/{messageId}?door=` → `{success, event, person, deliveries}`. If both
/// sources have an event with this id and the request names no `door`, shows the server's. If an
/// event was rejected first and stored later, shows the stored one.
pub(crate) async fn get(cx: &RequestContext, admin: auth::Admin, message_id: &str) -> HandlerResult {
    // A sender's id may have any character.
    let decoded = js_sys::decode_uri_component(message_id).map(String::from);
    let message_id = decoded.as_deref().unwrap_or(message_id);
    let source = source(cx)?;
    let db = cx.db(&admin.company)?;
    let receipt = match incoming::find(db, &admin.company, message_id, source).await? {
        Some(Found::Stored(event)) => stored(cx, &admin, event).await?,
        Some(Found::Rejected(entry)) => rejection(entry, message_id)?,
        None => {
            let message =
                "no event of this company that is kept has this messageId; what was rejected is kept some days";
            return Err(Problem::new(Code::NotFound, message).into());
        }
    };
    response::answer(&receipt)
}

/// The receipt of a stored event.
async fn stored(cx: &RequestContext, admin: &auth::Admin, event: Event) -> Result<EventReceipt, Error> {
    let db = cx.db(&admin.company)?;
    let link: Option<(Option<String>, i64, String)> = event.link.as_deref().map(serde_json::from_str).transpose()?;
    let person = match link {
        Some((Some(profile), at, id)) => {
            let linked_by = (!id.is_empty()).then(|| LinkedBy {
                message_id: id,
                at: clock::iso(clock::ts_ms(at)),
                session_id: event.session.clone(),
            });
            let found = people::profile(db, &admin.company, &profile).await?;
            let user = found.map(|found| found.person(&admin.company)).transpose()?;
            user.map(|user| ReceiptPerson { id: user.id.clone(), name: user.full_name(), email: user.email, linked_by })
        }
        Some((None, ..)) | None => None,
    };
    let deliveries =
        delivery_log::of_event(db, &admin.company, event.source, &event.message_id, event.received_at).await?;
    // A server may have sent an event of a browser's session.
    let sender = event.source.shown(event.sent_by_server.is_some());
    Ok(EventReceipt {
        event: ReceivedEvent {
            message_id: event.message_id,
            door: sender.door().to_owned(),
            outcome: Outcome::Stored.as_str().to_owned(),
            code: None,
            message: None,
            field: None,
            event_type: Some(event.name),
            warnings: warnings(false, Some(&event.data)),
            event_data: Some(json::raw(event.data)?),
            context: event.context.map(json::raw).transpose()?,
            timestamp: Some(clock::iso(clock::ts_ms(event.ts))),
            original_timestamp: event.original_at.map(clock::iso),
            sent_at: event.sent_at.map(clock::iso),
            received_at: clock::iso(event.received_at),
            session_id: Some(event.session).filter(|id| !id.is_empty()),
            source: sender.name().to_owned(),
            duplicates: Some(event.duplicates).filter(|n| *n > 0),
        },
        person,
        deliveries: deliveries.into_iter().map(describe_delivery).collect::<Result<_, _>>()?,
    })
}

/// A delivery of a receipt as the API shows it.
fn describe_delivery(d: delivery_log::OfEvent) -> Result<ReceiptDelivery, Error> {
    let delivery = deliveries::describe(d.logged)?;
    Ok(ReceiptDelivery {
        webhook_id: d.subscription,
        webhook_name: d.webhook,
        id: delivery.id,
        event: delivery.event,
        message_id: delivery.message_id,
        status: delivery.status,
        created_at: delivery.created_at,
        next_attempt_at: delivery.next_attempt_at,
        finished_at: delivery.finished_at,
        payload: delivery.payload,
        attempts_made: delivery.attempts_made,
        attempts: delivery.attempts,
    })
}

/// The receipt of a rejected event.
fn rejection(entry: LogEntry, message_id: &str) -> Result<EventReceipt, Error> {
    Ok(EventReceipt {
        event: ReceivedEvent {
            message_id: message_id.to_owned(),
            door: entry.source.door().to_owned(),
            outcome: Outcome::Rejected.as_str().to_owned(),
            code: entry.code,
            message: entry.message,
            field: entry.field,
            event_type: entry.name,
            event_data: entry.data.map(json::raw).transpose()?,
            context: None,
            timestamp: entry.happened_at.map(clock::iso),
            original_timestamp: entry.happened_at.map(clock::iso),
            sent_at: None,
            received_at: clock::iso(entry.at),
            session_id: entry.session,
            source: entry.source.name().to_owned(),
            duplicates: None,
            warnings: Vec::new(),
        },
        person: None,
        deliveries: Vec::new(),
    })
}
