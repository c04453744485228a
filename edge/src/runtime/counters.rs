//! What this isolate counts for the metrics. It adds its counts to D1 some seconds after the first
//! of them, in one row, once the answers are sent. An isolate that crashes in these seconds loses
//! them, so the counters say "at least".

use std::cell::{Cell, RefCell};
use std::time::Duration;

use worker::{Delay, Env, console_error};

use crate::domain::metrics::{self, Counts, Family};
use crate::store::{self, Cost};
use crate::vars::Vars;

thread_local! {
    static COUNTS: RefCell<Counts> = RefCell::default();
    /// The cost in D1 that was counted already.
    static COUNTED: Cell<Cost> = Cell::default();
    /// When an invocation undertook to write the counts, ms; 0 for none.
    static SCHEDULED: Cell<i64> = const { Cell::new(0) };
}

/// Adds to a count. `labels` are the values of the family's labels.
pub(crate) fn add(family: &Family, labels: &[&str], n: usize) {
    COUNTS.with_borrow_mut(|counts| metrics::add(counts, family, labels, u64::try_from(n).unwrap_or_default()));
}

/// Writes the counts some seconds from now, unless another invocation does. `now` is about now, ms:
/// every request comes here, and to ask the clock is a call into the runtime.
pub(crate) fn write_later(env: &Env, worker: &worker::Context, now: i64) {
    let delay = Duration::from_secs(Vars::of(env).metrics_s);
    let delay_ms = i64::try_from(delay.as_millis()).unwrap_or_default();
    let nothing = COUNTS.with_borrow(Counts::is_empty) && store::total().trips == COUNTED.get().trips;
    // The runtime may end the work of an invocation: then another one takes over.
    if nothing || delay.is_zero() || now - SCHEDULED.get() < 2 * delay_ms {
        return;
    }
    SCHEDULED.set(now);
    let env = env.clone();
    worker.wait_until(async move {
        Delay::from(delay).await;
        write(&env).await;
    });
}

/// Writes the counts now. If D1 fails, they stay for the next time.
pub(crate) async fn write(env: &Env) {
    SCHEDULED.set(0);
    if Vars::of(env).metrics_s == 0 {
        return;
    }
    let (cost, before) = (store::total(), COUNTED.get());
    add(&metrics::TRIPS, &[], cost.trips - before.trips);
    add(&metrics::ROWS_READ, &[], cost.read - before.read);
    add(&metrics::ROWS_WRITTEN, &[], cost.written - before.written);
    COUNTED.set(cost);
    let counts = COUNTS.take();
    if counts.is_empty() {
        return;
    }
    let written = async {
        let db = store::database(env, None)?;
        store::metrics::add(&db, &counts).await?;
        Ok(db.cost())
    };
    match written.await {
        // Its own cost is not counted, so that it causes no further writing.
        Ok(cost) => COUNTED.set(COUNTED.get() + cost),
        Err(error) => {
            console_error!("what this isolate counted waits for D1: {}", store::brief(&error));
            COUNTS.with_borrow_mut(|now| {
                for (key, n) in counts {
                    *now.entry(key).or_default() += n;
                }
            });
        }
    }
}
