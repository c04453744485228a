//! The sweep. It recovers deliveries without a wake-up ([`crate::delivery::recover`]) every minute
//! by cron, and when an isolate starts, which may be the restart after a crash. The cron's run also
//! cleans up: data of erased people, old secrets, logs, events and receipts, exports that died,
//! secrets from before they were sealed. Then it measures the gauges of the metrics, and at last it
//! counts past hours for statistics.
//!
//! Each step is bounded, serves the companies in turn, and does not stop the others if it fails.
//! Without the rebuilding of people (`store::rebuild`) and past hours, a run makes at most 41 calls
//! to D1 and eleven to Queues: the free plan allows 50 per invocation. Past hours have the calls
//! that are left.

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, join_all, join3, select};
use serde::{Deserialize, Serialize};
use trackmate_wire::limits::{
    AUDIT_DAYS, ERASE_SLICES_MAX, EXPORT_IDLE_MS, INCOMING_DAYS, LEASE_MS, START_DELIVERIES_MAX, START_TURN_MS,
    STATS_AHEAD_TRIPS_MAX, SWEEP_CELL_MS_MAX, SWEEP_CELLS_MAX, SWEEP_DELIVERIES_MAX,
};
use worker::{Delay, Env, console_error};

use crate::delivery::recover::{self, report};
use crate::domain::metrics::Measured;
use crate::jobs::{gauges, mover};
use crate::people::identity_key::lookup_key;
use crate::runtime::clock::now_ms;
use crate::runtime::queue::send_text;
use crate::runtime::{random, secrets};
use crate::store::stats::ahead;
use crate::store::subscriptions::{Plain, Sealed};
use crate::store::{
    self, Db, audit, cells, delivery_log, directory, erasures, exports, idempotency, incoming, progress, rebuild,
    retention, subscriptions,
};
use crate::vars::Vars;

const DAY_MS: i64 = 86_400_000;
/// Round trips that [`recover::run`] may take.
const RECOVER_TRIPS: usize = 16;

/// The run by cron. Cells are swept at the same time, and each has its own deadline, so that one
/// that is down or slow delays no other. An invocation sweeps a limited number of cells, and sends
/// a message for each of the others.
pub async fn run(env: &Env) {
    let cells = cells::all(env);
    if let [only] = &*cells {
        if let Some(db) = recover::opened(store::cell(env, only)) {
            let (_, ended) = sweep(env, &db, 1).await;
            if ended {
                count_ahead(env, &db, 1).await;
            }
        }
        return;
    }
    let (here, others) = cells.split_at(cells.len().min(SWEEP_CELLS_MAX));
    let sweeps = join_all(here.iter().map(|cell| sweep_in_time(env, cell, here.len())));
    let moves = async { report("a move", mover::resume(env).await) };
    join3(sweeps, order(env, others), moves).await;
}

/// A message of the delivery queue: a cell is to be swept.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    v: u8,
    w: String,
}

/// The cell that a message orders to sweep; `None` if it is another message.
#[must_use]
pub fn ordered(text: &str) -> Option<String> {
    serde_json::from_str(text).ok().filter(|order: &Order| order.v == 1).map(|order| order.w)
}

async fn order(env: &Env, others: &[Rc<str>]) {
    for cell in others {
        let sent = async {
            let text = serde_json::to_string(&Order { v: 1, w: cell.to_string() })?;
            send_text(env, "DELIVERIES", &text, 0).await
        };
        report(cell, sent.await);
    }
}

/// Sweeps the cells of these messages.
pub async fn ordered_cells(env: &Env, cells: &[String]) {
    let share = cells.len().max(2);
    join_all(cells.iter().map(|cell| sweep_in_time(env, cell, share))).await;
}

/// Sweeps a cell of a deployment with several. The directory keeps what was seen there. Counting
/// past hours has a limit of its own, and takes no part in the deadline.
async fn sweep_in_time(env: &Env, cell: &str, share: usize) {
    let Some(db) = recover::opened(store::cell(env, cell)) else { return };
    let swept = async {
        let (measured, ended) = sweep(env, &db, share).await;
        Ok((directory::look(&db, measured).await?, ended))
    };
    let deadline = Delay::from(Duration::from_millis(SWEEP_CELL_MS_MAX));
    let seen = match select(pin!(swept), deadline).await {
        Either::Left((seen, _)) => seen.map_err(|error: worker::Error| store::brief(&error)),
        Either::Right(_) => Err(format!("the sweep took longer than {SWEEP_CELL_MS_MAX} ms")),
    };
    if let Err(error) = &seen {
        console_error!("the sweep of {cell} failed: {error}");
    }
    let declared = directory::declared(env).remove(cell).unwrap_or_default();
    let noted = async {
        directory::note(
            &store::database(env, None)?,
            (cell, &declared),
            seen.as_ref().map(|(seen, _)| seen).map_err(String::as_str),
            now_ms(),
        )
        .await
    };
    report("the list of cells", noted.await);
    if seen.is_ok_and(|(_, ended)| ended) {
        count_ahead(env, &db, share).await;
    }
}

/// Sweeps a cell of a deployment with several, if `share` is more than 1. → What it measured, and
/// whether it swept all: not while a restore runs, or rows are being copied. These stay as they
/// are, and the next sweep of their cell goes on with them.
async fn sweep(env: &Env, db: &Db, share: usize) -> (Measured, bool) {
    let began_ms = now_ms();
    if !recover::run(env, db, SWEEP_DELIVERIES_MAX).await {
        return (Measured::default(), false);
    }
    if share > 1 && directory::has_move(db).await.unwrap_or(true) {
        return (gauges::run(env, db, began_ms).await, false);
    }
    let now = now_ms();
    let audited = now - AUDIT_DAYS * DAY_MS;
    report("people to be rebuilt", rebuild::sweep(db, now, lookup_key).await);
    report("erasures", erase(db).await);
    report("old secrets", subscriptions::expire_secrets(db, now).await);
    report("logs", delivery_log::prune(db, now).await);
    report("old events", retention::prune(db, now).await);
    report("exports that died", exports::abandon(db, now, now - EXPORT_IDLE_MS).await);
    report("the list of exports", exports::prune(db, audited).await);
    report("the audit log and idempotency keys", prune(db, audited, now).await);
    report("receipts", incoming::prune(db, now - INCOMING_DAYS * DAY_MS).await);
    report("sealing", seal(env, db).await);
    (gauges::run(env, db, began_ms).await, true)
}

/// Counts past hours, with this share of the round trips of an invocation. Last, because it takes
/// longest.
async fn count_ahead(env: &Env, db: &Db, share: usize) {
    let left = (Vars::of(env).count_slices_max / share).saturating_sub(db.cost().trips + RECOVER_TRIPS);
    report("past hours", ahead::run(db, left.min(STATS_AHEAD_TRIPS_MAX), random::number).await);
}

/// Deletes old entries of the audit log and old idempotency keys.
async fn prune(db: &Db, audited_ms: i64, now_ms: i64) -> store::Result<()> {
    db.batch(vec![audit::prune(db, audited_ms)?, idempotency::prune(db, now_ms)?]).await.map(drop)
}

/// The run of an isolate that has just started: once now, and once after the leases that a crash
/// may have left have run out. Of isolates that start at the same time, only one does it.
pub async fn start(env: Env) {
    recover_in_turn(&env).await;
    Delay::from(Duration::from_millis(u64::try_from(LEASE_MS).unwrap_or_default() + 250)).await;
    recover_in_turn(&env).await;
}

async fn recover_in_turn(env: &Env) {
    let turn = async { store::take_turn(&store::database(env, None)?, "start", now_ms(), START_TURN_MS).await };
    match turn.await {
        Ok(true) => {
            let recovered = |cell| async move {
                if let Some(db) = recover::opened(store::cell(env, cell)) {
                    recover::run(env, &db, START_DELIVERIES_MAX).await;
                }
            };
            join_all(cells::all(env).iter().take(SWEEP_CELLS_MAX).map(|cell| recovered(cell))).await;
        }
        Ok(false) => {}
        Err(error) => report("an isolate's start", Err(error)),
    }
}

/// Continues erasures that their requests did not finish, one slice of each in turn. One that fails
/// delays no other.
async fn erase(db: &Db) -> store::Result<()> {
    const JOB: &str = "erase";
    let last: String = progress::find(db, JOB).await?;
    let mut open: VecDeque<_> = erasures::open(db, &last).await?.into();
    let mut served = None;
    let mut slices = 0;
    while slices < ERASE_SLICES_MAX {
        let Some(erasure) = open.pop_front() else { break };
        served = Some(erasure.company.clone());
        match erasures::slice(db, &erasure.company, &erasure.profile, now_ms()).await {
            Ok(more) => {
                slices += 1;
                if more {
                    open.push_back(erasure);
                }
            }
            Err(error) => report("an erasure", Err(error)),
        }
    }
    if let Some(company) = served {
        db.batch(vec![progress::set(db, JOB, &company)?]).await?;
    }
    Ok(())
}

/// Seals secrets that were stored before secrets were sealed. One that cannot be read delays no
/// other.
async fn seal(env: &Env, db: &Db) -> store::Result<()> {
    let Some(vault) = secrets::of(env) else { return Ok(()) };
    let sealed = |plain: &Plain| -> store::Result<Sealed> {
        let owner = secrets::owner(&plain.company, &plain.id);
        // A value that is sealed already stays as it is: a rotated secret, a header set since.
        let seal = |value: &str| match vault.open(&owner, value) {
            Ok(open) if open == value => vault.seal(&owner, value, random::bytes()),
            Ok(_) | Err(_) => value.to_owned(),
        };
        let headers: BTreeMap<String, String> = serde_json::from_str(&plain.headers)?;
        let headers: BTreeMap<_, _> = headers.into_iter().map(|(name, value)| (name, seal(&value))).collect();
        Ok(Sealed {
            secret: seal(&plain.secret),
            old_secret: plain.old_secret.as_deref().map(seal),
            headers: serde_json::to_string(&headers)?,
        })
    };
    let mut all = Vec::new();
    for plain in subscriptions::plain(db).await? {
        match sealed(&plain) {
            Ok(sealed) => all.push((plain, sealed)),
            Err(error) => report("a webhook's headers", Err(error)),
        }
    }
    subscriptions::seal(db, &all).await
}
