//! Finds deliveries without a wake-up: those that are due, those that a crashed invocation left
//! leased, and those held for a subscription that takes deliveries again.

use trackmate_wire::limits::{RESTORE_IDLE_MS, SWEEP_DELIVERIES_MAX};
use worker::{Env, console_error};

use crate::delivery::wakeup::{self, Wakeup};
use crate::runtime::clock::now_ms;
use crate::runtime::context::Context;
use crate::store::{self, Db, backup, deliveries, progress};

/// Has the recovery run once the answer is sent, in the cell of this company. The sweep does what
/// is too much for one run.
pub(crate) fn schedule(cx: &Context, company: &str) {
    let (env, company) = (cx.env().clone(), company.to_owned());
    cx.after_answer(async move { of_company(&env, &company).await });
}

/// The recovery in the cell of this company.
pub(crate) async fn of_company(env: &Env, company: &str) {
    if let Some(db) = opened(store::database(env, Some(company))) {
        run(env, &db, SWEEP_DELIVERIES_MAX).await;
    }
}

/// Sends wake-ups for at most `most` deliveries of a cell. A failed step is logged, the others
/// still run. → Whether it ran: it does not while a restore runs.
pub async fn run(env: &Env, db: &Db, most: usize) -> bool {
    if is_restoring(db).await {
        return false;
    }
    report("held deliveries", deliveries::release(db, now_ms()).await);
    report("due deliveries", wake_due(env, db, most).await);
    report("throttle slots", wake_free_slots(env, db).await);
    true
}

/// Whether a restore runs. Until it ends, deliveries may be stored without their webhooks. One that
/// was left unfinished holds nobody up: no batch has come for some time.
async fn is_restoring(db: &Db) -> bool {
    match backup::running(db).await {
        Ok(restore) => restore.is_some_and(|restore| now_ms() - restore.active_at < RESTORE_IDLE_MS),
        Err(error) => {
            report("restores", Err(error));
            true
        }
    }
}

/// A database; `None`, which is logged, if there is no binding.
pub(crate) fn opened(db: store::Result<Db>) -> Option<Db> {
    db.inspect_err(|error| console_error!("the sweep of everything failed: {}", store::brief(error))).ok()
}

pub(crate) fn report(what: &str, swept: store::Result<()>) {
    if let Err(error) = swept {
        console_error!("the sweep of {what} failed: {}", store::brief(&error));
    }
}

async fn wake_due(env: &Env, db: &Db, most: usize) -> store::Result<()> {
    const JOB: &str = "wake deliveries";
    let from: deliveries::Place = progress::find(db, JOB).await?;
    let now = now_ms();
    let (due, place) = deliveries::due(db, now, i64::try_from(most).unwrap_or(i64::MAX), &from).await?;
    let wakeups: Vec<Wakeup> = due.into_iter().map(|d| Wakeup::delivery(&d.company, d.key).swept(now)).collect();
    wakeup::send(env, &wakeups, 0).await;
    if place != from {
        db.batch(vec![progress::set(db, JOB, &place)?]).await?;
    }
    Ok(())
}

async fn wake_free_slots(env: &Env, db: &Db) -> store::Result<()> {
    let now = now_ms();
    let free_slots = deliveries::free_slots(db, now).await?;
    let wakeups: Vec<Wakeup> =
        free_slots.into_iter().map(|s| Wakeup::subscription(&s.company, s.id).swept(now)).collect();
    wakeup::send(env, &wakeups, 0).await;
    Ok(())
}
