//! Writing the results of attempts: the log, the deliveries, their subscriptions, and the
//! operational events that follow.

use serde::{Deserialize, Serialize};

use super::{Batch, Db, Param, Result, sql};
use crate::domain::circuit;

/// What an attempt leaves behind, as an item of the settling's JSON parameter.
#[derive(Debug, Clone, Serialize)]
pub struct AttemptRow {
    /// The delivery.
    #[serde(rename = "i")]
    pub id: String,
    /// The claim.
    #[serde(rename = "g")]
    pub generation: i64,
    /// The delivery's new state.
    #[serde(rename = "s")]
    pub state: &'static str,
    /// When it is next due, ms.
    #[serde(rename = "u")]
    pub due_ms: i64,
    /// When it ended for good, ms.
    #[serde(rename = "f")]
    pub finished_ms: Option<i64>,
    /// The bytes sent, if any.
    #[serde(rename = "b")]
    pub body: Option<String>,
    /// When the attempt began, ms.
    #[serde(rename = "a")]
    pub began_ms: i64,
    /// Where it went.
    #[serde(rename = "l")]
    pub url: String,
    /// The answer's status.
    #[serde(rename = "c")]
    pub status: Option<u16>,
    /// Why there was none, or what was wrong with it, in the customer's words.
    #[serde(rename = "e")]
    pub error: Option<String>,
    /// What was kept of the answer.
    #[serde(rename = "r")]
    pub answer: Option<String>,
    /// How long it took, ms.
    #[serde(rename = "d")]
    pub duration_ms: i64,
}

/// An operational event that is stored if the settling makes it true.
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

/// What a settling meant for a subscription.
#[derive(Debug, Deserialize)]
pub struct ChangedSubscription {
    /// The subscription.
    pub id: String,
    /// When its open circuit takes a probe, ms.
    pub open_until: Option<i64>,
    /// Whether this settling closed its circuit, so that what is held for it moves on at once, 0 or
    /// 1.
    pub release: i64,
}

/// What a settling left to do.
#[derive(Debug)]
pub struct Settled {
    /// The subscriptions it noted.
    pub subscriptions: Vec<ChangedSubscription>,
    /// Deliveries of operational events, to be woken.
    pub operational_events: Vec<String>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

/// Logs attempts, moves their deliveries on, notes them on their subscriptions and stores what
/// operational events that makes true: one batch. An attempt whose claim does not hold any more
/// leaves nothing. `number` marks what this settling wrote; each try has its own.
///
/// # Errors
/// D1's; the leases then run out and the deliveries are tried again.
pub async fn settle(
    db: &Db,
    company: &str,
    ended: &[AttemptRow],
    operational_events: &[OperationalEvent],
    number: i64,
    now_ms: i64,
) -> Result<Settled> {
    let ended = serde_json::to_string(ended)?;
    let (company, ended, now, number) = (company.into(), (&ended).into(), now_ms.into(), number.into());
    let (opens_after, pause, longest) =
        (circuit::OPENS_AFTER.into(), circuit::PAUSE_MS_MIN.into(), circuit::PAUSE_MS_MAX.into());
    let mut batch = Batch::default();
    batch.write(db.bind(sql::ATTEMPT_INSERT, &[company, ended])?);
    batch.write(db.bind(sql::DELIVERY_SETTLE, &[company, ended, number])?);
    let note = [company, ended, now, number, opens_after, pause, longest];
    let noted = batch.read(db.bind(sql::SUBSCRIPTION_NOTE, &note)?);
    let mut woken = None;
    if !operational_events.is_empty() {
        let json = serde_json::to_string(operational_events)?;
        let ids = serde_json::to_string(&operational_events.iter().map(|n| &n.id).collect::<Vec<_>>())?;
        batch.write(db.bind(sql::NOTICE_INSERT, &[company, (&json).into(), number, now])?);
        // Written as pending: the settling attempts nothing itself.
        let (server, nobody, none) = (1.into(), Param::Null, Param::Int(0));
        let outbox = [(&ids).into(), company, server, nobody, number, now, none, "[]".into(), none];
        woken = Some(batch.read::<Id>(db.bind(sql::DELIVERIES_INSERT, &outbox)?));
    }
    let answers = db.run_batch(batch).await?;
    let woken = woken.map(|woken| answers.rows(&woken)).transpose()?.unwrap_or_default();
    Ok(Settled {
        subscriptions: answers.rows(&noted)?,
        operational_events: woken.into_iter().map(|row| row.id).collect(),
    })
}
