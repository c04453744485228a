//! Webhook subscriptions of a company.

use serde::Deserialize;
use trackmate_wire::limits::{EXPIRE_SECRETS_MAX, HEADERS_MAX, RELEASE_SUBSCRIPTIONS_MAX, SUBSCRIPTIONS_MAX};

use super::deliveries::Target;
use super::{Db, Result, Statement, sql};
use crate::domain::delivery::Policy;

/// A subscription as its owner sees it. Its secret is shown only once, when it is created, and is
/// not read here.
#[derive(Debug, Deserialize)]
pub struct Subscription {
    /// Its id.
    pub id: String,
    /// The name that its owner gave it.
    pub name: String,
    /// Where deliveries go.
    pub url: String,
    /// JSON array of patterns.
    pub events: String,
    /// Free text.
    pub description: Option<String>,
    /// JSON object; answers show only the names.
    pub headers: String,
    /// Whether it has a secret, 0 or 1.
    pub signed: i64,
    /// 0 or 1.
    pub active: i64,
    /// Why TrackMate switched it off.
    pub disabled_reason: Option<String>,
    /// The name of its retry policy, if it has one.
    pub preset: Option<String>,
    /// Attempts in all.
    pub retry_attempts: i64,
    /// Seconds before the second attempt.
    pub retry_delay_s: i64,
    /// Timeout of an attempt, ms.
    pub timeout_ms: i64,
    /// Deliveries per second; `None` for no limit.
    pub rate_limit: Option<i64>,
    /// It is switched off after this number of consecutive given-up deliveries; 0 for never …
    pub disable_failures: i64,
    /// … if it has been failing for at least this time, ms.
    pub disable_ms: i64,
    /// While its circuit is open: the time of the next attempt, ms.
    pub open_until: Option<i64>,
    /// ms.
    pub created_at: i64,
    /// Number of deliveries that succeeded.
    pub success: i64,
    /// Number of deliveries that were given up.
    pub failed: i64,
    /// … those since the last success.
    pub failures: i64,
    /// Number of held deliveries, counted up to 10 000.
    pub held: i64,
    /// Status of the latest attempt.
    pub last_status: Option<i64>,
    /// Error of the latest attempt.
    pub last_error: Option<String>,
    /// ms.
    pub last_at: Option<i64>,
}

/// A change of a subscription; `None` changes nothing.
#[derive(Debug, Default)]
pub struct Change {
    /// The name that its owner gives it.
    pub name: Option<String>,
    /// Where deliveries go.
    pub url: Option<String>,
    /// JSON array of patterns.
    pub events: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// JSON merge patch: null removes a header.
    pub headers: Option<String>,
    /// The name of its retry policy.
    pub preset: Option<String>,
    /// How failed deliveries are retried.
    pub policy: Option<Policy>,
    /// Deliveries per second; 0 for no limit.
    pub rate_limit: Option<u32>,
    /// It is switched off after this number of consecutive given-up deliveries; 0 for never …
    pub disable_failures: Option<u32>,
    /// … if it has been failing for at least this time, ms.
    pub disable_ms: Option<i64>,
    /// Whether deliveries go out.
    pub active: Option<bool>,
    /// What happens to held deliveries: `deliver` or `dismiss`.
    pub held: Option<&'static str>,
}

/// Consecutive given-up deliveries after which a new subscription is switched off …
const DISABLE_FAILURES: u32 = 20;
/// … if it has been failing for at least this time, ms.
const DISABLE_MS: i64 = 24 * 60 * 60 * 1000;

impl Subscription {
    /// A new subscription, as [`add`] writes it.
    #[must_use]
    pub fn new(id: &str, new: Change, policy: Policy, now_ms: i64) -> Self {
        Self {
            id: id.to_owned(),
            name: new.name.unwrap_or_default(),
            url: new.url.unwrap_or_default(),
            events: new.events.unwrap_or_default(),
            description: new.description,
            headers: new.headers.unwrap_or_else(|| "{}".to_owned()),
            signed: 1,
            active: i64::from(new.active.unwrap_or(true)),
            disabled_reason: None,
            preset: new.preset,
            retry_attempts: policy.attempts.into(),
            retry_delay_s: policy.delay_s.into(),
            timeout_ms: policy.timeout_ms.into(),
            rate_limit: new.rate_limit.filter(|limit| *limit > 0).map(i64::from),
            disable_failures: new.disable_failures.unwrap_or(DISABLE_FAILURES).into(),
            disable_ms: new.disable_ms.unwrap_or(DISABLE_MS),
            open_until: None,
            created_at: now_ms,
            success: 0,
            failed: 0,
            failures: 0,
            held: 0,
            last_status: None,
            last_error: None,
            last_at: None,
        }
    }
}

/// Adds a new subscription with its sealed secret. `with` runs in the same transaction. `false` if
/// the company already has the most.
///
/// # Errors
/// D1's.
pub async fn add(db: &Db, company: &str, new: &Subscription, secret: &str, with: Option<Statement>) -> Result<bool> {
    let params = [
        company.into(),
        (&new.id).into(),
        (&new.name).into(),
        (&new.url).into(),
        (&new.events).into(),
        new.description.as_ref().into(),
        secret.into(),
        new.retry_attempts.into(),
        new.retry_delay_s.into(),
        new.timeout_ms.into(),
        new.created_at.into(),
        i64::try_from(SUBSCRIPTIONS_MAX).unwrap_or(i64::MAX).into(),
        (&new.headers).into(),
        new.preset.as_ref().into(),
        new.active.into(),
        new.rate_limit.into(),
        new.disable_failures.into(),
        new.disable_ms.into(),
    ];
    let mut batch = vec![db.bind(sql::SUBSCRIPTION_INSERT, &params)?];
    batch.extend(db.bind_all(with.as_slice())?);
    let answers = db.batch(batch).await?;
    Ok(answers.first().map(super::Answer::written).transpose()?.is_some_and(|rows| rows > 0))
}

/// A change of the company's funnel webhook; `None` changes nothing.
#[derive(Debug, Clone, Copy)]
pub struct Funnel<'a> {
    /// The subscription's fixed id.
    pub id: &'a str,
    /// Where deliveries go.
    pub url: &'a str,
    /// The signing secret; an empty one means that deliveries are not signed.
    pub secret: Option<&'a str>,
    /// Whether deliveries go out.
    pub active: Option<bool>,
}

/// Creates or changes the funnel webhook.
///
/// # Errors
/// D1's.
pub async fn set_funnel(db: &Db, company: &str, funnel: &Funnel<'_>, now_ms: i64) -> Result<()> {
    let params = [
        company.into(),
        funnel.id.into(),
        funnel.url.into(),
        funnel.secret.into(),
        funnel.active.map(i64::from).into(),
        now_ms.into(),
    ];
    db.run(sql::SUBSCRIPTION_FUNNEL, &params).await.map(drop)
}

/// Changes a subscription. `false` if it does not exist, or would have too many headers.
///
/// # Errors
/// D1's.
pub async fn update(db: &Db, company: &str, id: &str, change: &Change, now_ms: i64) -> Result<bool> {
    let policy = change.policy.as_ref();
    let params = [
        company.into(),
        id.into(),
        change.name.as_ref().into(),
        change.url.as_ref().into(),
        change.events.as_ref().into(),
        change.description.as_ref().into(),
        change.headers.as_ref().into(),
        change.preset.as_ref().into(),
        policy.map(|p| i64::from(p.attempts)).into(),
        policy.map(|p| i64::from(p.delay_s)).into(),
        policy.map(|p| i64::from(p.timeout_ms)).into(),
        change.active.map(i64::from).into(),
        change.held.into(),
        change.rate_limit.map(i64::from).into(),
        change.disable_failures.map(i64::from).into(),
        change.disable_ms.into(),
        now_ms.into(),
        i64::try_from(HEADERS_MAX).unwrap_or(i64::MAX).into(),
    ];
    Ok(db.run(sql::SUBSCRIPTION_UPDATE, &params).await?.written()? > 0)
}

/// Deletes a subscription. Its open deliveries are dismissed, and its log stays. `false` if it does
/// not exist.
///
/// # Errors
/// D1's.
pub async fn delete(db: &Db, company: &str, id: &str, now_ms: i64) -> Result<bool> {
    let batch = vec![
        db.bind(sql::SUBSCRIPTION_DELETE, &[company.into(), id.into()])?,
        db.bind(sql::DELIVERY_DISMISS, &[company.into(), id.into(), now_ms.into()])?,
    ];
    let answers = db.batch(batch).await?;
    Ok(answers.first().map(super::Answer::written).transpose()?.is_some_and(|rows| rows > 0))
}

/// A new secret of a subscription.
#[derive(Debug, Clone, Copy)]
pub struct NewSecret<'a> {
    /// Sealed.
    pub sealed: &'a str,
    /// Until when the old secret signs too, ms.
    pub old_until_ms: Option<i64>,
}

/// Gives a subscription a new secret. `false` if the subscription does not exist, or if the secret
/// before the old one still signs and would be lost.
///
/// # Errors
/// D1's.
pub async fn rotate(db: &Db, company: &str, id: &str, secret: NewSecret<'_>, now_ms: i64) -> Result<bool> {
    let params = [company.into(), id.into(), secret.sealed.into(), secret.old_until_ms.into(), now_ms.into()];
    Ok(db.run(sql::SUBSCRIPTION_ROTATE, &params).await?.written()? > 0)
}

/// Deletes old secrets of every company whose time is over, the oldest first. Takes no company: the
/// sweep serves all companies.
///
/// # Errors
/// D1's.
pub async fn expire_secrets(db: &Db, now_ms: i64) -> Result<()> {
    db.run(sql::SUBSCRIPTION_EXPIRE, &[now_ms.into(), EXPIRE_SECRETS_MAX.into()]).await.map(drop)
}

/// All subscriptions of a company.
///
/// # Errors
/// D1's.
pub async fn list(db: &Db, company: &str) -> Result<Vec<Subscription>> {
    db.run(sql::SUBSCRIPTION_LIST, &[company.into()]).await?.rows()
}

/// One subscription.
///
/// # Errors
/// D1's.
pub async fn find(db: &Db, company: &str, id: &str) -> Result<Option<Subscription>> {
    db.run(sql::SUBSCRIPTION_FIND, &[company.into(), id.into()]).await?.first()
}

#[derive(Deserialize)]
struct Sent {
    target: String,
}

/// The URL and the secrets for a test delivery.
///
/// # Errors
/// D1's.
pub async fn target(db: &Db, company: &str, id: &str) -> Result<Option<Target>> {
    let found: Option<Sent> = db.run(sql::SUBSCRIPTION_SEND, &[company.into(), id.into()]).await?.first()?;
    Ok(found.map(|sent| serde_json::from_str(&sent.target)).transpose()?)
}

/// A subscription whose secrets are not sealed, because an older version stored them.
#[derive(Debug, Deserialize)]
pub struct Plain {
    /// Its company.
    pub company: String,
    /// Its id.
    pub id: String,
    /// Its signing secret.
    pub secret: String,
    /// Its second signing secret.
    pub old_secret: Option<String>,
    /// JSON object.
    pub headers: String,
}

/// Some subscriptions of every company whose secrets are not sealed. Takes no company: the sweep
/// serves all companies.
///
/// # Errors
/// D1's.
pub async fn plain(db: &Db) -> Result<Vec<Plain>> {
    db.run(sql::SUBSCRIPTION_PLAIN, &[RELEASE_SUBSCRIPTIONS_MAX.into()]).await?.rows()
}

/// The sealed values of a subscription.
#[derive(Debug)]
pub struct Sealed {
    /// Its signing secret.
    pub secret: String,
    /// Its second signing secret.
    pub old_secret: Option<String>,
    /// JSON object.
    pub headers: String,
}

/// Replaces plain values with sealed ones, unless the plain ones changed meanwhile.
///
/// # Errors
/// D1's.
pub async fn seal(db: &Db, all: &[(Plain, Sealed)]) -> Result<()> {
    let statement = |(plain, sealed): &(Plain, Sealed)| {
        let params = [
            (&plain.company).into(),
            (&plain.id).into(),
            (&plain.secret).into(),
            (&plain.headers).into(),
            (&sealed.secret).into(),
            sealed.old_secret.as_ref().into(),
            (&sealed.headers).into(),
        ];
        db.bind(sql::SUBSCRIPTION_SEAL, &params)
    };
    let batch = all.iter().map(statement).collect::<Result<Vec<_>>>()?;
    if batch.is_empty() { Ok(()) } else { db.batch(batch).await.map(drop) }
}
