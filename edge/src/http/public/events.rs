//! `POST /api/events`: a browser's events.

use serde::Serialize;

use crate::http::context::RequestContext;
use crate::http::route::HandlerResult;
use crate::http::{body, rate_limit};
use crate::ingest::answer::{BatchAnswer, amount_unread};
use crate::ingest::browser::BrowserBatch;
use crate::ingest::outage_buffer::{self, BufferedRequest};
use trackmate_wire::api::Warning;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct EventsAnswer {
    #[serde(flatten)]
    batch: BatchAnswer,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

/// `POST /api/events` `{company_id, sessionId, events:[{eventType, eventData?, timestamp?,
/// messageId?}], sentAt?, context?}` → `{success, accepted, duplicates, rejected:[{index, code,
/// message}], queued?, warnings?}`. Stores the valid items even if others are rejected.
pub(crate) async fn post(cx: &RequestContext) -> HandlerResult {
    let text = body::public_text(cx).await?;
    cx.log().log_if_rejected(&text, None, ingest(cx, &text).await)
}

async fn ingest(cx: &RequestContext, text: &str) -> HandlerResult {
    let (batch, left_out) = BrowserBatch::parse(cx, text)?;
    let (count, warnings) = (batch.rows.len(), amount_unread(&batch.rows).into_iter().collect());
    rate_limit::count_browser(cx, &batch.company, count + left_out.count()).await?;
    let stored = batch.store(cx).await;
    let stored = outage_buffer::buffer_if_down(cx, stored, || BufferedRequest::Browser(batch)).await?;
    cx.log().accepted(left_out.repeated.iter(), &[]);
    Ok(serde_json::to_string(&EventsAnswer { batch: BatchAnswer::new(left_out, count, stored), warnings })?)
}
