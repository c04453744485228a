//! What the sweep measures once a minute: the gauges of the metrics, and from them the alerts for
//! the operator.

use worker::Env;

use crate::delivery::operator_webhook::OperatorWebhook;
use crate::domain::alerts::{Situation, State};
use crate::domain::metrics::{Gauges, LOST};
use crate::runtime::clock::now_ms;
use crate::runtime::counters;
use crate::store::{self, Db, metrics};

/// Measures, sends the alerts that are due, and stores the gauges of a run that began at this time,
/// ms.
pub(crate) async fn run(env: &Env, db: &Db, began_ms: i64) -> store::Result<()> {
    counters::write(env).await;
    let now = now_ms();
    let (measured, exact) = metrics::measure(db, now).await?;
    let gauges = Gauges { at: now, took_ms: now - began_ms, measured, exact, bytes: db.bytes() };
    let alerts = match OperatorWebhook::of(env) {
        Some(webhook) => Some(alert(env, db, &webhook, now).await?),
        None => None,
    };
    metrics::set(db, &gauges, alerts.as_ref()).await
}

/// Sends the alerts that are due. → What was sent so far.
async fn alert(env: &Env, db: &Db, webhook: &OperatorWebhook, now: i64) -> store::Result<State> {
    let metrics::Stored { counts, gauges, mut alerts } = metrics::find(db).await?;
    let lost = LOST.count(&counts);
    let situation = Situation { bytes: (db.bytes(), db.bytes_max()), last_run: gauges.map(|gauges| gauges.at), lost };
    for due in alerts.due(&situation, now) {
        let is_received = webhook.send(env, &due, now).await;
        alerts.note(&due, is_received, now);
    }
    Ok(alerts)
}
