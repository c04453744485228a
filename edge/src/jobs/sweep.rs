//! The sweep: wakes up what is due and whatever an invocation that died left leased. Runs every minute by cron.

use trackmate_wire::limits::SWEEP_DELIVERIES_MAX;
use worker::{Env, console_error};

use super::wake::{self, Wake};
use crate::http::now_ms;
use crate::store::{self, deliveries};

/// One run. What it does not get to is older at the next run and comes first then.
pub async fn run(env: &Env) {
    let due = async {
        let db = store::database(env, None)?;
        deliveries::due(&db, now_ms(), i64::try_from(SWEEP_DELIVERIES_MAX).unwrap_or(i64::MAX)).await
    };
    match due.await {
        Ok(due) => {
            let wakes: Vec<Wake> = due.into_iter().map(|d| Wake::new(d.company, d.id)).collect();
            wake::send(env, &wakes, 0).await;
        }
        Err(error) => console_error!("the sweep failed: {}", error.to_string().lines().next().unwrap_or_default()),
    }
}
