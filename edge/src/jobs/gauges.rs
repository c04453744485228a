//! What the sweep measures once a minute: the gauges of the metrics, and from them the alerts for
//! the operator.

use worker::Env;

use crate::delivery::operator_webhook::OperatorWebhook;
use crate::delivery::recover::report;
use crate::domain::alerts::{Situation, State};
use crate::domain::metrics::{Gauges, LOST, Measured};
use crate::runtime::clock::now_ms;
use crate::runtime::counters;
use crate::store::{self, Db, cells, directory, metrics};

/// Measures a cell. In the first one it also sends the alerts that are due, and stores the gauges
/// of a run that began at this time, ms. → What it measured.
pub(crate) async fn run(env: &Env, db: &Db, began_ms: i64) -> Measured {
    let measured = async {
        let (measured, exact) = metrics::measure(db, now_ms()).await?;
        if db.is_directory() {
            store(env, db, (measured, exact), began_ms).await?;
        }
        Ok(measured)
    };
    let measured: store::Result<Measured> = measured.await;
    measured.unwrap_or_else(|error| {
        report("metrics", Err(error));
        Measured::default()
    })
}

/// Stores the gauges of the deployment: those of the first cell, and what the sweeps of the others
/// measured last.
async fn store(env: &Env, db: &Db, (measured, exact): (Measured, bool), began_ms: i64) -> store::Result<()> {
    counters::write(env).await;
    let (others, bytes) = match cells::all(env).len() {
        1 => (Measured::default(), 0),
        _ => directory::others(db).await?,
    };
    let now = now_ms();
    let bytes = bytes.max(db.bytes());
    let gauges = Gauges { at: now, took_ms: now - began_ms, measured: measured.plus(others), exact, bytes };
    let alerts = match OperatorWebhook::of(env) {
        Some(webhook) => Some(alert(env, db, &webhook, (now, bytes)).await?),
        None => None,
    };
    metrics::set(db, &gauges, alerts.as_ref()).await
}

/// Sends the alerts that are due. → What was sent so far.
async fn alert(env: &Env, db: &Db, webhook: &OperatorWebhook, (now, bytes): (i64, i64)) -> store::Result<State> {
    let metrics::Stored { counts, gauges, mut alerts } = metrics::find(db).await?;
    let lost = LOST.count(&counts);
    let situation = Situation { bytes: (bytes, db.bytes_max()), last_run: gauges.map(|gauges| gauges.at), lost };
    for due in alerts.due(&situation, now) {
        let is_received = webhook.send(env, &due, now).await;
        alerts.note(&due, is_received, now);
    }
    Ok(alerts)
}
