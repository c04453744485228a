//! What the sweep measures once a minute for the metrics: deliveries that have not ended, open
//! circuits, the size of the database.

use worker::Env;

use crate::domain::metrics::Gauges;
use crate::runtime::clock::now_ms;
use crate::runtime::counters;
use crate::store::{self, Db, metrics};

/// Measures, and stores the gauges of a run that began at this time, ms.
pub(crate) async fn run(env: &Env, db: &Db, began_ms: i64) -> store::Result<()> {
    counters::write(env).await;
    let now = now_ms();
    let (measured, exact) = metrics::measure(db, now).await?;
    metrics::set(db, &Gauges { at: now, took_ms: now - began_ms, measured, exact, bytes: db.bytes() }).await
}
