//! The outbox and the log of attempts. Claiming is a compare-and-set on the generation, so a late or doubled wake-up does nothing.

use serde::Deserialize;

use super::{Db, Result, sql};

/// A delivery with what its payload and its sending need.
#[derive(Debug, Deserialize)]
pub struct Delivery {
    /// Its id, the same in every attempt.
    pub id: String,
    /// `pending`, `leased`, or a final state.
    pub state: String,
    /// The name the subscriber sees.
    pub event: String,
    /// Attempts made.
    pub attempts: i64,
    /// Claims made.
    pub generation: i64,
    /// ms; of a leased one, when the lease ends.
    pub due_at: i64,
    /// The event's id.
    pub message_id: String,
    /// 0 browser, 1 server.
    pub source: i64,
    /// When the event happened.
    pub ts: i64,
    /// Its session.
    pub session: String,
    /// JSON object.
    pub data: String,
    /// Whose it is now.
    pub profile: Option<String>,
    /// Where it goes.
    pub url: String,
    /// What it is signed with.
    pub secret: String,
    /// Attempts in all.
    pub retry_attempts: i64,
    /// Seconds before the second attempt.
    pub retry_delay_s: i64,
    /// Milliseconds of an attempt.
    pub timeout_ms: i64,
}

/// Loads a delivery.
///
/// # Errors
/// D1's.
pub async fn load(db: &Db, company: &str, id: &str) -> Result<Option<Delivery>> {
    db.run(sql::DELIVERY_LOAD, &[company.into(), id.into()]).await?.first()
}

#[derive(Deserialize)]
struct Body {
    body: String,
}

/// Leases a delivery seen at `generation` until `lease_ms`, if it is due by `now_ms`. Answers the bytes to send (`body`, unless an
/// earlier claim stored its own), or `None` when another claim was faster or it is not due.
///
/// # Errors
/// D1's.
pub async fn claim(
    db: &Db,
    company: &str,
    id: &str,
    generation: i64,
    now_ms: i64,
    lease_ms: i64,
    body: &str,
) -> Result<Option<String>> {
    let params = [company.into(), id.into(), generation.into(), now_ms.into(), lease_ms.into(), body.into()];
    Ok(db.run(sql::DELIVERY_CLAIM, &params).await?.first::<Body>()?.map(|row| row.body))
}

/// What an attempt leaves behind.
#[derive(Debug, Clone, Copy)]
pub struct Settled<'a> {
    /// When it began, ms.
    pub at_ms: i64,
    /// Where it went.
    pub url: &'a str,
    /// The answer's status.
    pub status: Option<u16>,
    /// Why there was none, or what was wrong with it, in the customer's words.
    pub error: Option<&'a str>,
    /// What was kept of the answer.
    pub answer: Option<&'a str>,
    /// How long it took.
    pub duration_ms: i64,
    /// The delivery's new state.
    pub state: &'a str,
    /// When it is next due, ms.
    pub due_ms: i64,
    /// When it ended, ms.
    pub finished_ms: Option<i64>,
}

/// Logs an attempt and moves its delivery on, together, if the claim of this generation still holds.
///
/// # Errors
/// D1's; the lease then runs out and the delivery is tried again.
pub async fn settle(db: &Db, company: &str, id: &str, generation: i64, end: &Settled<'_>) -> Result<()> {
    let attempt = [
        company.into(),
        id.into(),
        generation.into(),
        end.at_ms.into(),
        end.url.into(),
        end.status.map(i64::from).into(),
        i64::from(end.state == "delivered").into(),
        end.error.into(),
        end.answer.into(),
        end.duration_ms.into(),
    ];
    let state =
        [company.into(), id.into(), generation.into(), end.state.into(), end.due_ms.into(), end.finished_ms.into()];
    let batch = vec![db.bind(sql::ATTEMPT_INSERT, &attempt)?, db.bind(sql::DELIVERY_SETTLE, &state)?];
    db.batch(batch).await.map(drop)
}

/// A delivery whose time has come.
#[derive(Debug, Deserialize)]
pub struct Due {
    /// Whose.
    pub company: String,
    /// Which.
    pub id: String,
    /// As seen.
    pub generation: i64,
}

/// Deliveries of every company that are due, oldest first. Serves the sweep, which serves all; hence no company.
///
/// # Errors
/// D1's.
pub async fn due(db: &Db, now_ms: i64, limit: i64) -> Result<Vec<Due>> {
    db.run(sql::DELIVERY_DUE, &[now_ms.into(), limit.into()]).await?.rows()
}

/// A delivery in a subscription's log.
#[derive(Debug, Deserialize)]
pub struct Logged {
    /// Its id.
    pub id: String,
    /// The name the subscriber sees.
    pub event: String,
    /// Its state.
    pub state: String,
    /// The event's id.
    pub message_id: String,
    /// When it is next due, ms.
    pub due_at: i64,
    /// ms.
    pub created_at: i64,
    /// ms.
    pub finished_at: Option<i64>,
    /// JSON array of attempts.
    pub log: Option<String>,
}

/// The latest deliveries of a subscription with their attempts.
///
/// # Errors
/// D1's.
pub async fn list(db: &Db, company: &str, subscription: &str, limit: i64) -> Result<Vec<Logged>> {
    db.run(sql::DELIVERY_LIST, &[company.into(), subscription.into(), limit.into()]).await?.rows()
}
