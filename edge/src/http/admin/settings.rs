//! `/api/admin/settings`: shows and changes the settings of a company.

use serde_json::value::RawValue;
use trackmate_wire::api::{Settings, SettingsAnswer, SettingsChange};
use trackmate_wire::hex::hex;
use trackmate_wire::limits::{
    EVENT_DAYS_MAX, EVENT_NAME_CHARS_MAX, LOG_DAYS_MAX, NAME_CHARS_MAX, ORIGINS_MAX, REVENUE_EVENTS_MAX,
    SECRET_BYTES_MAX,
};
use trackmate_wire::problem::{Code, Problem};

use crate::delivery::recover;
use crate::domain::origin;
use crate::domain::outage;
use crate::domain::request_body;
use crate::error::Error;
use crate::http::admin::webhook_change;
use crate::http::context::RequestContext;
use crate::http::response;
use crate::http::route::HandlerResult;
use crate::http::{auth, body};
use crate::people::identity_proof;
use crate::runtime::{random, secrets};
use crate::store::companies::{self, Change, Verification};
use crate::store::subscriptions::{self, Funnel};

/// The id of the subscription that is a company's funnel webhook.
pub(crate) const FUNNEL: &str = "wh_funnel";

/// How full the database is, in percent, before companies see it.
const DATABASE_SHOWN_PERCENT: i64 = 85;

/// `GET /api/admin/settings` → `{success, settings:{company_id, name, allowedOrigins|null,
/// revenueEvents, webhooksEnabled, logRetentionDays, eventRetentionDays|null, identityVerification,
/// identitySecretSet, webhook_enabled, crm_webhook_url, webhook_secret_set},
/// databaseFullPercent?}`.
pub(crate) async fn get(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    show(cx, &admin, None).await
}

/// The answer with the settings, and with the identity secret if this request created it.
async fn show(cx: &RequestContext, admin: &auth::Admin, identity_secret: Option<String>) -> HandlerResult {
    let db = cx.db(&admin.company)?;
    let found = companies::find(db, &admin.company).await?;
    let funnel = subscriptions::find(db, &admin.company, FUNNEL).await?;
    let company = found.ok_or_else(|| Error::Internal("a key's company is missing".into()))?;
    let settings = Settings {
        company_id: company.id,
        name: company.name,
        allowed_origins: company.allowed_origins.map(RawValue::from_string).transpose()?,
        revenue_events: RawValue::from_string(company.revenue_events)?,
        webhooks_enabled: company.webhooks_enabled != 0,
        log_retention_days: company.log_days,
        event_retention_days: company.event_days,
        identity_verification: Verification::of(company.verification).as_str().to_owned(),
        identity_secret_set: company.has_secret != 0,
        identity_secret,
        funnel_enabled: funnel.as_ref().is_some_and(|f| f.active != 0),
        funnel_signed: funnel.as_ref().is_some_and(|f| f.signed != 0),
        funnel_url: funnel.map(|f| f.url),
    };
    let percent = outage::step(db.bytes(), db.bytes_max());
    // Only once the company should act. The exact size is the operator's matter, since companies
    // share the database.
    let database_full_percent = Some(percent).filter(|step| *step >= DATABASE_SHOWN_PERCENT);
    response::answer(&SettingsAnswer { settings, database_full_percent })
}

/// `PATCH /api/admin/settings` `{name?, allowedOrigins?: [origin]|null, revenueEvents?: [event
/// type], webhooksEnabled?, logRetentionDays?, eventRetentionDays?: days|null,
/// identityVerification?: off|optional|required, identitySecret?, rotateIdentitySecret?: bool,
/// webhook_enabled?, crm_webhook_url?, webhook_secret?: text|null}` → the answer of GET. An event
/// type in `revenueEvents` counts from then on. A removed one stops counting at once.
pub(crate) async fn patch(cx: &RequestContext, admin: auth::Admin) -> HandlerResult {
    let text = body::text_with_keys(cx).await?;
    let request: SettingsChange = request_body::change(&text)?;
    if let Some(name) = &request.name {
        body::check_length(name, "name", 1..=NAME_CHARS_MAX)?;
    }
    if let Some(Some(origins)) = &request.allowed_origins
        && (origins.len() > ORIGINS_MAX || !origins.iter().all(|o| is_origin(o)))
    {
        let message = format!(
            "allowedOrigins has at most {ORIGINS_MAX} origins such as https://shop.example, or \
             https://*.shop.example for its subdomains; null allows every origin"
        );
        return Err(Problem::field(Code::InvalidField, "allowedOrigins", message).into());
    }
    if let Some(events) = &request.revenue_events
        && (events.len() > REVENUE_EVENTS_MAX
            || events.iter().any(|e| e.is_empty() || e.trim() != e || e.chars().count() > EVENT_NAME_CHARS_MAX))
    {
        let message = format!("revenueEvents has at most {REVENUE_EVENTS_MAX} event types");
        return Err(Problem::field(Code::InvalidField, "revenueEvents", message).into());
    }
    let log_days = request
        .log_retention_days
        .map(|days| webhook_change::within(Some(days), "logRetentionDays", 0, 1..=LOG_DAYS_MAX))
        .transpose()?;
    let event_days = request
        .event_retention_days
        .map(|days| match days {
            None => Ok(None),
            days => webhook_change::within(days, "eventRetentionDays", 0, 1..=EVENT_DAYS_MAX).map(Some),
        })
        .transpose()?;
    let identity = identity(cx, &admin, &request).await?;
    funnel(cx, &admin, &request).await?;
    let change = Change {
        name: request.name.map(|n| n.trim().to_owned()),
        allowed_origins: request
            .allowed_origins
            .map(|o| o.map(|list| serde_json::to_string(&list)).transpose())
            .transpose()?,
        revenue_events: request.revenue_events.map(|list| serde_json::to_string(&list)).transpose()?,
        webhooks_enabled: request.webhooks_enabled,
        log_days,
        event_days,
        verification: identity.rule,
        identity_secret: identity.sealed,
    };
    companies::update(cx.db(&admin.company)?, &admin.company, &change).await?;
    if request.webhooks_enabled == Some(true) {
        recover::schedule(cx, &admin.company);
    }
    show(cx, &admin, identity.made).await
}

/// A change of identity verification.
#[derive(Default)]
struct VerificationChange {
    rule: Option<Verification>,
    sealed: Option<String>,
    /// A secret that TrackMate made. Only this answer shows it.
    made: Option<String>,
}

/// Reads a change of identity verification. Verification is never on without a secret: the company
/// sends one, or TrackMate makes one.
async fn identity(
    cx: &RequestContext,
    admin: &auth::Admin,
    request: &SettingsChange,
) -> Result<VerificationChange, Error> {
    let named = |name: &String| {
        let rule = Verification::ALL.into_iter().find(|(_, known)| known == name).map(|(rule, _)| rule);
        let message = "identityVerification is off, optional or required";
        rule.ok_or_else(|| Problem::field(Code::InvalidField, "identityVerification", message))
    };
    let rule = request.identity_verification.as_ref().map(named).transpose()?;
    if request.identity_secret.as_deref().is_some_and(|s| s.is_empty() || s.len() > SECRET_BYTES_MAX) {
        let message = format!("identitySecret has 1 to {SECRET_BYTES_MAX} bytes");
        return Err(Problem::field(Code::InvalidField, "identitySecret", message).into());
    }
    let on = rule.is_some_and(|rule| rule != Verification::Off);
    let missing =
        on && companies::verification(cx.db(&admin.company)?, &admin.company).await?.is_none_or(|(_, s)| s.is_none());
    let made = (request.identity_secret.is_none() && (request.rotate_identity_secret == Some(true) || missing))
        .then(|| hex(&random::bytes::<32>()));
    let sealed = match request.identity_secret.as_ref().or(made.as_ref()) {
        Some(secret) => {
            Some(secrets::vault(cx.env())?.seal(&identity_proof::owner(&admin.company), secret, random::bytes()))
        }
        None => None,
    };
    Ok(VerificationChange { rule, sealed, made })
}

/// Sets the funnel's webhook, if the request has one of its fields.
async fn funnel(cx: &RequestContext, admin: &auth::Admin, request: &SettingsChange) -> Result<(), Error> {
    let url = request.funnel_url.as_deref().map(str::trim).filter(|u| !u.is_empty());
    if url.is_none() && request.funnel_enabled.is_none() && request.funnel_secret.is_none() {
        return Ok(());
    }
    let url = url.map(|url| webhook_change::check_url(cx, url, "crm_webhook_url")).transpose()?;
    let secret = request.funnel_secret.as_ref().map(|secret| secret.as_deref().unwrap_or_default());
    if secret.is_some_and(|s| s.len() > SECRET_BYTES_MAX) {
        let message = format!("webhook_secret has at most {SECRET_BYTES_MAX} bytes");
        return Err(Problem::field(Code::InvalidField, "webhook_secret", message).into());
    }
    let db = cx.db(&admin.company)?;
    let current = subscriptions::find(db, &admin.company, FUNNEL).await?;
    let url = url.or_else(|| current.map(|f| f.url));
    let missing = || Problem::field(Code::MissingField, "crm_webhook_url", "crm_webhook_url is missing");
    let secret = match secret {
        Some(secret) => {
            Some(secrets::vault(cx.env())?.seal(&secrets::owner(&admin.company, FUNNEL), secret, random::bytes()))
        }
        None => None,
    };
    let funnel = Funnel {
        id: FUNNEL,
        url: &url.ok_or_else(missing)?,
        secret: secret.as_deref(),
        active: request.funnel_enabled,
    };
    subscriptions::set_funnel(db, &admin.company, &funnel, cx.now_ms()).await?;
    if request.funnel_enabled == Some(true) {
        recover::schedule(cx, &admin.company);
    }
    Ok(())
}

/// Whether this is an origin as browsers send it (scheme, host and port only), or a pattern of its
/// subdomains.
fn is_origin(text: &str) -> bool {
    let parent = origin::parent(text);
    let whole = parent.as_deref().unwrap_or(text);
    // The URL parser accepts an asterisk in a host.
    !whole.contains('*') && web_sys::Url::new(whole).is_ok_and(|url| url.origin() == whole)
}
