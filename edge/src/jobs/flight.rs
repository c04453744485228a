//! What is under way in this isolate. A receiver that hangs holds memory and connections for as long as its timeout; beyond a bound, its further
//! deliveries wait in D1 instead.

use std::cell::RefCell;
use std::collections::BTreeMap;

use trackmate_wire::limits::{ATTEMPTS_MAX, IN_FLIGHT_MAX, IN_FLIGHT_SUBSCRIPTION_MAX};
use worker::Env;

use crate::store::ingest::Room;

thread_local! {
    /// Attempts under way by subscription.
    static ATTEMPTS: RefCell<BTreeMap<String, u32>> = const { RefCell::new(BTreeMap::new()) };
}

/// An attempt under way; dropping it ends it.
#[derive(Debug)]
pub struct Attempt(String);

/// Notes an attempt at a subscription.
#[must_use]
pub fn begin(subscription: &str) -> Attempt {
    ATTEMPTS.with_borrow_mut(|attempts| *attempts.entry(subscription.to_owned()).or_default() += 1);
    Attempt(subscription.to_owned())
}

impl Drop for Attempt {
    fn drop(&mut self) {
        ATTEMPTS.with_borrow_mut(|attempts| match attempts.get_mut(&self.0) {
            Some(n) if *n > 1 => *n -= 1,
            Some(_) | None => drop(attempts.remove(&self.0)),
        });
    }
}

/// Whether this isolate has as many attempts under way as it may.
#[must_use]
pub fn is_full() -> bool {
    ATTEMPTS.with_borrow(|attempts| attempts.values().sum::<u32>() >= IN_FLIGHT_MAX)
}

/// Attempts that one invocation makes at most: the deployment's `ATTEMPTS_MAX`, or what the free plan affords.
#[must_use]
pub fn attempts_max(env: &Env) -> usize {
    env.var("ATTEMPTS_MAX").ok().and_then(|v| v.to_string().parse().ok()).unwrap_or(ATTEMPTS_MAX)
}

/// What an invocation that stores events may lease for itself.
#[must_use]
pub fn room(env: &Env) -> Room {
    let events = if is_full() { 0 } else { i64::try_from(attempts_max(env)).unwrap_or(i64::MAX) };
    let busy = ATTEMPTS.with_borrow(|attempts| {
        let busy = attempts.iter().filter(|(_, n)| **n >= IN_FLIGHT_SUBSCRIPTION_MAX).map(|(id, _)| id.as_str());
        serde_json::to_string(&busy.collect::<Vec<_>>())
    });
    Room { events, busy: busy.unwrap_or_else(|_| "[]".to_owned()) }
}
