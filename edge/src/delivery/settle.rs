//! Writes the results of attempts. All invocations of an isolate share one list. One of them waits
//! some milliseconds, writes a batch, and goes on until the list is empty. So under load many
//! results share one round trip. Nobody waits for a result: the receiver has answered already.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use trackmate_wire::limits::{CONNECTIONS_MAX, QUEUE_DELAY_S_MAX, SETTLE_MAX};
use worker::{Delay, Env, console_error};

use crate::delivery::attempt_result::AttemptResult;
use crate::delivery::wakeup::{self, Wakeup};
use crate::delivery::{operational_event, recover};
use crate::domain::delivery::Next;
use crate::domain::metrics;
use crate::runtime::clock::now_ms;
use crate::runtime::counters;
use crate::runtime::random;
use crate::store::settle::{self, AttemptRow, Settled};
use crate::store::{self, ChangeStamp};

/// Milliseconds in which results gather before they are written. After a crash in this time the
/// receiver gets those deliveries once more, with the same `webhook-id`.
const GATHER_MS: u64 = 8;
/// Bytes of answers and bodies in one batch: D1 takes at most 2 MB in one parameter.
const BATCH_BYTES_MAX: usize = 1_000_000;
/// Milliseconds after which another invocation takes over the settling: the run time of an
/// invocation is bounded.
const SETTLER_MS_MAX: i64 = 5000;
/// Tries of one batch while D1 is down. Afterwards the leases run out.
const TRIES_MAX: u64 = 3;
/// Tries while the company is switched to another cell. It takes some seconds.
const MOVING_TRIES_MAX: u32 = 40;
/// Milliseconds between two of them.
const MOVING_WAIT_MS: u64 = 500;

#[derive(Default)]
struct Pool {
    results: Vec<AttemptResult>,
    /// The number of the invocation that settles, and since when, ms.
    settler: Option<(u64, i64)>,
    settlers: u64,
}

thread_local! {
    static POOL: RefCell<Pool> = RefCell::default();
}

/// Adds a result to the list. Settles the list, unless another invocation of this isolate does.
pub async fn add_and_settle(env: &Env, result: AttemptResult) {
    let now = now_ms();
    let me = POOL.with_borrow_mut(|pool| {
        pool.results.push(result);
        if pool.settler.is_some_and(|(_, since)| now - since < SETTLER_MS_MAX) {
            return None;
        }
        pool.settlers += 1;
        pool.settler = Some((pool.settlers, now));
        Some(pool.settlers)
    });
    let Some(me) = me else { return };
    loop {
        Delay::from(Duration::from_millis(GATHER_MS)).await;
        let Some(batch) = take(me) else { return };
        let mut companies: BTreeMap<String, Vec<AttemptResult>> = BTreeMap::new();
        for result in batch {
            companies.entry(result.company.clone()).or_default().push(result);
        }
        // In parallel: a database that does not answer delays only its own companies.
        let settling =
            companies.into_iter().map(|(company, results)| async move { settle(env, &company, results).await });
        stream::iter(settling).for_each_concurrent(CONNECTIONS_MAX, |settled| settled).await;
    }
}

/// The next batch; `None` if the list is empty or another invocation has taken over.
fn take(me: u64) -> Option<Vec<AttemptResult>> {
    POOL.with_borrow_mut(|pool| {
        if pool.settler.is_none_or(|(settler, _)| settler != me) {
            return None;
        }
        let mut bytes = 0;
        let fits = |d: &&AttemptResult| {
            bytes += [&d.ended.body, &d.ended.answer].into_iter().flatten().map(String::len).sum::<usize>();
            bytes <= BATCH_BYTES_MAX
        };
        let count = pool.results.iter().take(SETTLE_MAX).take_while(fits).count().max(1).min(pool.results.len());
        if count == 0 {
            pool.settler = None;
            return None;
        }
        Some(pool.results.drain(..count).collect())
    })
}

async fn settle(env: &Env, company: &str, results: Vec<AttemptResult>) {
    let operational_events = operational_event::possible(&results, now_ms());
    let mut retries: BTreeMap<u32, Vec<Wakeup>> = BTreeMap::new();
    for d in &results {
        // The sweep wakes a retry that is due later than a queue can delay a message.
        if let Next::Retry(delay_s) = d.next
            && delay_s <= QUEUE_DELAY_S_MAX
        {
            retries.entry(delay_s).or_default().push(Wakeup::delivery(company, d.ended.key.clone()));
        }
    }
    let states: Vec<&str> = results.iter().map(|d| d.next.standing(0).0.as_str()).collect();
    let ended: Vec<AttemptRow> = results.into_iter().map(|d| d.ended).collect();
    let Some(settled) = settle_with_retries(env, company, &ended, &operational_events).await else { return };
    states.iter().for_each(|state| counters::add(&metrics::ATTEMPTS, &[state], 1));
    for (delay_s, wakeups) in retries {
        wakeup::send(env, &wakeups, delay_s).await;
    }
    let operational_events: Vec<Wakeup> =
        settled.operational_events.into_iter().map(|key| Wakeup::delivery(company, key)).collect();
    wakeup::send(env, &operational_events, 0).await;
    let now = now_ms();
    for subscription in &settled.subscriptions {
        if let Some(until) = subscription.open_until {
            let delay_s = u32::try_from((until - now).max(0) / 1000).unwrap_or_default() + 1;
            wakeup::send(env, &[Wakeup::subscription(company, subscription.id.clone())], delay_s).await;
        }
    }
    if settled.subscriptions.iter().any(|subscription| subscription.release != 0) {
        recover::of_company(env, company).await;
    }
}

/// Settles with retries while D1 is down, or while the company is switched to another cell. A
/// repeat is harmless: a lease can be settled only once.
async fn settle_with_retries(
    env: &Env,
    company: &str,
    ended: &[AttemptRow],
    operational_events: &[settle::OperationalEvent],
) -> Option<Settled> {
    let (mut attempt, mut moving) = (1, 0);
    while attempt <= TRIES_MAX {
        let settled = async {
            let db = store::database(env, Some(company))?;
            let stamp = ChangeStamp { marker: random::number(), now_ms: now_ms() };
            settle::settle(&db, company, ended, operational_events, stamp).await
        };
        match settled.await {
            Ok(settled) => return Some(settled),
            Err(error) if store::cells::is_away(&error) && moving < MOVING_TRIES_MAX => {
                moving += 1;
                Delay::from(Duration::from_millis(MOVING_WAIT_MS)).await;
                continue;
            }
            Err(error) => console_error!("{} attempts were not settled: {}", ended.len(), store::brief(&error)),
        }
        if attempt < TRIES_MAX {
            Delay::from(Duration::from_millis(100 * attempt)).await;
        }
        attempt += 1;
    }
    None
}
