//! `/api/admin/webhooks`: a company's subscriptions and what became of their deliveries.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use trackmate_wire::ids::hex;
use trackmate_wire::limits::{
    DELIVERIES_SHOWN_MAX, EVENT_NAME_CHARS_MAX, NAME_CHARS_MAX, PATTERNS_MAX, RETRY_ATTEMPTS_MAX, RETRY_DELAY_S_MAX,
    SUBSCRIPTIONS_MAX, TIMEOUT_MS, TIMEOUT_MS_MAX, URL_BYTES_MAX,
};
use trackmate_wire::problem::{Code, Problem};
use trackmate_wire::signature;

use super::call::Call;
use super::error::Error;
use super::{Handled, auth, body};
use crate::domain::clock;
use crate::store::deliveries::{self, Logged};
use crate::store::subscriptions::{self, New, Subscription};
use crate::{entropy, outbound};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    name: Option<String>,
    url: Option<String>,
    events: Option<Vec<String>>,
    description: Option<String>,
    retry_attempts: Option<u32>,
    retry_delay: Option<u32>,
    timeout_ms: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Webhook<'a> {
    id: &'a str,
    name: &'a str,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    events: Box<RawValue>,
    description: Option<&'a str>,
    retry_attempts: i64,
    retry_delay: i64,
    timeout_ms: i64,
    active: bool,
    created_at: String,
}

impl<'a> Webhook<'a> {
    fn new(s: &'a Subscription) -> Result<Self, Error> {
        Ok(Self {
            id: &s.id,
            name: &s.name,
            url: &s.url,
            secret: None,
            events: RawValue::from_string(s.events.clone())?,
            description: s.description.as_deref(),
            retry_attempts: s.retry_attempts,
            retry_delay: s.retry_delay_s,
            timeout_ms: s.timeout_ms,
            active: s.active != 0,
            created_at: clock::iso(s.created_at),
        })
    }
}

#[derive(Serialize)]
struct One<'a> {
    success: bool,
    webhook: Webhook<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deliveries: Option<Vec<Shown>>,
}

#[derive(Serialize)]
struct List<'a> {
    success: bool,
    webhooks: Vec<Webhook<'a>>,
}

/// `POST /api/admin/webhooks` `{name, url, events[], description?, retryAttempts? (3), retryDelay? (60 s), timeoutMs? (10 000)}` →
/// `{success, webhook}` with its secret, which is not shown again.
pub(super) async fn post(call: &Call, admin: auth::Admin) -> Handled {
    let text = body::text(call).await?;
    let wanted: Wanted = body::parse(&text)?;
    let name = body::required(wanted.name, "name")?;
    if name.chars().count() > NAME_CHARS_MAX {
        return Err(Problem::field(
            Code::InvalidField,
            "name",
            format!("name has at most {NAME_CHARS_MAX} characters"),
        )
        .into());
    }
    let url = body::required(wanted.url, "url")?;
    if url.len() > URL_BYTES_MAX {
        return Err(Problem::field(Code::InvalidUrl, "url", format!("url has at most {URL_BYTES_MAX} bytes")).into());
    }
    outbound::check_url(&url, call.own_host().as_deref(), outbound::allows_loopback(call.env()))
        .map_err(|why| Problem::field(Code::InvalidUrl, "url", why))?;
    let events = serde_json::to_string(&patterns(wanted.events)?)?;
    let (id, secret) = (format!("wh_{}", hex(&entropy::bytes::<12>())), signature::secret(entropy::bytes()));
    let new = New {
        id: &id,
        name: name.trim(),
        url: &url,
        events: &events,
        description: wanted.description.as_deref(),
        secret: &secret,
        retry_attempts: within(wanted.retry_attempts, "retryAttempts", 3, 1..=RETRY_ATTEMPTS_MAX)?,
        retry_delay_s: within(wanted.retry_delay, "retryDelay", 60, 1..=RETRY_DELAY_S_MAX)?,
        timeout_ms: within(wanted.timeout_ms, "timeoutMs", TIMEOUT_MS, 100..=TIMEOUT_MS_MAX)?,
    };
    let db = call.db(Some(&admin.company))?;
    let most = i64::try_from(SUBSCRIPTIONS_MAX).unwrap_or(i64::MAX);
    if !subscriptions::add(db, &admin.company, &new, most, call.now_ms()).await? {
        return Err(
            Problem::new(Code::LimitReached, format!("a company has at most {SUBSCRIPTIONS_MAX} webhooks")).into()
        );
    }
    let webhook = Webhook {
        id: new.id,
        name: new.name,
        url: new.url,
        secret: Some(new.secret),
        events: RawValue::from_string(events.clone())?,
        description: new.description,
        retry_attempts: new.retry_attempts,
        retry_delay: new.retry_delay_s,
        timeout_ms: new.timeout_ms,
        active: true,
        created_at: clock::iso(call.now_ms()),
    };
    Ok(serde_json::to_string(&One { success: true, webhook, deliveries: None })?)
}

/// Names, `prefix.*` and `*`; at least one.
fn patterns(events: Option<Vec<String>>) -> Result<Vec<String>, Problem> {
    let events = events.ok_or_else(|| Problem::field(Code::MissingField, "events", "events is missing"))?;
    let good = |p: &String| {
        let stem = p.strip_suffix(".*").unwrap_or(if p == "*" { "any" } else { p });
        !stem.is_empty() && !stem.contains('*') && p.chars().count() <= EVENT_NAME_CHARS_MAX
    };
    if events.is_empty() || events.len() > PATTERNS_MAX || !events.iter().all(good) {
        let message = format!("events is a list of 1 to {PATTERNS_MAX} names, prefix.* or *");
        return Err(Problem::field(Code::InvalidField, "events", message));
    }
    Ok(events)
}

fn within(
    value: Option<u32>,
    field: &'static str,
    default: u32,
    range: std::ops::RangeInclusive<u32>,
) -> Result<i64, Problem> {
    let value = value.unwrap_or(default);
    if range.contains(&value) {
        return Ok(i64::from(value));
    }
    Err(Problem::field(
        Code::InvalidField,
        field,
        format!("{field} is a number from {} to {}", range.start(), range.end()),
    ))
}

/// `GET /api/admin/webhooks` → `{success, webhooks:[…]}`.
pub(super) async fn list(call: &Call, admin: auth::Admin) -> Handled {
    let subscriptions = subscriptions::list(call.db(Some(&admin.company))?, &admin.company).await?;
    let webhooks = subscriptions.iter().map(Webhook::new).collect::<Result<_, _>>()?;
    Ok(serde_json::to_string(&List { success: true, webhooks })?)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    id: String,
    event: String,
    message_id: String,
    status: String,
    created_at: String,
    next_attempt_at: Option<String>,
    finished_at: Option<String>,
    attempts: Vec<Attempt>,
}

/// An attempt as stored and, its time and flag apart, as shown.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attempt {
    attempt: i64,
    #[serde(deserialize_with = "stored_time")]
    at: String,
    url: String,
    status_code: Option<i64>,
    #[serde(deserialize_with = "stored_flag")]
    success: bool,
    error: Option<String>,
    response_body: Option<String>,
    duration_ms: i64,
}

fn stored_time<'de, D: serde::Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    i64::deserialize(d).map(clock::iso)
}

fn stored_flag<'de, D: serde::Deserializer<'de>>(d: D) -> Result<bool, D::Error> {
    i64::deserialize(d).map(|n| n != 0)
}

impl Shown {
    fn new(d: Logged) -> Result<Self, Error> {
        let waiting = d.finished_at.is_none();
        Ok(Self {
            id: d.id,
            event: d.event,
            message_id: d.message_id,
            // A lease is how an attempt under way is kept; to the owner it is simply not finished.
            status: if waiting { "pending".to_owned() } else { d.state },
            created_at: clock::iso(d.created_at),
            next_attempt_at: waiting.then(|| clock::iso(d.due_at)),
            finished_at: d.finished_at.map(clock::iso),
            attempts: d.log.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default(),
        })
    }
}

/// `GET /api/admin/webhooks/{id}` → `{success, webhook, deliveries:[…]}`: the last 50 deliveries, newest first, each with its attempts.
pub(super) async fn get(call: &Call, admin: auth::Admin, id: &str) -> Handled {
    let db = call.db(Some(&admin.company))?;
    let found = subscriptions::find(db, &admin.company, id).await?;
    let subscription = found.ok_or_else(|| Problem::new(Code::NotFound, "no webhook of this company has this id"))?;
    let most = i64::try_from(DELIVERIES_SHOWN_MAX).unwrap_or(i64::MAX);
    let logged = deliveries::list(db, &admin.company, id, most).await?;
    let deliveries = logged.into_iter().map(Shown::new).collect::<Result<_, _>>()?;
    Ok(serde_json::to_string(&One {
        success: true,
        webhook: Webhook::new(&subscription)?,
        deliveries: Some(deliveries),
    })?)
}
