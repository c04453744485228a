//! Selects the deliveries that this invocation attempts: those that a request leased, those that
//! wake-ups name, and those that were replayed. They run after the answer or the queue batch, so
//! neither waits for a receiver.

use std::collections::BTreeMap;

use futures_util::future::join4;
use trackmate_wire::limits::{FULL_WAIT_S, TAIL_MS_MAX};
use worker::{Env, console_error};

use crate::delivery::attempt::{return_and_wake, return_leases, run};
use crate::delivery::wakeup::{self, Wakeup, WakeupTarget};
use crate::delivery::{concurrency, throttle};
use crate::runtime::clock::now_ms;
use crate::runtime::context::Context;
use crate::store;
use crate::store::deliveries::{self, DeliveryKey, Leased};
use crate::store::outbox::Outbox;
use crate::store::request::LeaseBudget;

/// How many deliveries of the company this invocation may lease for itself.
pub(crate) fn lease_budget<'a>(cx: &'a Context, company: &str) -> &'a LeaseBudget {
    cx.lease_budget_or(|| concurrency::lease_budget(cx.env(), company, cx.now_ms()))
}

/// Has the deliveries of a command dispatched once the answer is sent. The deliveries of a
/// company form one outbox, because an invocation attempts a bounded number.
pub(crate) fn schedule(cx: &Context) {
    for (company, outbox) in cx.take_outboxes() {
        if !outbox.is_empty() {
            cx.after_answer(self::outbox(cx.env().clone(), company, outbox));
        }
    }
}

/// Dispatches a request's outbox: attempts the leased deliveries and sends wake-ups for the others.
pub async fn outbox(env: Env, company: String, outbox: Outbox) {
    let delay_s =
        if outbox.pending.is_empty() || concurrency::has_capacity(&company, now_ms()) { 0 } else { FULL_WAIT_S };
    let pending: Vec<Wakeup> = outbox.pending.into_iter().map(|key| Wakeup::delivery(&company, key)).collect();
    let free_slots: Vec<Wakeup> = outbox.free_slots.into_iter().map(|id| Wakeup::subscription(&company, id)).collect();
    let mut leased = outbox.leased;
    let beyond = leased.split_off(leased.len().min(concurrency::attempts_max(&env)));
    join4(
        wakeup::send(&env, &pending, delay_s),
        wakeup::send(&env, &free_slots, 0),
        return_and_wake(&env, &company, beyond, 0),
        run(&env, &company, leased, now_ms() + TAIL_MS_MAX, 0),
    )
    .await;
}

/// Leases these deliveries and attempts them. Those above `ATTEMPTS_MAX` go to the queue.
pub async fn attempt_now(env: Env, company: String, mut keys: Vec<DeliveryKey>) {
    let later = keys.split_off(keys.len().min(concurrency::attempts_max(&env)));
    let wakeups: Vec<Wakeup> = later.into_iter().map(|key| Wakeup::delivery(&company, key)).collect();
    wakeup::send(&env, &wakeups, 0).await;
    let ends_ms = now_ms() + TAIL_MS_MAX;
    let leased = lease(&env, &company, &keys).await;
    run(&env, &company, leased, ends_ms, 0).await;
}

/// Handles wake-ups. Attempts go on after the batch, so a receiver that hangs does not block the
/// queue. A wake-up is sent again if this isolate has no capacity, unless a later sweep has sent a
/// new one.
pub async fn woken(env: &Env, worker: &worker::Context, wakeups: Vec<Wakeup>) {
    let mut companies: BTreeMap<String, Vec<Wakeup>> = BTreeMap::new();
    for wakeup in wakeups {
        companies.entry(wakeup.company.clone()).or_default().push(wakeup);
    }
    for (company, wakeups) in companies {
        if !concurrency::has_capacity(&company, now_ms()) {
            let again: Vec<Wakeup> = wakeups.into_iter().filter(|wakeup| !wakeup.is_superseded()).collect();
            wakeup::send(env, &again, FULL_WAIT_S).await;
            continue;
        }
        let ends_ms = now_ms() + TAIL_MS_MAX;
        // Of two wake-ups for a delivery, one that no sweep sent is kept: it is never superseded.
        let mut keys = Vec::new();
        let mut hints = BTreeMap::new();
        for wakeup in wakeups {
            match wakeup.target.clone() {
                WakeupTarget::Delivery(key) => {
                    keys.push(key.clone());
                    if wakeup.swept_ms.is_none() || !hints.contains_key(&key) {
                        hints.insert(key, wakeup);
                    }
                }
                WakeupTarget::Subscription(id) => {
                    let (env, company) = (env.clone(), company.clone());
                    worker.wait_until(async move { throttle::run_slots(&env, &company, &id, ends_ms).await });
                }
            }
        }
        let leased = lease(env, &company, &keys).await;
        let now = now_ms();
        let (busy, free): (Vec<_>, Vec<_>) =
            leased.into_iter().partition(|d| concurrency::is_busy(&company, &d.key.subscription, now));
        let again: Vec<Wakeup> =
            busy.iter().filter_map(|d| hints.remove(&d.key)).filter(|w| !w.is_superseded()).collect();
        if return_leases(env, &company, &busy).await {
            wakeup::send(env, &again, FULL_WAIT_S).await;
        }
        let env = env.clone();
        worker.wait_until(async move { run(&env, &company, free, ends_ms, 0).await });
    }
}

/// Leases those of these deliveries that are due. On an error it leases none; the sweep tries
/// again.
async fn lease(env: &Env, company: &str, keys: &[DeliveryKey]) -> Vec<Leased> {
    if keys.is_empty() {
        return Vec::new();
    }
    let leased = async { deliveries::lease(&store::database(env, Some(company))?, company, keys, now_ms()).await };
    match leased.await {
        Ok((leased, free_slots)) => {
            let wakeups: Vec<Wakeup> = free_slots.into_iter().map(|id| Wakeup::subscription(company, id)).collect();
            wakeup::send(env, &wakeups, 0).await;
            leased
        }
        Err(error) => {
            console_error!("{} deliveries were not leased: {}", keys.len(), store::brief(&error));
            Vec::new()
        }
    }
}
