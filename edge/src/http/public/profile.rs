//! `POST /api/profile`: a browser identifies its user.

use serde::Serialize;

use crate::error::Error;
use crate::http::context::RequestContext;
use crate::http::response;
use crate::http::route::HandlerResult;
use crate::http::{body, rate_limit};
use crate::ingest::identify::{EVENT, IdentifyCommand, IdentifyResult};
use crate::ingest::outage_buffer::{self, BufferedRequest};
use trackmate_wire::api::Warning;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct IdentifyAnswer<'a> {
    /// Null if it is not known yet.
    profile_id: Option<&'a str>,
    /// Only while the database is down: the claim is stored once it is back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, schemars(default))]
    queued: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

/// `POST /api/profile` `{company_id, sessionId, email, name?, …traits, timestamp?, messageId?,
/// sentAt?, userHash?}` → `{success, profileId, queued?, warnings?}`. The answer has the same
/// fields whether or not the address was known.
pub(crate) async fn post(cx: &RequestContext) -> HandlerResult {
    let text = body::public_text(cx).await?;
    cx.log().log_if_rejected(&text, Some(EVENT), ingest(cx, &text).await)
}

async fn ingest(cx: &RequestContext, text: &str) -> HandlerResult {
    let (command, warning) = IdentifyCommand::parse(cx, text)?;
    let identified = store(cx, command).await?;
    let profile_id = identified.as_ref().map(|identified| identified.public_id.as_str());
    let (queued, warnings) = (profile_id.is_none(), warning.into_iter().collect());
    response::answer(&IdentifyAnswer { profile_id, queued, warnings })
}

/// Stores a page's identify, within the page's rate limit. `None` while D1 is down: the outage
/// buffer has the identify then, and the person is not known yet.
pub(crate) async fn store(cx: &RequestContext, command: IdentifyCommand) -> Result<Option<IdentifyResult>, Error> {
    rate_limit::count_browser(cx, &command.company, 1).await?;
    let stored = command.store(cx).await;
    outage_buffer::buffer_if_down(cx, stored, || BufferedRequest::Identify(command)).await
}
