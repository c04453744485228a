//! The log of deliveries: it reads them, resends finished ones, and deletes those that are older
//! than their company's log. [`super::deliveries`] writes them.

use serde::Deserialize;
use trackmate_wire::limits::{
    ATTEMPTS_SHOWN_MAX, PRUNE_DELIVERIES_MAX, PRUNE_LOOKED_MAX, PRUNE_ROUNDS_MAX, PRUNE_SUBSCRIPTIONS_MAX,
};

use super::deliveries::{DeliveryKey, Place};
use super::{Db, Page, Result, list_bytes, progress, sql};

use crate::domain::source::Source;

#[derive(Deserialize)]
struct Log {
    company: String,
    subscription: String,
    prunable: i64,
}

/// Deletes finished deliveries that are older than their company's log, with their attempts. One
/// run takes a slice of each of some subscriptions. It starts where the last run stopped, or from
/// the first subscription after a full round. Takes no company: the sweep serves all companies.
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
            // The last row is where the walk stopped before its end.
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

/// A period whose given-up deliveries are resent.
#[derive(Debug, Clone, Copy)]
pub struct Window<'a> {
    /// The subscription.
    pub subscription: &'a str,
    /// ms, inclusive.
    pub since_ms: i64,
    /// ms, exclusive.
    pub until_ms: i64,
    /// One of the given-up states; `None` for all.
    pub state: Option<&'a str>,
    /// Only deliveries given up before this, ms. So a walk does not find a delivery that it resent
    /// itself.
    pub ended_before_ms: i64,
}

/// Resends a slice of the given-up deliveries of a window. The caller repeats it until nothing is
/// left.
///
/// # Errors
/// D1's.
pub async fn recover(db: &Db, company: &str, window: Window<'_>, now_ms: i64, limit: i64) -> Result<Vec<DeliveryKey>> {
    let params = [
        company.into(),
        window.subscription.into(),
        window.since_ms.into(),
        window.until_ms.into(),
        window.state.into(),
        now_ms.into(),
        limit.into(),
        window.ended_before_ms.into(),
    ];
    db.run(sql::DELIVERY_RECOVER, &params).await?.rows()
}

/// Resends one finished delivery. `false` if it does not exist, or its subscription was deleted.
///
/// # Errors
/// D1's.
pub async fn resend(db: &Db, company: &str, key: &DeliveryKey, now_ms: i64) -> Result<bool> {
    let params = [company.into(), (&key.subscription).into(), (&key.id).into(), now_ms.into()];
    Ok(db.run(sql::DELIVERY_RESEND, &params).await?.first::<DeliveryKey>()?.is_some())
}

/// A delivery in a subscription's log.
#[derive(Debug, Deserialize)]
pub struct Logged {
    /// Its id.
    pub id: String,
    /// The event's name in the body.
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
    /// The bytes sent, after the first attempt.
    pub body: Option<String>,
    /// Number of all attempts.
    pub attempts: i64,
    /// JSON array of the latest attempts.
    pub log: Option<String>,
}

/// A filter of deliveries.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Only of this subscription.
    pub subscription: &'a str,
    /// Only in this state.
    pub state: Option<&'a str>,
}

/// Deliveries with their latest attempts, newest first, after the delivery with the id `after`.
///
/// # Errors
/// D1's.
pub async fn list(db: &Db, company: &str, wanted: Wanted<'_>, after: Option<&str>, limit: i64) -> Result<Page<Logged>> {
    let params = [
        company.into(),
        wanted.subscription.into(),
        limit.into(),
        after.into(),
        wanted.state.into(),
        ATTEMPTS_SHOWN_MAX.into(),
        list_bytes(),
    ];
    db.run(sql::DELIVERY_LIST, &params).await?.page()
}

/// A delivery of an event, with its subscription.
#[derive(Debug, Deserialize)]
pub struct OfEvent {
    /// The delivery.
    #[serde(flatten)]
    pub logged: Logged,
    /// Its subscription.
    pub subscription: String,
    /// The subscription's name; `None` if it was deleted.
    pub webhook: Option<String>,
}

/// The deliveries of an event that arrived at `received_ms`, with their latest attempts.
///
/// # Errors
/// D1's.
pub async fn of_event(
    db: &Db,
    company: &str,
    source: Source,
    message_id: &str,
    received_ms: i64,
) -> Result<Vec<OfEvent>> {
    let params =
        [company.into(), source.into(), message_id.into(), received_ms.into(), ATTEMPTS_SHOWN_MAX.into(), list_bytes()];
    db.run(sql::DELIVERIES_OF_EVENT, &params).await?.rows()
}
