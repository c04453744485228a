//! Metrics in D1: the counters that isolates add to, the gauges of the sweep, and the state of the
//! operator's alerts. Each is one row of `progress`. Takes no company: metrics are about the whole
//! deployment.

use serde::Deserialize;
use trackmate_wire::limits::{METRICS_ROWS_MAX, SWEEP_SUBSCRIPTIONS_MAX};

use super::{Db, Result, progress, sql};
use crate::domain::alerts::State;
use crate::domain::metrics::{Counts, Gauges, Measured};

/// The row of the alerts' state.
const ALERTS: &str = "alerts";
/// The row of the gauges.
const GAUGES: &str = "gauges";

/// Adds what an isolate counted.
///
/// # Errors
/// D1's.
pub async fn add(db: &Db, counts: &Counts) -> Result<()> {
    db.run(sql::METRICS_ADD, &[(&serde_json::to_string(counts)?).into()]).await?;
    Ok(())
}

/// Measures. → The gauges, and whether they are exact. Each count examines at most
/// `METRICS_ROWS_MAX` rows, and `SWEEP_SUBSCRIPTIONS_MAX` webhooks.
///
/// # Errors
/// D1's.
pub async fn measure(db: &Db, now_ms: i64) -> Result<(Measured, bool)> {
    let params = [now_ms.into(), METRICS_ROWS_MAX.into(), "".into(), "".into(), SWEEP_SUBSCRIPTIONS_MAX.into()];
    let measured: Measured = db.run(sql::METRICS_MEASURE, &params).await?.first()?.unwrap_or_default();
    let Measured { pending, leased, held, paced, webhooks, .. } = measured;
    let is_exact = [pending + leased, held, paced].iter().all(|n| *n < METRICS_ROWS_MAX);
    Ok((measured, is_exact && webhooks < SWEEP_SUBSCRIPTIONS_MAX))
}

/// Stores the gauges of a run of the sweep, and the state of the operator's alerts, if there is
/// any.
///
/// # Errors
/// D1's.
pub async fn set(db: &Db, gauges: &Gauges, alerts: Option<&State>) -> Result<()> {
    let mut statements = vec![progress::set(db, GAUGES, gauges)?];
    if let Some(alerts) = alerts {
        statements.push(progress::set(db, ALERTS, alerts)?);
    }
    db.batch(statements).await?;
    Ok(())
}

/// What is stored.
#[derive(Debug, Default)]
pub struct Stored {
    /// The sums of what isolates counted.
    pub counts: Counts,
    /// What the last run of the sweep measured; `None` before the first.
    pub gauges: Option<Gauges>,
    /// The state of the operator's alerts.
    pub alerts: State,
}

#[derive(Deserialize)]
struct Row {
    job: String,
    place: String,
}

/// Reads what is stored.
///
/// # Errors
/// D1's.
pub async fn find(db: &Db) -> Result<Stored> {
    let mut stored = Stored::default();
    for Row { job, place } in db.run(sql::METRICS_FIND, &[]).await?.rows()? {
        match job.as_str() {
            GAUGES => stored.gauges = serde_json::from_str(&place).ok(),
            ALERTS => stored.alerts = serde_json::from_str(&place).unwrap_or_default(),
            _ => stored.counts = serde_json::from_str(&place).unwrap_or_default(),
        }
    }
    Ok(stored)
}
