//! Finds deliveries that have no wake-up left: what is due, whatever an invocation that died left
//! leased, and what was held for a subscription that takes deliveries again.

use trackmate_wire::limits::SWEEP_DELIVERIES_MAX;
use worker::{Env, console_error};

use crate::delivery::wakeup::{self, Wake};
use crate::runtime::clock::now_ms;
use crate::runtime::context::Context;
use crate::store::{self, Db, deliveries, progress};

/// Does that once the answer is on its way: what is too much for one run, the sweep goes on with.
pub(crate) fn after_answer(cx: &Context) {
    let env = cx.env().clone();
    cx.after_answer(async move { run(&env, SWEEP_DELIVERIES_MAX).await });
}

/// Wakes what has no wake-up left, `most` deliveries at the most.
pub async fn run(env: &Env, most: usize) {
    let Some(db) = database(env) else { return };
    report("held deliveries", deliveries::release(&db, now_ms()).await);
    report("due deliveries", wake_due(env, &db, most).await);
    report("turns", wake_paced(env, &db).await);
}

pub(crate) fn database(env: &Env) -> Option<Db> {
    let db = store::database(env, None);
    report("everything", db.as_ref().map(|_| ()).map_err(|error| worker::Error::RustError(error.to_string())));
    db.ok()
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
    let wakes: Vec<Wake> = due.into_iter().map(|d| Wake::delivery(&d.company, d.id).swept(now)).collect();
    wakeup::send(env, &wakes, 0).await;
    if place != from {
        db.batch(vec![progress::set(db, JOB, &place)?]).await?;
    }
    Ok(())
}

async fn wake_paced(env: &Env, db: &Db) -> store::Result<()> {
    let now = now_ms();
    let paced = deliveries::paced(db, now).await?;
    let wakes: Vec<Wake> = paced.into_iter().map(|s| Wake::subscription(&s.company, s.id).swept(now)).collect();
    wakeup::send(env, &wakes, 0).await;
    Ok(())
}
