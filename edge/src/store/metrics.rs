//! Metrics in D1: the counters that isolates add to, and the gauges of the sweep. Each is one row
//! of `progress`. Takes no company: metrics are about the whole deployment.

use serde::Deserialize;
use trackmate_wire::limits::{METRICS_ROWS_MAX, SWEEP_SUBSCRIPTIONS_MAX};

use super::{Db, Result, progress, sql};
use crate::domain::metrics::{Counts, Gauges, Measured};

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

/// Stores the gauges of a run of the sweep.
///
/// # Errors
/// D1's.
pub async fn set(db: &Db, gauges: &Gauges) -> Result<()> {
    db.batch(vec![progress::set(db, GAUGES, gauges)?]).await?;
    Ok(())
}

#[derive(Deserialize)]
struct Row {
    job: String,
    place: String,
}

/// Reads the counters and the gauges. `None` before the first run of the sweep.
///
/// # Errors
/// D1's.
pub async fn find(db: &Db) -> Result<(Counts, Option<Gauges>)> {
    let (mut counts, mut gauges) = (Counts::new(), None);
    for Row { job, place } in db.run(sql::METRICS_FIND, &[]).await?.rows()? {
        if job == GAUGES {
            gauges = serde_json::from_str(&place).ok();
        } else {
            counts = serde_json::from_str(&place).unwrap_or_default();
        }
    }
    Ok((counts, gauges))
}
