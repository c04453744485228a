//! `/api/admin/webhooks/{id}/deliveries` and `/recover`: lists the deliveries of a webhook, and
//! sends them again.

use serde::Deserialize;
use serde_json::value::RawValue;
use trackmate_wire::api::{Attempt, Delivery, DeliveryList, RecoverAnswer, RecoverRequest, Requeued, ResendAnswer};
use trackmate_wire::limits::{DELIVERIES_SHOWN_MAX, RECOVER_DELIVERIES_MAX};
use trackmate_wire::problem::{Code, Problem};

use crate::delivery::dispatch;
use crate::domain::request_body;
use crate::domain::{clock, event};
use crate::error::Error;
use crate::http::admin::webhook_find;
use crate::http::context::RequestContext;
use crate::http::pagination;
use crate::http::response;
use crate::http::route::HandlerResult;
use crate::http::{auth, body};
use crate::store::deliveries::DeliveryKey;
use crate::store::delivery_log::{self, Logged, Wanted, Window};

/// The states that the API has. A leased delivery is under way; the API shows it as pending.
pub(crate) const STATES: [&str; 6] = ["pending", "held", "delivered", "failed_permanent", "exhausted", "dismissed"];
/// The states of deliveries that were given up.
pub(crate) const GIVEN_UP: [&str; 3] = ["exhausted", "failed_permanent", "dismissed"];

/// An attempt as it is stored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredAttempt {
    attempt: i64,
    /// ms.
    at: i64,
    url: String,
    status_code: Option<i64>,
    /// 0 or 1.
    success: i64,
    error: Option<String>,
    response_body: Option<String>,
    duration_ms: i64,
}

impl From<StoredAttempt> for Attempt {
    fn from(a: StoredAttempt) -> Self {
        Self {
            attempt: a.attempt,
            at: clock::iso(a.at),
            url: a.url,
            status_code: a.status_code,
            success: a.success != 0,
            error: a.error,
            response_body: a.response_body,
            duration_ms: a.duration_ms,
        }
    }
}

/// A delivery as the API shows it.
pub(crate) fn describe(d: Logged) -> Result<Delivery, Error> {
    let status = if d.state == "leased" { "pending".to_owned() } else { d.state };
    let attempts: Vec<StoredAttempt> = d.log.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
    Ok(Delivery {
        id: d.id,
        event: d.event,
        message_id: d.message_id,
        created_at: clock::iso(d.created_at),
        next_attempt_at: (status == "pending").then(|| clock::iso(d.due_at)),
        status,
        finished_at: d.finished_at.map(clock::iso),
        payload: d.body.map(RawValue::from_string).transpose()?,
        attempts_made: d.attempts,
        attempts: attempts.into_iter().map(Attempt::from).collect(),
    })
}

/// The latest deliveries of a webhook, newest first.
pub(crate) async fn latest(
    cx: &RequestContext,
    admin: &auth::Admin,
    id: &str,
    most: usize,
) -> Result<Vec<Delivery>, Error> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let wanted = Wanted { subscription: id, state: None };
    let logged = delivery_log::list(cx.db(&admin.company)?, &admin.company, wanted, None, most).await?;
    logged.items.into_iter().map(describe).collect()
}

/// `GET /api/admin/webhooks/{id}/deliveries?limit&cursor&status` → `{success, deliveries:[…],
/// pagination}`, newest first.
pub(crate) async fn list(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    webhook_find::find(cx, &admin, id).await?;
    let limit = pagination::limit(cx, DELIVERIES_SHOWN_MAX)?;
    let status = cx.query("status").map(|s| one_of(&s, &STATES)).transpose()?;
    let cursor = pagination::cursor(cx, |id| {
        (id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())).then(|| id.to_owned())
    })?;
    let (db, wanted) = (cx.db(&admin.company)?, Wanted { subscription: id, state: status });
    let logged = delivery_log::list(db, &admin.company, wanted, cursor.as_deref(), pagination::rows(limit)).await?;
    let (logged, pagination) = pagination::cut_page(logged, limit, |d| pagination::write_cursor(&d.id));
    let deliveries = logged.into_iter().map(describe).collect::<Result<_, _>>()?;
    response::answer(&DeliveryList { deliveries, pagination })
}

fn one_of(text: &str, states: &[&'static str]) -> Result<&'static str, Problem> {
    let found = states.iter().find(|s| **s == text).copied();
    found.ok_or_else(|| Problem::field(Code::InvalidField, "status", format!("status is one of {}", states.join(", "))))
}

/// `POST /api/admin/webhooks/{id}/recover` `{since, until?, status?, cursor?}` → `{success,
/// requeued, hasMore, nextCursor}`. Sends the deliveries again that were given up in a window, up
/// to 500 in a call. `nextCursor` continues, and skips those that failed again in the meantime. A
/// repeat after all have succeeded sends nothing.
pub(crate) async fn recover(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    let text = body::text(cx).await?;
    let request: RecoverRequest = request_body::change(&text)?;
    let since = request.since.ok_or_else(|| Problem::field(Code::MissingField, "since", "since is missing"))?;
    let window = Window {
        subscription: id,
        since_ms: event::time(&since, "since")?,
        until_ms: request.until.map(|t| event::time(&t, "until")).transpose()?.unwrap_or_else(|| cx.now_ms() + 1),
        state: request.status.map(|s| one_of(&s, &GIVEN_UP)).transpose()?,
        // Excludes the current millisecond: deliveries of this call may fail again within it.
        ended_before_ms: request.cursor.map(|c| read_cursor(&c)).transpose()?.unwrap_or_else(|| cx.now_ms()),
    };
    webhook_find::find(cx, &admin, id).await?;
    let db = cx.db(&admin.company)?;
    let keys = delivery_log::recover(db, &admin.company, window, cx.now_ms(), RECOVER_DELIVERIES_MAX).await?;
    let requeued = keys.len();
    cx.after_answer(dispatch::attempt_now(cx.env().clone(), admin.company.clone(), keys));
    let has_more = i64::try_from(requeued).unwrap_or(i64::MAX) == RECOVER_DELIVERIES_MAX;
    let next_cursor = has_more.then(|| window.ended_before_ms.to_string());
    response::answer(&RecoverAnswer { requeued, has_more, next_cursor })
}

/// Reads the cursor of `recover`: when its first call was, in milliseconds.
fn read_cursor(text: &str) -> Result<i64, Problem> {
    let start = text.parse().ok().filter(|ms| *ms > 0);
    start.ok_or_else(|| Problem::field(Code::InvalidCursor, "cursor", "cursor is the nextCursor of an earlier call"))
}

/// `POST /api/admin/webhooks/{id}/deliveries/{delivery}/resend` → `{success, delivery:{id,
/// status}}`. Sends a delivery that has ended again, with the same id and bytes.
pub(crate) async fn resend(cx: &RequestContext, admin: auth::Admin, id: &str, delivery: &str) -> HandlerResult {
    let db = cx.db(&admin.company)?;
    let key = DeliveryKey { subscription: id.to_owned(), id: delivery.to_owned() };
    if !delivery_log::resend(db, &admin.company, &key, cx.now_ms()).await? {
        webhook_find::find(cx, &admin, id).await?;
        let message = "no delivery of this webhook that has ended has this id; one that waits needs no resend";
        return Err(Problem::new(Code::NotFound, message).into());
    }
    cx.after_answer(dispatch::attempt_now(cx.env().clone(), admin.company.clone(), vec![key]));
    response::answer(&ResendAnswer { delivery: Requeued { id: delivery.to_owned(), status: "pending".to_owned() } })
}
