//! Writes the results of attempts: the deliveries, their logs, their subscriptions, and the
//! operational events that result.

use serde::{Deserialize, Serialize};

use super::deliveries::DeliveryKey;
use super::{Batch, ChangeStamp, Db, Param, Result, sql};
use crate::domain::circuit;
use crate::domain::source::Source;

/// The result of an attempt, as an item of the JSON parameter of [`settle`].
#[derive(Debug, Clone, Serialize)]
pub struct AttemptRow {
    /// The delivery.
    #[serde(flatten)]
    pub key: DeliveryKey,
    /// Number of the lease.
    #[serde(rename = "g")]
    pub generation: i64,
    /// The delivery's new state.
    #[serde(rename = "s")]
    pub state: &'static str,
    /// When it is next due, ms.
    #[serde(rename = "u")]
    pub due_ms: i64,
    /// When the delivery reached its final state, ms.
    #[serde(rename = "f")]
    pub finished_ms: Option<i64>,
    /// The bytes sent, if any.
    #[serde(rename = "b")]
    pub body: Option<String>,
    /// When the attempt began, ms.
    #[serde(rename = "a")]
    pub began_ms: i64,
    /// The URL of the request.
    #[serde(rename = "l")]
    pub url: String,
    /// The status of the answer.
    #[serde(rename = "c")]
    pub status: Option<u16>,
    /// Why there was no answer, or what was wrong with it, in words for the customer.
    #[serde(rename = "e")]
    pub error: Option<String>,
    /// The stored part of the answer.
    #[serde(rename = "r")]
    pub answer: Option<String>,
    /// Its duration, ms.
    #[serde(rename = "d")]
    pub duration_ms: i64,
}

/// An operational event that is stored only if settling makes it true.
#[derive(Debug, Serialize)]
pub struct OperationalEvent {
    /// Its message id.
    #[serde(rename = "i")]
    pub id: String,
    /// Its `ts`.
    #[serde(rename = "t")]
    pub ts: i64,
    /// Its name.
    #[serde(rename = "n")]
    pub name: &'static str,
    /// The subscription it is about.
    #[serde(rename = "w")]
    pub subscription: String,
    /// The delivery it is about.
    #[serde(rename = "k")]
    pub delivery: String,
    /// Its data.
    #[serde(rename = "d")]
    pub data: serde_json::Value,
}

/// The effect of settling on a subscription.
#[derive(Debug, Deserialize)]
pub struct ChangedSubscription {
    /// The subscription.
    pub id: String,
    /// When its open circuit allows a probe, ms.
    pub open_until: Option<i64>,
    /// 1 if settling closed its circuit, so that its held deliveries are released at once; else 0.
    pub release: i64,
}

/// The work that settling leaves.
#[derive(Debug)]
pub struct Settled {
    /// The subscriptions whose counters changed.
    pub subscriptions: Vec<ChangedSubscription>,
    /// Deliveries of operational events, to be woken.
    pub operational_events: Vec<DeliveryKey>,
}

/// Settles attempts in one batch. It writes the attempts and next states of the deliveries and the
/// counters of their subscriptions, and stores the operational events that result. An attempt whose
/// lease no longer holds writes nothing. Each try has another marker.
///
/// # Errors
/// D1's; the leases then run out and the deliveries are tried again.
pub async fn settle(
    db: &Db,
    company: &str,
    ended: &[AttemptRow],
    operational_events: &[OperationalEvent],
    stamp: ChangeStamp,
) -> Result<Settled> {
    // The first lease of a delivery has no attempt before its own.
    let has_earlier_attempts = ended.iter().any(|row| row.generation > 1);
    let ended = serde_json::to_string(ended)?;
    let (company, ended) = (company.into(), (&ended).into());
    let (marker, now) = (stamp.marker.into(), stamp.now_ms.into());
    let (opens_after, pause, longest) =
        (circuit::OPENS_AFTER.into(), circuit::PAUSE_MS_MIN.into(), circuit::PAUSE_MS_MAX.into());
    let mut batch = Batch::default();
    if has_earlier_attempts {
        batch.write(db.bind(sql::ATTEMPT_INSERT, &[company, ended])?);
    }
    batch.write(db.bind(sql::DELIVERY_SETTLE, &[company, ended, marker])?);
    let note = [company, ended, now, marker, opens_after, pause, longest];
    let noted = batch.read(db.bind(sql::SUBSCRIPTION_NOTE, &note)?);
    let mut woken = None;
    if !operational_events.is_empty() {
        let json = serde_json::to_string(operational_events)?;
        let ids = serde_json::to_string(&operational_events.iter().map(|n| &n.id).collect::<Vec<_>>())?;
        batch.write(db.bind(sql::NOTICE_INSERT, &[company, (&json).into(), marker, now])?);
        // Written as pending, because settling makes no attempts.
        let (server, nobody, none) = (Source::Server.into(), Param::Null, Param::Int(0));
        let outbox = [(&ids).into(), company, server, nobody, marker, now, none, "[]".into(), none];
        woken = Some(batch.read(db.bind(sql::DELIVERIES_INSERT, &outbox)?));
    }
    let answers = db.run_batch(batch).await?;
    let woken = woken.map(|woken| answers.rows(&woken)).transpose()?.unwrap_or_default();
    Ok(Settled { subscriptions: answers.rows(&noted)?, operational_events: woken })
}
