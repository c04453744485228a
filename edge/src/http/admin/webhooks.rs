//! `/api/admin/webhooks`: lists, creates, changes, deletes and tests the webhooks of a company.
//! [`crate::http::admin::webhook_change`] checks a change, and [`crate::http::admin::deliveries`]
//! has the deliveries.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use trackmate_wire::api::{
    Circuit, RotateRequest, TestAnswer, TestRequest, Webhook, WebhookAnswer, WebhookChange, WebhookList, WebhookStats,
};
use trackmate_wire::hex::hex;
use trackmate_wire::limits::{DELIVERIES_SHOWN_MAX, GRACE_H_MAX, SUBSCRIPTIONS_MAX, TIMEOUT_MS_MAX};
use trackmate_wire::problem::{Code, Problem};
use trackmate_wire::signature;

use crate::delivery::client::{self, Message};
use crate::delivery::recover;
use crate::delivery::sign::{Unsigned, headers};
use crate::domain::clock;
use crate::domain::delivery::{Outcome, Policy};
use crate::domain::payload;
use crate::domain::request_body;
use crate::domain::vault::Unopened;
use crate::error::Error;
use crate::http::admin::deliveries::latest;
use crate::http::admin::settings;
use crate::http::admin::webhook_change::{HOUR_MS, change, is_reserved, too_many_headers, within};
use crate::http::admin::webhook_find::{find, unknown};
use crate::http::context::RequestContext;
use crate::http::idempotency;
use crate::http::response::{self, success};
use crate::http::route::HandlerResult;
use crate::http::{auth, body};
use crate::runtime::clock::now_ms;
use crate::runtime::secrets::vault;
use crate::runtime::{random, secrets};
use crate::store::subscriptions::{self, Subscription};
use crate::vars::Vars;

/// The circuit of a webhook as the API shows it.
pub(crate) fn circuit(s: &Subscription) -> Circuit {
    let state = if s.open_until.is_some() { "open" } else { "closed" };
    Circuit { state: state.to_owned(), next_probe_at: s.open_until.map(clock::iso) }
}

/// A webhook as the API shows it, with its secret if this request created it.
fn describe(s: &Subscription, secret: Option<String>) -> Result<Webhook, Error> {
    let headers: BTreeMap<String, IgnoredAny> = serde_json::from_str(&s.headers)?;
    Ok(Webhook {
        circuit: circuit(s),
        id: s.id.clone(),
        name: s.name.clone(),
        url: s.url.clone(),
        secret,
        events: serde_json::from_str(&s.events)?,
        description: s.description.clone().filter(|text| !text.is_empty()),
        headers: headers.into_keys().map(|name| (name, "***".to_owned())).collect(),
        preset: s.preset.clone(),
        retry_attempts: s.retry_attempts,
        retry_delay: s.retry_delay_s,
        timeout_ms: s.timeout_ms,
        rate_limit: s.rate_limit,
        disable_after_failures: s.disable_failures,
        disable_after_hours: s.disable_ms / HOUR_MS,
        active: s.active != 0,
        disabled_reason: s.disabled_reason.clone(),
        created_at: clock::iso(s.created_at),
        stats: WebhookStats {
            success: s.success,
            failed: s.failed,
            held: s.held,
            last_status: s.last_status,
            last_error: s.last_error.clone(),
            last_delivery_at: s.last_at.map(clock::iso),
        },
    })
}

/// `POST /api/admin/webhooks` `{name, url, events[], description?, headers?, preset? |
/// retryAttempts?, retryDelay?, timeoutMs?, rateLimit?, disableAfterFailures?, disableAfterHours?,
/// active?}` → `{success, webhook}` with its secret, which no other answer shows. The default
/// policy is `crm`: 3 attempts, 60 s delay, 10 s timeout.
pub(crate) async fn post(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    let text = body::text_with_keys(cx).await?;
    let mut request: WebhookChange = request_body::change(&text)?;
    request.name = Some(request_body::required(request.name, "name")?);
    request.url = Some(request_body::required(request.url, "url")?);
    if request.events.is_none() {
        return Err(Problem::field(Code::MissingField, "events", "events is missing").into());
    }
    let crm = Policy::preset("crm").unwrap_or(Policy {
        attempts: 1,
        delay_s: 1,
        timeout_ms: TIMEOUT_MS_MAX,
        standard: false,
    });
    let (id, secret) = (format!("wh_{}", hex(&random::bytes::<12>())), signature::secret(random::bytes()));
    let owner = secrets::owner(&admin.company, &id);
    let sealed = vault(cx.env())?.seal(&owner, &secret, random::bytes());
    let change = change(cx, request, crm, &owner)?;
    let policy = change.policy.unwrap_or(crm);
    let new = Subscription::new(&id, change, policy, cx.now_ms());
    let shown = describe(&new, Some(secret))?;
    let answer = response::answer(&WebhookAnswer { webhook: shown, deliveries: None })?;
    let with = idempotency::with_effect(cx, &answer)?;
    if !subscriptions::add(cx.db(&admin.company)?, &admin.company, &new, &sealed, with).await? {
        return Err(
            Problem::new(Code::LimitReached, format!("a company has at most {SUBSCRIPTIONS_MAX} webhooks")).into()
        );
    }
    cx.set_audit_target(&id);
    Ok(answer)
}

/// `PATCH /api/admin/webhooks/{id}` with any of POST's fields → `{success, webhook}`. Null removes
/// the description, the rate limit, or one of the `headers`. When the webhook is switched on again,
/// held deliveries go out, or are dismissed with `"held":"dismiss"`.
pub(crate) async fn patch(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    let text = body::text_with_keys(cx).await?;
    let request: WebhookChange = request_body::change(&text)?;
    let current = find(cx, &admin, id).await?;
    let policy = Policy {
        attempts: u32::try_from(current.retry_attempts).unwrap_or(1),
        delay_s: u32::try_from(current.retry_delay_s).unwrap_or(1),
        timeout_ms: u32::try_from(current.timeout_ms).unwrap_or(TIMEOUT_MS_MAX),
        standard: false,
    };
    let change = change(cx, request, policy, &secrets::owner(&admin.company, id))?;
    if !subscriptions::update(cx.db(&admin.company)?, &admin.company, id, &change, cx.now_ms()).await? {
        find(cx, &admin, id).await?;
        return Err(too_many_headers().into());
    }
    if change.active == Some(true) || change.url.is_some() || change.rate_limit.is_some() {
        recover::schedule(cx, &admin.company);
    }
    answer(cx, &admin, id, None).await
}

/// `DELETE /api/admin/webhooks/{id}` → `{success}`. Open deliveries are dismissed.
pub(crate) async fn delete(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    if !subscriptions::delete(cx.db(&admin.company)?, &admin.company, id, cx.now_ms()).await? {
        return Err(unknown().into());
    }
    success()
}

/// `GET /api/admin/webhooks` → `{success, webhooks:[…]}`.
pub(crate) async fn list(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    let subscriptions = subscriptions::list(cx.db(&admin.company)?, &admin.company).await?;
    let webhooks = subscriptions.iter().map(|s| describe(s, None)).collect::<Result<_, _>>()?;
    response::answer(&WebhookList { webhooks })
}

/// `GET /api/admin/webhooks/{id}` → `{success, webhook, deliveries:[…]}`. Shows the last 50
/// deliveries, newest first, each with its attempts.
pub(crate) async fn get(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    let subscription = find(cx, &admin, id).await?;
    let deliveries = latest(cx, &admin, id, DELIVERIES_SHOWN_MAX).await?;
    response::answer(&WebhookAnswer { webhook: describe(&subscription, None)?, deliveries: Some(deliveries) })
}

/// `POST /api/admin/webhooks/{id}/rotate-secret` `{graceHours? (24)}` → `{success, webhook}` with
/// the new secret. The old secret signs too for this number of hours; with 0 it is deleted at once.
/// While an earlier secret still signs, only 0 is accepted.
pub(crate) async fn rotate(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    let text = body::text_with_keys(cx).await?;
    let request: RotateRequest =
        if text.trim().is_empty() { RotateRequest::default() } else { request_body::change(&text)? };
    let grace_h = within(request.grace_hours.or(Some(24)), "graceHours", 0, 0..=GRACE_H_MAX)?;
    let until = (grace_h > 0).then(|| cx.now_ms() + i64::from(grace_h) * HOUR_MS);
    let secret = signature::secret(random::bytes());
    let sealed = vault(cx.env())?.seal(&secrets::owner(&admin.company, id), &secret, random::bytes());
    let db = cx.db(&admin.company)?;
    let new_secret = subscriptions::NewSecret { sealed: &sealed, old_until_ms: until };
    if !subscriptions::rotate(db, &admin.company, id, new_secret, cx.now_ms()).await? {
        find(cx, &admin, id).await?;
        let message =
            "the secret before this one is still in its grace; rotate when that is over, or with graceHours 0";
        return Err(Problem::new(Code::Conflict, message).into());
    }
    answer(cx, &admin, id, Some(secret)).await
}

/// The request of a test as the API shows it.
fn sent(message: &Message<'_>) -> TestRequest {
    let fixed = [("content-type", client::CONTENT_TYPE), ("user-agent", client::USER_AGENT)];
    let header = |(name, value): &(String, String)| {
        (name.clone(), if is_reserved(name) { value.clone() } else { "***".to_owned() })
    };
    let fixed = fixed.map(|(name, value)| (name.to_owned(), value.to_owned()));
    TestRequest {
        url: message.url.to_owned(),
        headers: message.headers.iter().map(header).chain(fixed).collect(),
        body: message.body.to_owned(),
    }
}

/// `POST /api/admin/webhooks/{id}/test` → `{success, delivered, request:{url, headers, body},
/// statusCode, error, responseBody, durationMs}`. Sends `webhook.test` once, signed, and shows the
/// result. A webhook that is switched off gets the test too.
pub(crate) async fn test(cx: &RequestContext, admin: auth::Admin, id: &str) -> HandlerResult {
    let found = subscriptions::target(cx.db(&admin.company)?, &admin.company, id).await?;
    let target = found.ok_or_else(unknown)?;
    let began = cx.now_ms();
    let delivery_id = hex(&random::bytes::<16>());
    let body =
        payload::test(id, &delivery_id, began).ok_or_else(|| Error::Internal("a test could not be written".into()))?;
    let unopened =
        |Unopened| Error::Internal("the webhook's secrets could not be opened: is SECRETS_KEY the right one?".into());
    let unsigned = Unsigned {
        company: &admin.company,
        subscription: id,
        target: &target,
        id: &delivery_id,
        now_ms: began,
        body: &body,
    };
    let message = Message {
        url: &target.url,
        body: &body,
        headers: headers(cx.env(), unsigned).map_err(unopened)?,
        timeout_ms: target.timeout_ms,
        loopback: Vars::of(cx.env()).allows_loopback,
        abort_signal: None,
    };
    let exchange = client::post(&message).await;
    let status_code = if let Outcome::Answered(status, _) = exchange.outcome { Some(status) } else { None };
    response::answer(&TestAnswer {
        delivered: exchange.error.is_none(),
        request: sent(&message),
        status_code,
        error: exchange.error,
        response_body: exchange.answer,
        duration_ms: now_ms() - began,
    })
}

/// `POST /api/webhook/test` → the answer of a test of the funnel's webhook.
pub(crate) async fn test_funnel(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    test(cx, admin, settings::FUNNEL).await
}

/// The answer with a webhook, and with its secret if this request created it.
async fn answer(cx: &RequestContext, admin: &auth::Admin, id: &str, secret: Option<String>) -> HandlerResult {
    let subscription = find(cx, admin, id).await?;
    response::answer(&WebhookAnswer { webhook: describe(&subscription, secret)?, deliveries: None })
}
