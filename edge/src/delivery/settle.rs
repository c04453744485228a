//! What came of attempts, written down. All invocations of an isolate share one list: while one of
//! them settles, what others bring is gathered, and goes in the next batch. So under load a
//! settling costs a share of a round trip, and none waits when there is no load.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use trackmate_wire::limits::{CONNECTIONS_MAX, QUEUE_DELAY_S_MAX, SETTLE_MAX, SWEEP_DELIVERIES_MAX};
use worker::{Delay, Env, console_error};

use crate::delivery::attempt_result::AttemptResult;
use crate::delivery::wakeup::{self, Wake};
use crate::delivery::{operational_event, recover};
use crate::domain::delivery::Next;
use crate::runtime::clock::now_ms;
use crate::runtime::random;
use crate::store;
use crate::store::settle::{self, Ended, Settled};

/// Bytes of answers and bodies in one batch: D1 takes 2 MB in one parameter.
const BATCH_BYTES_MAX: usize = 1_000_000;
/// Milliseconds after which the invocation that settles is relieved by the next that brings
/// something: its own time is bounded.
const SETTLER_MS_MAX: i64 = 5000;
/// How often a settling is tried while D1 does not take it; then the leases run out.
const TRIES: u64 = 3;

#[derive(Default)]
struct Pool {
    done: Vec<AttemptResult>,
    /// Which invocation settles, by number, and since when, ms.
    settler: Option<(u64, i64)>,
    settlers: u64,
}

thread_local! {
    static POOL: RefCell<Pool> = RefCell::default();
}

/// Hands an outcome over. Settles what is there, unless another invocation of this isolate is at
/// it.
pub async fn push(env: &Env, done: AttemptResult) {
    let now = now_ms();
    let me = POOL.with_borrow_mut(|pool| {
        pool.done.push(done);
        if pool.settler.is_some_and(|(_, since)| now - since < SETTLER_MS_MAX) {
            return None;
        }
        pool.settlers += 1;
        pool.settler = Some((pool.settlers, now));
        Some(pool.settlers)
    });
    let Some(me) = me else { return };
    while let Some(batch) = take(me) {
        let mut companies: BTreeMap<String, Vec<AttemptResult>> = BTreeMap::new();
        for done in batch {
            companies.entry(done.company.clone()).or_default().push(done);
        }
        // Side by side: a database that does not answer holds up its own companies alone.
        let settling = companies.into_iter().map(|(company, done)| async move { settle(env, &company, done).await });
        stream::iter(settling).for_each_concurrent(CONNECTIONS_MAX, |settled| settled).await;
    }
}

/// The next batch, or `None` when all is settled or another invocation has taken over.
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
        let count = pool.done.iter().take(SETTLE_MAX).take_while(fits).count().max(1).min(pool.done.len());
        if count == 0 {
            pool.settler = None;
            return None;
        }
        Some(pool.done.drain(..count).collect())
    })
}

async fn settle(env: &Env, company: &str, done: Vec<AttemptResult>) {
    let notices = operational_event::possible(&done, now_ms());
    let mut retries: BTreeMap<u32, Vec<Wake>> = BTreeMap::new();
    for d in &done {
        // A retry that is further off than the queue can hold is the sweep's.
        if let Next::Retry(delay_s) = d.next
            && delay_s <= QUEUE_DELAY_S_MAX
        {
            retries.entry(delay_s).or_default().push(Wake::delivery(company, d.ended.id.clone()));
        }
    }
    let ended: Vec<Ended> = done.into_iter().map(|d| d.ended).collect();
    let Some(settled) = written(env, company, &ended, &notices).await else { return };
    for (delay_s, wakes) in retries {
        wakeup::send(env, &wakes, delay_s).await;
    }
    let notices: Vec<Wake> = settled.notices.into_iter().map(|id| Wake::delivery(company, id)).collect();
    wakeup::send(env, &notices, 0).await;
    let now = now_ms();
    for noted in &settled.noted {
        if let Some(until) = noted.open_until {
            let delay_s = u32::try_from((until - now).max(0) / 1000).unwrap_or_default() + 1;
            wakeup::send(env, &[Wake::subscription(company, noted.id.clone())], delay_s).await;
        }
    }
    if settled.noted.iter().any(|noted| noted.release != 0) {
        recover::run(env, SWEEP_DELIVERIES_MAX).await;
    }
}

/// Settles, again if D1 did not take it: a claim settles once, however often it is asked.
async fn written(env: &Env, company: &str, ended: &[Ended], notices: &[settle::Notice]) -> Option<Settled> {
    for attempt in 1..=TRIES {
        let settled = async {
            let db = store::database(env, Some(company))?;
            settle::settle(&db, company, ended, notices, random::number(), now_ms()).await
        };
        match settled.await {
            Ok(settled) => return Some(settled),
            Err(error) => console_error!("{} attempts were not settled: {}", ended.len(), store::brief(&error)),
        }
        if attempt < TRIES {
            Delay::from(Duration::from_millis(100 * attempt)).await;
        }
    }
    None
}
