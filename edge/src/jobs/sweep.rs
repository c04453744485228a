//! The sweep: wakes up what is due and whatever an invocation that died left leased, moves on what was held for a subscription that is on again,
//! and erases old secrets whose grace is over. Runs every minute by cron.

use trackmate_wire::limits::SWEEP_DELIVERIES_MAX;
use worker::{Env, console_error};

use super::wake::{self, Wake};
use crate::http::now_ms;
use crate::store::{self, deliveries, subscriptions};

/// One run. What it does not get to is older at the next run and comes first then.
pub async fn run(env: &Env) {
    if let Err(error) = try_run(env).await {
        console_error!("the sweep failed: {}", error.to_string().lines().next().unwrap_or_default());
    }
}

async fn try_run(env: &Env) -> store::Result<()> {
    let db = store::database(env, None)?;
    let now = now_ms();
    deliveries::release(&db, now).await?;
    let due = deliveries::due(&db, now, i64::try_from(SWEEP_DELIVERIES_MAX).unwrap_or(i64::MAX)).await?;
    let wakes: Vec<Wake> = due.into_iter().map(|d| Wake::new(d.company, d.id)).collect();
    wake::send(env, &wakes, 0).await;
    subscriptions::expire_secrets(&db, now).await
}
