//! A throttle slot is the right of a subscription to send some of its held deliveries: the probe of
//! an open circuit, or those that its rate limit allows in one second. D1 decides who takes a slot
//! (`subscription.take_slot.sql`), so of many invocations that wake up only one goes ahead.

use std::time::Duration;

use trackmate_wire::limits::{FULL_WAIT_S, RATE_LIMIT_MAX};
use worker::{Delay, Env, console_error};

use crate::delivery::wakeup::{self, Wakeup};
use crate::delivery::{attempt, concurrency};
use crate::runtime::clock::now_ms;
use crate::store;
use crate::store::deliveries;

/// Milliseconds of one slot.
const SLOT_MS: i64 = 1000;

/// Takes slots and attempts their deliveries while any wait, at most until `ends_ms`. A wake-up
/// then lets another invocation go on.
pub async fn run_slots(env: &Env, company: &str, subscription: &str, ends_ms: i64) {
    if !concurrency::has_capacity(company, now_ms()) {
        wakeup::send(env, &[Wakeup::subscription(company, subscription.to_owned())], FULL_WAIT_S).await;
        return;
    }
    let most = concurrency::attempts_max(env).min(usize::try_from(RATE_LIMIT_MAX).unwrap_or(usize::MAX));
    let mut left = most;
    loop {
        let began = now_ms();
        let slot = async {
            let db = store::database(env, Some(company))?;
            deliveries::take_throttle_slot(&db, company, subscription, began, i64::try_from(left).unwrap_or(i64::MAX))
                .await
        };
        let leased = match slot.await {
            Ok(leased) => leased,
            Err(error) => {
                console_error!("webhook {subscription} took no throttle slot: {}", store::brief(&error));
                return;
            }
        };
        if leased.is_empty() {
            return;
        }
        left = left.saturating_sub(leased.len());
        let share = u64::try_from(leased.len()).unwrap_or(1);
        let longest = leased.iter().map(|d| i64::from(attempt::timeout_ms(&d.target))).max().unwrap_or_default();
        attempt::run(env, company, leased, ends_ms, 1000 / share).await;
        if left == 0 || now_ms() + SLOT_MS + longest > ends_ms {
            break;
        }
        let rest = u64::try_from(began + SLOT_MS - now_ms()).unwrap_or_default();
        Delay::from(Duration::from_millis(rest)).await;
    }
    wakeup::send(env, &[Wakeup::subscription(company, subscription.to_owned())], 1).await;
}
