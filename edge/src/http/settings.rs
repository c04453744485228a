//! `/api/admin/settings`: what a company decides for itself.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use trackmate_wire::limits::{EVENT_NAME_CHARS_MAX, NAME_CHARS_MAX, ORIGINS_MAX, REVENUE_EVENTS_MAX};
use trackmate_wire::problem::{Code, Problem};

use super::call::Call;
use super::error::Error;
use super::{Handled, auth, body};
use crate::store::companies::{self, Change};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    #[serde(rename = "company_id")]
    company_id: String,
    name: String,
    allowed_origins: Option<Box<RawValue>>,
    revenue_events: Box<RawValue>,
    webhooks_enabled: bool,
}

#[derive(Serialize)]
struct Answer {
    success: bool,
    settings: Settings,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    allowed_origins: Option<Option<Vec<String>>>,
    revenue_events: Option<Vec<String>>,
    webhooks_enabled: Option<bool>,
}

/// Tells `null` (every origin) from a field left out (no change).
fn present<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Option<Vec<String>>>, D::Error> {
    Option::deserialize(d).map(Some)
}

/// `GET /api/admin/settings` → `{success, settings:{company_id, name, allowedOrigins|null, revenueEvents, webhooksEnabled}}`.
pub(super) async fn get(call: &Call, admin: auth::Admin) -> Handled {
    let found = companies::find(call.db(Some(&admin.company))?, &admin.company).await?;
    let company = found.ok_or_else(|| Error::Internal("a key's company is missing".into()))?;
    let settings = Settings {
        company_id: company.id,
        name: company.name,
        allowed_origins: company.allowed_origins.map(RawValue::from_string).transpose()?,
        revenue_events: RawValue::from_string(company.revenue_events)?,
        webhooks_enabled: company.webhooks_enabled != 0,
    };
    Ok(serde_json::to_string(&Answer { success: true, settings })?)
}

/// `PATCH /api/admin/settings` `{name?, allowedOrigins?: [origin]|null, revenueEvents?: [event type], webhooksEnabled?}` → as GET. A type added to the
/// revenue events counts from then on; one taken off stops counting at once.
pub(super) async fn patch(call: &Call, admin: auth::Admin) -> Handled {
    let text = body::text(call).await?;
    let wanted: Wanted = body::parse(&text)?;
    if wanted.name.as_deref().is_some_and(|n| n.trim().is_empty() || n.chars().count() > NAME_CHARS_MAX) {
        return Err(
            Problem::field(Code::InvalidField, "name", format!("name has 1 to {NAME_CHARS_MAX} characters")).into()
        );
    }
    if let Some(Some(origins)) = &wanted.allowed_origins
        && (origins.len() > ORIGINS_MAX || !origins.iter().all(|o| is_origin(o)))
    {
        let message = format!(
            "allowedOrigins has at most {ORIGINS_MAX} origins such as https://shop.example; null allows every origin"
        );
        return Err(Problem::field(Code::InvalidField, "allowedOrigins", message).into());
    }
    if let Some(events) = &wanted.revenue_events
        && (events.len() > REVENUE_EVENTS_MAX
            || events.iter().any(|e| e.is_empty() || e.trim() != e || e.chars().count() > EVENT_NAME_CHARS_MAX))
    {
        let message = format!("revenueEvents has at most {REVENUE_EVENTS_MAX} event types");
        return Err(Problem::field(Code::InvalidField, "revenueEvents", message).into());
    }
    let change = Change {
        name: wanted.name.map(|n| n.trim().to_owned()),
        allowed_origins: wanted
            .allowed_origins
            .map(|o| o.map(|list| serde_json::to_string(&list)).transpose())
            .transpose()?,
        revenue_events: wanted.revenue_events.map(|list| serde_json::to_string(&list)).transpose()?,
        webhooks_enabled: wanted.webhooks_enabled,
    };
    companies::update(call.db(Some(&admin.company))?, &admin.company, &change).await?;
    if wanted.webhooks_enabled == Some(true) {
        call.release_after_answer();
    }
    get(call, admin).await
}

/// Whether this is an origin as browsers send it: scheme, host, port, nothing more.
fn is_origin(text: &str) -> bool {
    web_sys::Url::new(text).is_ok_and(|url| url.origin() == text)
}
