//! Which deliveries this invocation attempts: those that a request leased, those that wake-ups
//! name, and those that were set going again. They run behind an answer or a batch of the queue, so
//! neither waits for a receiver.

use std::collections::BTreeMap;

use futures_util::future::join4;
use trackmate_wire::limits::{FULL_WAIT_S, TAIL_MS_MAX};
use worker::{Env, console_error};

use crate::delivery::attempt::{give_back, release, run};
use crate::delivery::wakeup::{self, Wake, What};
use crate::delivery::{concurrency, throttle};
use crate::runtime::clock::now_ms;
use crate::runtime::context::Context;
use crate::store;
use crate::store::deliveries::{self, Leased};
use crate::store::outbox::Outbox;
use crate::store::request::Room;

/// How many deliveries of the company this invocation may lease for itself.
pub(crate) fn lease_budget<'a>(cx: &'a Context, company: &str) -> &'a Room {
    cx.room_or(|| concurrency::room(cx.env(), company))
}

/// Has the deliveries that a command has emitted go out once the answer is on its way. Those of one
/// company go as one outbox, for what an invocation attempts itself has a bound.
pub(crate) fn after_answer(cx: &Context) {
    for (company, outbox) in cx.take_outboxes() {
        if !outbox.is_empty() {
            cx.after_answer(self::outbox(cx.env().clone(), company, outbox));
        }
    }
}

/// What a request's outbox needs once the answer is on its way: attempts at what is leased,
/// wake-ups for the rest.
pub async fn outbox(env: Env, company: String, outbox: Outbox) {
    let delay_s = if outbox.pending.is_empty() || concurrency::has_room(&company) { 0 } else { FULL_WAIT_S };
    let pending: Vec<Wake> = outbox.pending.into_iter().map(|id| Wake::delivery(&company, id)).collect();
    let paced: Vec<Wake> = outbox.paced.into_iter().map(|id| Wake::subscription(&company, id)).collect();
    let mut leased = outbox.leased;
    let beyond = leased.split_off(leased.len().min(concurrency::attempts_max(&env)));
    join4(
        wakeup::send(&env, &pending, delay_s),
        wakeup::send(&env, &paced, 0),
        give_back(&env, &company, beyond, 0),
        run(&env, &company, leased, now_ms() + TAIL_MS_MAX, 0),
    )
    .await;
}

/// Claims these deliveries and attempts them behind an answer that is on its way; the queue takes
/// what is more than an invocation affords.
pub async fn first(env: Env, company: String, mut ids: Vec<String>) {
    let later = ids.split_off(ids.len().min(concurrency::attempts_max(&env)));
    let wakes: Vec<Wake> = later.into_iter().map(|id| Wake::delivery(&company, id)).collect();
    wakeup::send(&env, &wakes, 0).await;
    let ends_ms = now_ms() + TAIL_MS_MAX;
    let leased = claim(&env, &company, &ids).await;
    run(&env, &company, leased, ends_ms, 0).await;
}

/// Does what wake-ups say. Attempts go on behind the batch, so a receiver that hangs does not hold
/// the queue. What finds no room in this isolate comes again, unless a later sweep has woken it
/// again already.
pub async fn woken(env: &Env, worker: &worker::Context, wakes: Vec<Wake>) {
    let mut companies: BTreeMap<String, Vec<Wake>> = BTreeMap::new();
    for wake in wakes {
        companies.entry(wake.company.clone()).or_default().push(wake);
    }
    for (company, wakes) in companies {
        if !concurrency::has_room(&company) {
            let again: Vec<Wake> = wakes.into_iter().filter(|wake| !wake.is_superseded()).collect();
            wakeup::send(env, &again, FULL_WAIT_S).await;
            continue;
        }
        let ends_ms = now_ms() + TAIL_MS_MAX;
        let mut ids = Vec::new();
        let mut hints = BTreeMap::new();
        for wake in wakes {
            match wake.what.clone() {
                What::Delivery(id) => {
                    ids.push(id.clone());
                    if wake.swept_ms.is_none() || !hints.contains_key(&id) {
                        hints.insert(id, wake);
                    }
                }
                What::Subscription(id) => {
                    let (env, company) = (env.clone(), company.clone());
                    worker.wait_until(async move { throttle::turns(&env, &company, &id, ends_ms).await });
                }
            }
        }
        let leased = claim(env, &company, &ids).await;
        let (busy, free): (Vec<_>, Vec<_>) =
            leased.into_iter().partition(|d| concurrency::is_busy(&company, &d.subscription));
        let again: Vec<Wake> = busy.iter().filter_map(|d| hints.remove(&d.id)).filter(|w| !w.is_superseded()).collect();
        if release(env, &company, &busy).await {
            wakeup::send(env, &again, FULL_WAIT_S).await;
        }
        let env = env.clone();
        worker.wait_until(async move { run(&env, &company, free, ends_ms, 0).await });
    }
}

/// Claims what is due. Never fails: the sweep tries again.
async fn claim(env: &Env, company: &str, ids: &[String]) -> Vec<Leased> {
    if ids.is_empty() {
        return Vec::new();
    }
    let claimed = async { deliveries::claim(&store::database(env, Some(company))?, company, ids, now_ms()).await };
    match claimed.await {
        Ok((leased, paced)) => {
            let wakes: Vec<Wake> = paced.into_iter().map(|id| Wake::subscription(company, id)).collect();
            wakeup::send(env, &wakes, 0).await;
            leased
        }
        Err(error) => {
            console_error!("{} deliveries were not claimed: {}", ids.len(), store::brief(&error));
            Vec::new()
        }
    }
}
