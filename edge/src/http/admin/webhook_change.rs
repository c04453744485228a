//! Checks a change of a webhook: its URL, event patterns, retry policy and headers. The routes are
//! in [`crate::http::admin::webhooks`].

use std::collections::BTreeMap;

use trackmate_wire::api::WebhookChange;
use trackmate_wire::limits::{
    DESCRIPTION_CHARS_MAX, DISABLE_FAILURES_MAX, DISABLE_HOURS_MAX, EVENT_NAME_CHARS_MAX, HEADER_BYTES_MAX,
    HEADERS_MAX, NAME_CHARS_MAX, PATTERNS_MAX, RATE_LIMIT_MAX, RETRY_ATTEMPTS_MAX, RETRY_DELAY_S_MAX, TIMEOUT_MS_MAX,
    URL_BYTES_MAX,
};
use trackmate_wire::problem::{Code, Problem};

use crate::delivery::client;
use crate::domain::delivery::Policy;
use crate::error::Error;
use crate::http::body::check_length;
use crate::http::context::RequestContext;
use crate::runtime::random;
use crate::runtime::secrets::vault;
use crate::store::subscriptions::Change;
use crate::vars::Vars;

/// Milliseconds of an hour.
pub(crate) const HOUR_MS: i64 = 3_600_000;

/// Checks a change of a webhook. `current` fills the fields of the policy that the request leaves
/// out. Header values are sealed for `owner`.
pub(crate) fn change(
    cx: &RequestContext,
    request: WebhookChange,
    current: Policy,
    owner: &str,
) -> Result<Change, Error> {
    let name = request.name.map(|n| n.trim().to_owned());
    if let Some(name) = &name {
        check_length(name, "name", 1..=NAME_CHARS_MAX)?;
    }
    let url = request.url.map(|url| check_url(cx, &url, "url")).transpose()?;
    let description = request.description.map(Option::unwrap_or_default);
    if let Some(description) = &description {
        check_length(description, "description", 0..=DESCRIPTION_CHARS_MAX)?;
    }
    let held = match request.held.as_deref() {
        None => None,
        Some("deliver") => Some("deliver"),
        Some("dismiss") => Some("dismiss"),
        Some(_) => return Err(Problem::field(Code::InvalidField, "held", "held is deliver or dismiss").into()),
    };
    let has_policy = request.retry_attempts.is_some() || request.retry_delay.is_some() || request.timeout_ms.is_some();
    let preset = request.preset.as_deref().map(|name| {
        let message = "preset is funnel, crm or standard, and stands without values of one's own";
        Policy::preset(name)
            .filter(|_| !has_policy)
            .ok_or_else(|| Problem::field(Code::InvalidField, "preset", message))
    });
    let policy = match preset.transpose()? {
        None if has_policy => Some(Policy {
            attempts: within(request.retry_attempts, "retryAttempts", current.attempts, 1..=RETRY_ATTEMPTS_MAX)?,
            delay_s: within(request.retry_delay, "retryDelay", current.delay_s, 1..=RETRY_DELAY_S_MAX)?,
            timeout_ms: within(request.timeout_ms, "timeoutMs", current.timeout_ms, 100..=TIMEOUT_MS_MAX)?,
            standard: false,
        }),
        preset => preset,
    };
    let headers = match request.headers.map(custom_headers).transpose()? {
        Some(headers) => Some(vault(cx.env())?.seal_headers(owner, &headers, random::bytes)?),
        None => None,
    };
    let optional = |value: Option<u32>, field, most| value.map(|n| within(Some(n), field, 0, 0..=most)).transpose();
    let hours = optional(request.disable_after_hours, "disableAfterHours", DISABLE_HOURS_MAX)?;
    Ok(Change {
        name,
        url,
        events: request.events.map(patterns).transpose()?,
        description,
        headers,
        preset: request.preset,
        policy,
        rate_limit: optional(request.rate_limit.map(Option::unwrap_or_default), "rateLimit", RATE_LIMIT_MAX)?,
        disable_failures: optional(request.disable_after_failures, "disableAfterFailures", DISABLE_FAILURES_MAX)?,
        disable_ms: hours.map(|h| i64::from(h) * HOUR_MS),
        active: request.active,
        held,
    })
}

/// Checks that deliveries may go to this URL, and returns it in the URL standard's normal form.
pub(crate) fn check_url(cx: &RequestContext, typed: &str, field: &'static str) -> Result<String, Problem> {
    let refused = |why: &str| Problem::field(Code::InvalidUrl, field, why);
    let typed = typed.trim();
    if typed.chars().any(char::is_control) {
        return Err(refused("the URL must not contain control characters"));
    }
    let url =
        client::check_url(typed, cx.request_host().as_deref(), Vars::of(cx.env()).allows_loopback).map_err(refused)?;
    if url.len() > URL_BYTES_MAX {
        return Err(refused(&format!("{field} has at most {URL_BYTES_MAX} bytes")));
    }
    Ok(url)
}

/// Checks the event patterns (names, `prefix.*` and `*`; at least one) and writes them as stored.
fn patterns(events: Vec<String>) -> Result<String, Problem> {
    let is_valid = |p: &String| {
        let stem = p.strip_suffix(".*").unwrap_or(if p == "*" { "any" } else { p });
        !stem.is_empty() && stem.trim() == stem && !stem.contains('*') && p.chars().count() <= EVENT_NAME_CHARS_MAX
    };
    let message = format!("events is a list of 1 to {PATTERNS_MAX} names, prefix.* or *");
    let invalid = || Problem::field(Code::InvalidField, "events", message);
    if events.is_empty() || events.len() > PATTERNS_MAX || !events.iter().all(is_valid) {
        return Err(invalid());
    }
    serde_json::to_string(&events).map_err(|_| invalid())
}

/// Whether TrackMate or the connection sets this header. A webhook's headers must not replace it.
pub(crate) fn is_reserved(name: &str) -> bool {
    let reserved = [
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
    reserved.contains(&name)
        || ["webhook-", "x-webhook-signature", "cf-", "proxy-", "sec-"].iter().any(|prefix| name.starts_with(prefix))
}

pub(crate) fn too_many_headers() -> Problem {
    Problem::field(Code::InvalidField, "headers", format!("a webhook has at most {HEADERS_MAX} headers"))
}

/// Checks the headers of a webhook and writes them as stored: a merge patch, names in lower case.
fn custom_headers(headers: BTreeMap<String, Option<String>>) -> Result<String, Problem> {
    let invalid = |message: String| Problem::field(Code::InvalidField, "headers", message);
    if headers.values().flatten().count() > HEADERS_MAX {
        return Err(too_many_headers());
    }
    let mut patch = BTreeMap::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        let is_token =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
        if !is_token || name.len() > 100 || is_reserved(&name) {
            return Err(invalid("a header's name is a token that neither HTTP nor TrackMate uses itself".to_owned()));
        }
        let is_value = |v: &String| v.len() <= HEADER_BYTES_MAX && v.bytes().all(|b| (b' '..=b'~').contains(&b));
        if !value.as_ref().is_none_or(is_value) {
            return Err(invalid(format!("a header's value is at most {HEADER_BYTES_MAX} visible ASCII characters")));
        }
        patch.insert(name, value);
    }
    serde_json::to_string(&patch).map_err(|_| invalid("headers is an object of texts".to_owned()))
}

/// Checks that a number, or else its default, is in the range.
pub(crate) fn within(
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_of_a_webhook_cannot_replace_reserved_headers_or_add_others_by_a_line_end() {
        let set = |name: &str, value: &str| custom_headers(BTreeMap::from([(name.to_owned(), Some(value.to_owned()))]));
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
