//! `/api/admin/webhooks`: a company's subscriptions. What became of their deliveries is in [`super::deliveries`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use trackmate_wire::ids::hex;
use trackmate_wire::limits::{
    DELIVERIES_SHOWN_MAX, DESCRIPTION_CHARS_MAX, DISABLE_FAILURES_MAX, DISABLE_HOURS_MAX, EVENT_NAME_CHARS_MAX,
    GRACE_H_MAX, HEADER_BYTES_MAX, HEADERS_MAX, NAME_CHARS_MAX, PATTERNS_MAX, RATE_LIMIT_MAX, RETRY_ATTEMPTS_MAX,
    RETRY_DELAY_S_MAX, SUBSCRIPTIONS_MAX, TIMEOUT_MS_MAX, URL_BYTES_MAX,
};
use trackmate_wire::problem::{Code, Problem};
use trackmate_wire::signature;

use super::call::Call;
use super::deliveries::{Shown, latest};
use super::error::Error;
use super::{Handled, audit, auth, body};
use crate::domain::clock;
use crate::domain::delivery::{Outcome, Policy};
use crate::domain::vault::{Unopened, Vault};
use crate::jobs::deliver::headers;
use crate::outbound::{self, Message};
use crate::store::subscriptions::{self, Change, Subscription};
use crate::{entropy, http, vault};

const HOUR_MS: i64 = 3_600_000;

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "WebhookChange"))]
#[serde(rename_all = "camelCase")]
pub(super) struct Wanted {
    name: Option<String>,
    url: Option<String>,
    events: Option<Vec<String>>,
    description: Option<String>,
    headers: Option<BTreeMap<String, Option<String>>>,
    preset: Option<String>,
    retry_attempts: Option<u32>,
    retry_delay: Option<u32>,
    timeout_ms: Option<u32>,
    rate_limit: Option<u32>,
    disable_after_failures: Option<u32>,
    disable_after_hours: Option<u32>,
    active: Option<bool>,
    held: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Webhook<'a> {
    id: &'a str,
    name: &'a str,
    url: &'a str,
    /// In the answer that made it, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    events: Box<RawValue>,
    description: Option<&'a str>,
    /// The names; a value is not shown again once it is stored.
    headers: BTreeMap<String, &'static str>,
    preset: Option<&'a str>,
    retry_attempts: i64,
    retry_delay: i64,
    timeout_ms: i64,
    /// Deliveries a second.
    rate_limit: Option<i64>,
    disable_after_failures: i64,
    disable_after_hours: i64,
    active: bool,
    disabled_reason: Option<&'a str>,
    circuit: Circuit,
    created_at: String,
    stats: Stats<'a>,
}

/// Whether deliveries go out, or wait until a probe finds the receiver there.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(super) struct Circuit {
    state: &'static str,
    next_probe_at: Option<String>,
}

impl Circuit {
    pub(super) fn of(s: &Subscription) -> Self {
        let state = if s.open_until.is_some() { "open" } else { "closed" };
        Self { state, next_probe_at: s.open_until.map(clock::iso) }
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "WebhookStats"))]
#[serde(rename_all = "camelCase")]
struct Stats<'a> {
    success: i64,
    failed: i64,
    held: i64,
    last_status: Option<i64>,
    last_error: Option<&'a str>,
    last_delivery_at: Option<String>,
}

impl<'a> Webhook<'a> {
    fn new(s: &'a Subscription, secret: Option<&'a str>) -> Result<Self, Error> {
        let headers: BTreeMap<String, Value> = serde_json::from_str(&s.headers)?;
        Ok(Self {
            id: &s.id,
            name: &s.name,
            url: &s.url,
            secret,
            events: RawValue::from_string(s.events.clone())?,
            description: s.description.as_deref(),
            headers: headers.into_keys().map(|name| (name, "***")).collect(),
            preset: s.preset.as_deref(),
            retry_attempts: s.retry_attempts,
            retry_delay: s.retry_delay_s,
            timeout_ms: s.timeout_ms,
            rate_limit: s.rate_limit,
            disable_after_failures: s.disable_failures,
            disable_after_hours: s.disable_ms / HOUR_MS,
            active: s.active != 0,
            disabled_reason: s.disabled_reason.as_deref(),
            circuit: Circuit::of(s),
            created_at: clock::iso(s.created_at),
            stats: Stats {
                success: s.success,
                failed: s.failed,
                held: s.held,
                last_status: s.last_status,
                last_error: s.last_error.as_deref(),
                last_delivery_at: s.last_at.map(clock::iso),
            },
        })
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "WebhookAnswer"))]
pub(super) struct One<'a> {
    success: bool,
    webhook: Webhook<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deliveries: Option<Vec<Shown>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "WebhookList"))]
pub(super) struct List<'a> {
    success: bool,
    webhooks: Vec<Webhook<'a>>,
}

/// `POST /api/admin/webhooks` `{name, url, events[], description?, headers?, preset? | retryAttempts?, retryDelay?, timeoutMs?, rateLimit?,
/// disableAfterFailures?, disableAfterHours?, active?}` → `{success, webhook}` with its secret, which is not shown again. Without a policy it is `crm`'s: 3 attempts, 60 s, 10 s.
pub(super) async fn post(call: &Call, admin: auth::Admin) -> Handled {
    let text = body::text(call).await?;
    let mut wanted: Wanted = body::parse(&text)?;
    wanted.name = Some(body::required(wanted.name, "name")?);
    wanted.url = Some(body::required(wanted.url, "url")?);
    if wanted.events.is_none() {
        return Err(Problem::field(Code::MissingField, "events", "events is missing").into());
    }
    let crm = Policy::preset("crm").unwrap_or(Policy {
        attempts: 1,
        delay_s: 1,
        timeout_ms: TIMEOUT_MS_MAX,
        standard: false,
    });
    let (id, secret) = (format!("wh_{}", hex(&entropy::bytes::<12>())), signature::secret(entropy::bytes()));
    let owner = vault::owner(&admin.company, &id);
    let sealed = vault(call)?.seal(&owner, &secret, entropy::bytes());
    let new = change(call, wanted, crm, &owner)?;
    let policy = new.policy.unwrap_or(crm);
    let db = call.db(Some(&admin.company))?;
    let most = i64::try_from(SUBSCRIPTIONS_MAX).unwrap_or(i64::MAX);
    if !subscriptions::add(db, &admin.company, &id, &sealed, &new, policy, most, call.now_ms()).await? {
        return Err(
            Problem::new(Code::LimitReached, format!("a company has at most {SUBSCRIPTIONS_MAX} webhooks")).into()
        );
    }
    audit::target(call, &id);
    answer(call, &admin, &id, Some(&secret)).await
}

/// `PATCH /api/admin/webhooks/{id}` with any of POST's fields → `{success, webhook}`. In `headers`, null takes one away. Switched on again, what was
/// held goes out, or is dismissed with `"held":"dismiss"`.
pub(super) async fn patch(call: &Call, admin: auth::Admin, id: &str) -> Handled {
    let text = body::text(call).await?;
    let wanted: Wanted = body::parse(&text)?;
    let current = find(call, &admin, id).await?;
    let known = Policy {
        attempts: u32::try_from(current.retry_attempts).unwrap_or(1),
        delay_s: u32::try_from(current.retry_delay_s).unwrap_or(1),
        timeout_ms: u32::try_from(current.timeout_ms).unwrap_or(TIMEOUT_MS_MAX),
        standard: false,
    };
    let change = change(call, wanted, known, &vault::owner(&admin.company, id))?;
    subscriptions::update(call.db(Some(&admin.company))?, &admin.company, id, &change, call.now_ms()).await?;
    if change.active == Some(true) || change.url.is_some() || change.rate_limit.is_some() {
        call.release_after_answer();
    }
    answer(call, &admin, id, None).await
}

/// `DELETE /api/admin/webhooks/{id}` → `{success}`. What it leaves open is dismissed.
pub(super) async fn delete(call: &Call, admin: auth::Admin, id: &str) -> Handled {
    if !subscriptions::delete(call.db(Some(&admin.company))?, &admin.company, id, call.now_ms()).await? {
        return Err(unknown().into());
    }
    Ok(r#"{"success":true}"#.to_owned())
}

/// `GET /api/admin/webhooks` → `{success, webhooks:[…]}`.
pub(super) async fn list(call: &Call, admin: auth::Admin) -> Handled {
    let subscriptions = subscriptions::list(call.db(Some(&admin.company))?, &admin.company).await?;
    let webhooks = subscriptions.iter().map(|s| Webhook::new(s, None)).collect::<Result<_, _>>()?;
    Ok(serde_json::to_string(&List { success: true, webhooks })?)
}

/// `GET /api/admin/webhooks/{id}` → `{success, webhook, deliveries:[…]}`: the last 50 deliveries, newest first, each with its attempts.
pub(super) async fn get(call: &Call, admin: auth::Admin, id: &str) -> Handled {
    let subscription = find(call, &admin, id).await?;
    let deliveries = latest(call, &admin, id, DELIVERIES_SHOWN_MAX).await?;
    Ok(serde_json::to_string(&One {
        success: true,
        webhook: Webhook::new(&subscription, None)?,
        deliveries: Some(deliveries),
    })?)
}

#[derive(Deserialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "RotateRequest"))]
#[serde(rename_all = "camelCase")]
pub(super) struct Rotate {
    grace_hours: Option<u32>,
}

/// `POST /api/admin/webhooks/{id}/rotate-secret` `{graceHours? (24)}` → `{success, webhook}` with the new secret. The old one goes on signing for
/// so long; with 0 it is gone at once.
pub(super) async fn rotate(call: &Call, admin: auth::Admin, id: &str) -> Handled {
    let text = body::text(call).await?;
    let wanted: Rotate = if text.trim().is_empty() { Rotate::default() } else { body::parse(&text)? };
    let grace_h = within(wanted.grace_hours.or(Some(24)), "graceHours", 0, 0..=GRACE_H_MAX)?;
    let until = (grace_h > 0).then(|| call.now_ms() + i64::from(grace_h) * HOUR_MS);
    let secret = signature::secret(entropy::bytes());
    let sealed = vault(call)?.seal(&vault::owner(&admin.company, id), &secret, entropy::bytes());
    if !subscriptions::rotate(call.db(Some(&admin.company))?, &admin.company, id, &sealed, until).await? {
        return Err(unknown().into());
    }
    answer(call, &admin, id, Some(&secret)).await
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "TestAnswer"))]
#[serde(rename_all = "camelCase")]
pub(super) struct Tested {
    success: bool,
    delivered: bool,
    status_code: Option<u16>,
    error: Option<String>,
    response_body: Option<String>,
    duration_ms: i64,
}

/// `POST /api/admin/webhooks/{id}/test` → `{success, delivered, statusCode, error, responseBody, durationMs}`: sends `webhook.test` once, signed, also
/// to a subscription that is switched off, and says what came of it.
pub(super) async fn test(call: &Call, admin: auth::Admin, id: &str) -> Handled {
    let found = subscriptions::target(call.db(Some(&admin.company))?, &admin.company, id).await?;
    let target = found.ok_or_else(unknown)?;
    let began = call.now_ms();
    let body = json!({
        "event": "webhook.test",
        "timestamp": clock::iso(began),
        "data": {"webhookId": id, "message": "This is a test delivery from TrackMate."},
        "metadata": {"source": "trackmate", "action": "test"},
    })
    .to_string();
    let delivery_id = hex(&entropy::bytes::<16>());
    let unopened =
        |Unopened| Error::Internal("the webhook's secrets could not be opened: is SECRETS_KEY the right one?".into());
    let message = Message {
        url: &target.url,
        body: &body,
        headers: headers(call.env(), &admin.company, id, &target, &delivery_id, began, &body).map_err(unopened)?,
        timeout_ms: target.timeout_ms,
        loopback: outbound::allows_loopback(call.env()),
        breaker: None,
    };
    let exchange = outbound::post(&message).await;
    let status_code = if let Outcome::Answered(status, _) = exchange.outcome { Some(status) } else { None };
    Ok(serde_json::to_string(&Tested {
        success: true,
        delivered: exchange.error.is_none(),
        status_code,
        error: exchange.error,
        response_body: exchange.answer,
        duration_ms: http::now_ms() - began,
    })?)
}

/// The subscription, or 404.
pub(super) async fn find(call: &Call, admin: &auth::Admin, id: &str) -> Result<Subscription, Error> {
    let found = subscriptions::find(call.db(Some(&admin.company))?, &admin.company, id).await?;
    found.ok_or_else(|| unknown().into())
}

async fn answer(call: &Call, admin: &auth::Admin, id: &str, secret: Option<&str>) -> Handled {
    let subscription = find(call, admin, id).await?;
    Ok(serde_json::to_string(&One { success: true, webhook: Webhook::new(&subscription, secret)?, deliveries: None })?)
}

/// Checks what an owner says. `known` fills the parts of the policy that are not named; header values are sealed for `owner`.
fn change(call: &Call, wanted: Wanted, known: Policy, owner: &str) -> Result<Change, Error> {
    let name = wanted.name.map(|n| n.trim().to_owned());
    if name.as_deref().is_some_and(|n| n.is_empty() || n.chars().count() > NAME_CHARS_MAX) {
        return Err(
            Problem::field(Code::InvalidField, "name", format!("name has 1 to {NAME_CHARS_MAX} characters")).into()
        );
    }
    let url = wanted.url.map(|u| u.trim().to_owned());
    if let Some(url) = url.as_deref() {
        check_url(call, url, "url")?;
    }
    if wanted.description.as_deref().is_some_and(|d| d.chars().count() > DESCRIPTION_CHARS_MAX) {
        let message = format!("description has at most {DESCRIPTION_CHARS_MAX} characters");
        return Err(Problem::field(Code::InvalidField, "description", message).into());
    }
    let held = match wanted.held.as_deref() {
        None => None,
        Some("deliver") => Some("deliver"),
        Some("dismiss") => Some("dismiss"),
        Some(_) => return Err(Problem::field(Code::InvalidField, "held", "held is deliver or dismiss").into()),
    };
    let own_policy = wanted.retry_attempts.is_some() || wanted.retry_delay.is_some() || wanted.timeout_ms.is_some();
    let preset = wanted.preset.as_deref().map(|name| {
        let message = "preset is funnel, crm or standard, and stands without values of one's own";
        Policy::preset(name)
            .filter(|_| !own_policy)
            .ok_or_else(|| Problem::field(Code::InvalidField, "preset", message))
    });
    let policy = match preset.transpose()? {
        None if own_policy => Some(Policy {
            attempts: within(wanted.retry_attempts, "retryAttempts", known.attempts, 1..=RETRY_ATTEMPTS_MAX)?,
            delay_s: within(wanted.retry_delay, "retryDelay", known.delay_s, 1..=RETRY_DELAY_S_MAX)?,
            timeout_ms: within(wanted.timeout_ms, "timeoutMs", known.timeout_ms, 100..=TIMEOUT_MS_MAX)?,
            standard: false,
        }),
        preset => preset,
    };
    let headers = match wanted.headers.map(own_headers).transpose()? {
        Some(headers) => Some(vault(call)?.seal_headers(owner, &headers, entropy::bytes)?),
        None => None,
    };
    let optional = |value: Option<u32>, field, most| value.map(|n| within(Some(n), field, 0, 0..=most)).transpose();
    let hours = optional(wanted.disable_after_hours, "disableAfterHours", DISABLE_HOURS_MAX)?;
    Ok(Change {
        name,
        url,
        events: wanted.events.map(patterns).transpose()?,
        description: wanted.description,
        headers,
        preset: wanted.preset,
        policy,
        rate_limit: optional(wanted.rate_limit, "rateLimit", RATE_LIMIT_MAX)?,
        disable_failures: optional(wanted.disable_after_failures, "disableAfterFailures", DISABLE_FAILURES_MAX)?,
        disable_ms: hours.map(|h| i64::from(h) * HOUR_MS),
        active: wanted.active,
        held,
    })
}

/// The deployment's vault: without one no secret is stored.
pub(super) fn vault(call: &Call) -> Result<Vault, Error> {
    vault::of(call.env()).ok_or_else(|| Error::Internal("the Worker secret SECRETS_KEY is not set".into()))
}

/// That deliveries may go to this URL.
pub(super) fn check_url(call: &Call, url: &str, field: &'static str) -> Result<(), Problem> {
    if url.len() > URL_BYTES_MAX {
        return Err(Problem::field(Code::InvalidUrl, field, format!("{field} has at most {URL_BYTES_MAX} bytes")));
    }
    outbound::check_url(url, call.own_host().as_deref(), outbound::allows_loopback(call.env()))
        .map_err(|why| Problem::field(Code::InvalidUrl, field, why))
}

/// Names, `prefix.*` and `*`; at least one. As stored.
fn patterns(events: Vec<String>) -> Result<String, Problem> {
    let good = |p: &String| {
        let stem = p.strip_suffix(".*").unwrap_or(if p == "*" { "any" } else { p });
        !stem.is_empty() && stem.trim() == stem && !stem.contains('*') && p.chars().count() <= EVENT_NAME_CHARS_MAX
    };
    let message = format!("events is a list of 1 to {PATTERNS_MAX} names, prefix.* or *");
    let bad = || Problem::field(Code::InvalidField, "events", message);
    if events.is_empty() || events.len() > PATTERNS_MAX || !events.iter().all(good) {
        return Err(bad());
    }
    serde_json::to_string(&events).map_err(|_| bad())
}

/// Headers that are ours or the connection's: an owner's may not take their place.
fn is_reserved(name: &str) -> bool {
    let taken = [
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    ];
    taken.contains(&name)
        || ["webhook-", "x-webhook-signature", "cf-", "proxy-", "sec-"].iter().any(|prefix| name.starts_with(prefix))
}

/// An owner's headers as a merge patch, names in lower case. As stored.
fn own_headers(headers: BTreeMap<String, Option<String>>) -> Result<String, Problem> {
    let bad = |message: String| Problem::field(Code::InvalidField, "headers", message);
    if headers.len() > HEADERS_MAX {
        return Err(bad(format!("a webhook has at most {HEADERS_MAX} headers")));
    }
    let mut patch = BTreeMap::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        let is_token =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
        if !is_token || name.len() > 100 || is_reserved(&name) {
            return Err(bad("a header's name is a token that neither HTTP nor TrackMate uses itself".to_owned()));
        }
        let is_value = |v: &String| v.len() <= HEADER_BYTES_MAX && v.bytes().all(|b| (b' '..=b'~').contains(&b));
        if !value.as_ref().is_none_or(is_value) {
            return Err(bad(format!("a header's value is at most {HEADER_BYTES_MAX} visible ASCII characters")));
        }
        patch.insert(name, value);
    }
    serde_json::to_string(&patch).map_err(|_| bad("headers is an object of texts".to_owned()))
}

pub(super) fn within(
    value: Option<u32>,
    field: &'static str,
    default: u32,
    range: std::ops::RangeInclusive<u32>,
) -> Result<u32, Problem> {
    let value = value.unwrap_or(default);
    if range.contains(&value) {
        return Ok(value);
    }
    Err(Problem::field(
        Code::InvalidField,
        field,
        format!("{field} is a number from {} to {}", range.start(), range.end()),
    ))
}

fn unknown() -> Problem {
    Problem::new(Code::NotFound, "no webhook of this company has this id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_cannot_take_the_place_of_our_headers_or_smuggle_new_ones() {
        let set = |name: &str, value: &str| own_headers(BTreeMap::from([(name.to_owned(), Some(value.to_owned()))]));
        assert_eq!(set("Authorization", "Bearer x").unwrap(), r#"{"authorization":"Bearer x"}"#);
        assert!(set("X-Webhook-Secret", "s").is_ok());
        for name in
            ["Host", "content-length", "Webhook-Id", "X-Webhook-Signature", "CF-Connecting-IP", "a b", "", "x\r\ny"]
        {
            assert!(set(name, "v").is_err(), "{name}");
        }
        assert!(set("x-ok", "a\r\nHost: evil").is_err());
    }
}
