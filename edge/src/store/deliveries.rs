//! The outbox and the log of attempts. Claiming is a compare-and-set on the generation, so a late or doubled wake-up does nothing.

use serde::Deserialize;
use trackmate_wire::limits::{FAILING_MS_MAX, FAILURES_MAX, RELEASE_DELIVERIES_MAX, RELEASE_SUBSCRIPTIONS_MAX};

use super::{Db, Result, sql};

/// A delivery with what its payload and its sending need.
#[derive(Debug, Deserialize)]
pub struct Delivery {
    /// Its id, the same in every attempt.
    pub id: String,
    /// Whose it is.
    pub subscription: String,
    /// `pending`, `leased`, or a final state.
    pub state: String,
    /// The name the subscriber sees.
    pub event: String,
    /// Attempts made since it was last set going.
    pub tries: i64,
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
    /// JSON object of the owner's headers.
    pub headers: String,
    /// What it is signed with.
    pub secret: String,
    /// What it is signed with too, until `old_secret_until`.
    pub old_secret: Option<String>,
    /// ms.
    pub old_secret_until: Option<i64>,
    /// The policy's name.
    pub preset: Option<String>,
    /// Attempts in all.
    pub retry_attempts: i64,
    /// Seconds before the second attempt.
    pub retry_delay_s: i64,
    /// Milliseconds of an attempt.
    pub timeout_ms: i64,
    /// Deliveries of the subscription given up in a row.
    pub failures: i64,
    /// Whether subscription and company are switched on, 0 or 1.
    pub open: i64,
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

/// What an attempt meant for its subscription.
#[derive(Debug, Deserialize)]
pub struct Noted {
    /// 0 or 1.
    pub active: i64,
    /// Deliveries given up in a row.
    pub failures: i64,
    /// Why TrackMate switched it off.
    pub disabled_reason: Option<String>,
}

/// Logs an attempt, moves its delivery on and notes it on its subscription, together, if the claim of this generation still holds.
///
/// # Errors
/// D1's; the lease then runs out and the delivery is tried again.
pub async fn settle(
    db: &Db,
    company: &str,
    id: &str,
    subscription: &str,
    generation: i64,
    end: &Settled<'_>,
) -> Result<Option<Noted>> {
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
    let note = [
        company.into(),
        subscription.into(),
        end.state.into(),
        end.status.map(i64::from).into(),
        end.error.into(),
        end.at_ms.into(),
        FAILURES_MAX.into(),
        FAILING_MS_MAX.into(),
    ];
    let batch = vec![
        db.bind(sql::ATTEMPT_INSERT, &attempt)?,
        db.bind(sql::DELIVERY_SETTLE, &state)?,
        db.bind(sql::SUBSCRIPTION_NOTE, &note)?,
    ];
    let mut answers = db.batch(batch).await?;
    answers.pop().map(|noted| noted.first()).transpose().map(Option::flatten)
}

/// Holds a delivery seen at `generation` if its subscription or company is switched off.
///
/// # Errors
/// D1's.
pub async fn hold(db: &Db, company: &str, id: &str, generation: i64) -> Result<()> {
    db.run(sql::DELIVERY_HOLD, &[company.into(), id.into(), generation.into()]).await.map(drop)
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

/// A window of deliveries to be set going again.
#[derive(Debug, Clone, Copy)]
pub struct Window<'a> {
    /// ms, included.
    pub since_ms: i64,
    /// ms, excluded.
    pub until_ms: i64,
    /// One of the states of what was given up, or all.
    pub state: Option<&'a str>,
    /// Only what was given up before this, ms: a walk does not meet again what it set going.
    pub ended_before_ms: i64,
}

/// Sets a slice of what was given up in a window going again. Asked until it answers none.
///
/// # Errors
/// D1's.
pub async fn recover(
    db: &Db,
    company: &str,
    subscription: &str,
    window: Window<'_>,
    now_ms: i64,
    limit: i64,
) -> Result<Vec<String>> {
    let params = [
        company.into(),
        subscription.into(),
        window.since_ms.into(),
        window.until_ms.into(),
        window.state.into(),
        now_ms.into(),
        limit.into(),
        window.ended_before_ms.into(),
    ];
    Ok(db.run(sql::DELIVERY_RECOVER, &params).await?.rows::<Id>()?.into_iter().map(|row| row.id).collect())
}

/// Sets one finished delivery going again; `false` if there is none.
///
/// # Errors
/// D1's.
pub async fn resend(db: &Db, company: &str, subscription: &str, id: &str, now_ms: i64) -> Result<bool> {
    let params = [company.into(), subscription.into(), id.into(), now_ms.into()];
    Ok(db.run(sql::DELIVERY_RESEND, &params).await?.first::<Id>()?.is_some())
}

#[derive(Deserialize)]
struct Releasing {
    company: String,
    id: String,
    release: String,
}

/// Moves a slice of what was held on, for every subscription that was switched on. Serves the sweep; hence no company.
///
/// # Errors
/// D1's.
pub async fn release(db: &Db, now_ms: i64) -> Result<()> {
    let found: Vec<Releasing> =
        db.run(sql::SUBSCRIPTION_RELEASING, &[RELEASE_SUBSCRIPTIONS_MAX.into()]).await?.rows()?;
    let mut batch = Vec::new();
    for s in &found {
        let (company, id) = ((&s.company).into(), (&s.id).into());
        batch.push(db.bind(
            sql::DELIVERY_RELEASE,
            &[company, id, (&s.release).into(), now_ms.into(), RELEASE_DELIVERIES_MAX.into()],
        )?);
        batch.push(db.bind(sql::SUBSCRIPTION_RELEASED, &[company, id])?);
    }
    if batch.is_empty() { Ok(()) } else { db.batch(batch).await.map(drop) }
}

/// A delivery whose time has come.
#[derive(Debug, Deserialize)]
pub struct Due {
    /// Whose.
    pub company: String,
    /// Which.
    pub id: String,
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

/// A place in a log: the delivery last shown.
#[derive(Debug, Clone, Copy)]
pub struct LogCursor<'a> {
    /// When it was made, ms.
    pub created_ms: i64,
    /// Its id.
    pub id: &'a str,
}

/// Deliveries of a subscription with their attempts, newest first, from a place on, in one state or all.
///
/// # Errors
/// D1's.
pub async fn list(
    db: &Db,
    company: &str,
    subscription: &str,
    limit: i64,
    after: LogCursor<'_>,
    state: Option<&str>,
) -> Result<Vec<Logged>> {
    let params =
        [company.into(), subscription.into(), limit.into(), after.created_ms.into(), after.id.into(), state.into()];
    db.run(sql::DELIVERY_LIST, &params).await?.rows()
}
