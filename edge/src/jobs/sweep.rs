//! The sweep. `recover` finds what has no wake-up left: what is due, whatever an invocation that died left leased, what was held for a subscription that
//! takes deliveries again. It runs every minute by cron and when an isolate starts, for that may be the restart after a crash. `run` also tidies:
//! what erased people left, old secrets, old logs, old events, old receipts, exports that died, secrets from before they were sealed.

use trackmate_wire::limits::{
    AUDIT_DAYS, ERASE_SLICES_MAX, EXPORT_IDLE_MS, INCOMING_DAYS, LEASE_MS, START_DELIVERIES_MAX, START_TURN_MS,
    SWEEP_DELIVERIES_MAX,
};
use worker::{Delay, Env, console_error};

use super::wake::{self, Wake};
use crate::http::{lookup_key, now_ms};
use crate::store::{
    self, audit, deliveries, delivery_log, erasures, exports, incoming, rebuild, retention, subscriptions,
};
use crate::{entropy, vault};

/// The cron's run. What it does not get to is older at the next run and comes first then.
pub async fn run(env: &Env) {
    recover(env, SWEEP_DELIVERIES_MAX).await;
    report(rebuild(env).await);
    report(erase(env).await);
    report(tidy(env).await);
}

/// The run of an isolate that has just started: at once, and again when whatever a crash left leased has run out. Of many that start at a time, one does it.
pub async fn start(env: Env) {
    recover_in_turn(&env).await;
    Delay::from(std::time::Duration::from_millis(u64::try_from(LEASE_MS).unwrap_or_default() + 250)).await;
    recover_in_turn(&env).await;
}

async fn recover_in_turn(env: &Env) {
    let turn = async { store::take_turn(&store::database(env, None)?, "start", now_ms(), START_TURN_MS).await };
    match turn.await {
        Ok(true) => recover(env, START_DELIVERIES_MAX).await,
        Ok(false) => {}
        Err(error) => report(Err(error)),
    }
}

/// Wakes what has no wake-up left, `most` deliveries at the most.
pub async fn recover(env: &Env, most: usize) {
    report(try_recover(env, most).await);
}

fn report(swept: store::Result<()>) {
    if let Err(error) = swept {
        console_error!("the sweep failed: {}", store::brief(&error));
    }
}

async fn try_recover(env: &Env, most: usize) -> store::Result<()> {
    let db = store::database(env, None)?;
    let now = now_ms();
    deliveries::release(&db, now).await?;
    deliveries::abandon(&db, now).await?;
    let due = deliveries::due(&db, now, i64::try_from(most).unwrap_or(i64::MAX)).await?;
    let mut wakes: Vec<Wake> = due.into_iter().map(|d| Wake::delivery(&d.company, d.id)).collect();
    let paced = deliveries::paced(&db, now).await?;
    wakes.extend(paced.into_iter().map(|s| Wake::subscription(&s.company, s.id)));
    wake::send(env, &wakes, 0).await;
    Ok(())
}

/// Goes on with people who are being rebuilt.
async fn rebuild(env: &Env) -> store::Result<()> {
    rebuild::sweep(&store::database(env, None)?, now_ms(), lookup_key).await
}

/// Goes on with erasures that their requests did not finish. One that fails does not hold up the others.
async fn erase(env: &Env) -> store::Result<()> {
    let db = store::database(env, None)?;
    let mut slices = 0;
    for erasure in erasures::open(&db).await? {
        while slices < ERASE_SLICES_MAX {
            slices += 1;
            match erasures::slice(&db, &erasure.company, &erasure.profile, now_ms()).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    report(Err(error));
                    break;
                }
            }
        }
    }
    Ok(())
}

async fn tidy(env: &Env) -> store::Result<()> {
    let db = store::database(env, None)?;
    let now = now_ms();
    subscriptions::expire_secrets(&db, now).await?;
    delivery_log::prune(&db, now).await?;
    retention::prune(&db, now).await?;
    exports::abandon(&db, now, now - EXPORT_IDLE_MS).await?;
    let before = now - AUDIT_DAYS * 86_400_000;
    exports::prune(&db, before).await?;
    audit::prune(&db, before).await?;
    incoming::prune(&db, now - INCOMING_DAYS * 86_400_000).await?;
    let Some(vault) = vault::of(env) else { return Ok(()) };
    for plain in subscriptions::plain(&db).await? {
        let owner = vault::owner(&plain.company, &plain.id);
        // What is sealed already stays as it is: a secret that was rotated, a header that was set since.
        let seal = |value: &str| match vault.open(&owner, value) {
            Ok(open) if open == value => vault.seal(&owner, value, entropy::bytes()),
            Ok(_) | Err(_) => value.to_owned(),
        };
        let headers: std::collections::BTreeMap<String, String> = serde_json::from_str(&plain.headers)?;
        let headers: std::collections::BTreeMap<_, _> = headers.into_iter().map(|(n, v)| (n, seal(&v))).collect();
        let old_secret = plain.old_secret.as_deref().map(seal);
        let headers = serde_json::to_string(&headers)?;
        subscriptions::seal(&db, &plain, &seal(&plain.secret), old_secret.as_deref(), &headers).await?;
    }
    Ok(())
}
