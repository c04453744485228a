//! Webhook subscriptions of a company.

use serde::Deserialize;

use super::{Db, Result, sql};

/// A subscription as its owner may see it: the secret is shown once, at creation, and not read here.
#[derive(Debug, Deserialize)]
pub struct Subscription {
    /// Opaque.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// Where deliveries go.
    pub url: String,
    /// JSON array of patterns.
    pub events: String,
    /// Free text.
    pub description: Option<String>,
    /// 0 or 1.
    pub active: i64,
    /// Attempts in all.
    pub retry_attempts: i64,
    /// Seconds before the second attempt.
    pub retry_delay_s: i64,
    /// Milliseconds of an attempt.
    pub timeout_ms: i64,
    /// ms.
    pub created_at: i64,
}

/// A new subscription.
#[derive(Debug, Clone, Copy)]
pub struct New<'a> {
    /// Opaque.
    pub id: &'a str,
    /// What its owner calls it.
    pub name: &'a str,
    /// Where deliveries go.
    pub url: &'a str,
    /// JSON array of patterns.
    pub events: &'a str,
    /// Free text.
    pub description: Option<&'a str>,
    /// Signs deliveries.
    pub secret: &'a str,
    /// Attempts in all.
    pub retry_attempts: i64,
    /// Seconds before the second attempt.
    pub retry_delay_s: i64,
    /// Milliseconds of an attempt.
    pub timeout_ms: i64,
}

/// Adds a subscription; `false` when the company has `most` already.
///
/// # Errors
/// D1's.
pub async fn add(db: &Db, company: &str, new: &New<'_>, most: i64, now_ms: i64) -> Result<bool> {
    let params = [
        company.into(),
        new.id.into(),
        new.name.into(),
        new.url.into(),
        new.events.into(),
        new.description.into(),
        new.secret.into(),
        new.retry_attempts.into(),
        new.retry_delay_s.into(),
        new.timeout_ms.into(),
        now_ms.into(),
        most.into(),
    ];
    Ok(db.run(sql::SUBSCRIPTION_INSERT, &params).await?.written()? > 0)
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
