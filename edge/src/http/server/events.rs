//! `POST /api/webhooks/events`: events from a customer's server.

use serde::Serialize;

use crate::error::Error;
use crate::http::context::RequestContext;
use crate::http::route::HandlerResult;
use crate::http::{auth, body, rate_limit};
use crate::ingest::answer::BatchAnswer;
use crate::ingest::outage_buffer::{self, BufferedRequest};
use crate::ingest::owner::resolve;
use crate::ingest::server::{self, Parsed, ServerResult};
use crate::store::people::Identifiers;
use trackmate_wire::api::Warning;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServerEventsAnswer<'a> {
    /// The single form only.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a str>,
    #[serde(flatten)]
    batch: BatchAnswer,
    profile_id: Option<&'a str>,
    linked: bool,
    created: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

/// `POST /api/webhooks/events` `{company_id?, identifier?:{email|sessionId|userId}, eventType,
/// eventData?, timestamp?, messageId?}` or `{…, events:[…]}`, with `user?:{…}` (facts about the
/// person) and `merge?: true` (makes one user of `userId` and `email`) → `{success, messageId?,
/// accepted, duplicates, rejected, profileId|null, linked, created, warnings?}`. The identifiers
/// count in the order userId, e-mail, sessionId. An unknown address creates a profile. An event
/// without an identifier belongs to no person.
pub(crate) async fn post(cx: &RequestContext) -> HandlerResult {
    cx.log().set_source_server();
    let hash = auth::hash_of(cx, "x-trackmate-api-key")?;
    rate_limit::count_key(cx, &hash).await?;
    let text = match body::text(cx).await {
        Ok(text) => text,
        Err(error) => return Err(key_first(cx, &hash, error).await),
    };
    cx.log().log_if_rejected(&text, None, ingest(cx, &hash, &text).await)
}

/// The problem of a request with an invalid body: an invalid key comes first, if D1 is up to check
/// it.
async fn key_first(cx: &RequestContext, hash: &str, error: Error) -> Error {
    match resolve(cx, hash, &Identifiers::default(), 0).await {
        Ok(_) | Err(Error::Down(_)) => error,
        Err(error) => error,
    }
}

async fn ingest(cx: &RequestContext, hash: &str, text: &str) -> HandlerResult {
    let Parsed { batch, left_out, edit, mut warnings } = match server::parse(cx, text, hash) {
        Ok(parsed) => parsed,
        Err(problem) => return Err(key_first(cx, hash, problem.into()).await),
    };
    let count = batch.rows.len();
    rate_limit::count_items(cx, hash, count + left_out.count()).await?;
    let message_id = batch.rows.first().map(|row| row.id.clone()).filter(|_| batch.single);
    let stored = batch.store(cx, edit.as_ref()).await;
    let stored = outage_buffer::buffer_if_down(cx, stored, || BufferedRequest::Server(batch)).await?;
    cx.log().accepted(left_out.repeated.iter(), &[]);
    let ServerResult { result, profile, created, warnings: more } = stored.unwrap_or_default();
    warnings.extend(more);
    Ok(serde_json::to_string(&ServerEventsAnswer {
        message_id: message_id.as_deref(),
        batch: BatchAnswer::new(left_out, count, result),
        linked: profile.is_some(),
        profile_id: profile.as_deref(),
        created,
        warnings,
    })?)
}
