//! The log of deliveries: reading it, setting what has ended going again, deleting what is older
//! than its company keeps. How deliveries get there is in [`super::deliveries`].

use serde::Deserialize;
use trackmate_wire::limits::{
    ATTEMPTS_SHOWN_MAX, PRUNE_DELIVERIES_MAX, PRUNE_LOOKED_MAX, PRUNE_ROUNDS_MAX, PRUNE_SUBSCRIPTIONS_MAX,
};

use super::deliveries::Place;
use super::{Db, Page, Result, list_bytes, progress, sql};

#[derive(Deserialize)]
struct Log {
    company: String,
    subscription: String,
    prunable: i64,
}

/// Deletes what ended before its company's logs begin, and the attempts at it: a slice of each of
/// some logs that have any, in their order from where the last run stopped, and from the first when
/// it was through. Serves the sweep; hence no company.
///
/// # Errors
/// D1's.
pub async fn prune(db: &Db, now_ms: i64) -> Result<()> {
    const JOB: &str = "prune deliveries";
    let mut place: Place = progress::find(db, JOB).await?;
    for _ in 0..PRUNE_ROUNDS_MAX {
        let from = place.clone();
        let walk =
            [(&from.0).into(), (&from.1).into(), now_ms.into(), PRUNE_LOOKED_MAX.into(), PRUNE_DELIVERIES_MAX.into()];
        let logs: Vec<Log> = db.run(sql::DELIVERY_PRUNABLE, &walk).await?.rows()?;
        place = Place::default();
        let mut batch = Vec::new();
        for (n, log) in logs.iter().enumerate() {
            if log.prunable != 0 {
                let slice =
                    [(&log.company).into(), (&log.subscription).into(), now_ms.into(), PRUNE_DELIVERIES_MAX.into()];
                batch.extend([db.bind(sql::ATTEMPT_PRUNE, &slice)?, db.bind(sql::DELIVERY_PRUNE, &slice)?]);
            }
            // The last row is where the walk stopped, if it did not come to the end.
            if n + 1 == PRUNE_SUBSCRIPTIONS_MAX || log.prunable == 0 {
                place = (log.company.clone(), log.subscription.clone());
                break;
            }
        }
        let found = !batch.is_empty();
        if found || place != from {
            batch.push(progress::set(db, JOB, &place)?);
            db.batch(batch).await?;
        }
        if !found {
            break;
        }
    }
    Ok(())
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

/// Sets one finished delivery going again; `false` if there is none, or its subscription is gone.
///
/// # Errors
/// D1's.
pub async fn resend(db: &Db, company: &str, subscription: &str, id: &str, now_ms: i64) -> Result<bool> {
    let params = [company.into(), subscription.into(), id.into(), now_ms.into()];
    Ok(db.run(sql::DELIVERY_RESEND, &params).await?.first::<Id>()?.is_some())
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
    /// The bytes sent, once an attempt has ended.
    pub body: Option<String>,
    /// Attempts ever made.
    pub attempts: i64,
    /// JSON array of the latest attempts.
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

/// Deliveries of a subscription with their latest attempts, newest first, from a place on, in one
/// state or all.
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
) -> Result<Page<Logged>> {
    let params = [
        company.into(),
        subscription.into(),
        limit.into(),
        after.created_ms.into(),
        after.id.into(),
        state.into(),
        ATTEMPTS_SHOWN_MAX.into(),
        list_bytes(),
    ];
    db.run(sql::DELIVERY_LIST, &params).await?.page()
}

/// A delivery of an event, with whose it is.
#[derive(Debug, Deserialize)]
pub struct OfEvent {
    /// The delivery.
    #[serde(flatten)]
    pub logged: Logged,
    /// Its subscription.
    pub subscription: String,
    /// The subscription's name, unless it was deleted.
    pub webhook: Option<String>,
}

/// The deliveries of an event that came in at this instant, with their latest attempts.
///
/// # Errors
/// D1's.
pub async fn of_event(db: &Db, company: &str, source: i64, message_id: &str, received_ms: i64) -> Result<Vec<OfEvent>> {
    let params =
        [company.into(), source.into(), message_id.into(), received_ms.into(), ATTEMPTS_SHOWN_MAX.into(), list_bytes()];
    db.run(sql::DELIVERIES_OF_EVENT, &params).await?.rows()
}
