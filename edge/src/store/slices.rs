//! Counting slice by slice. A database does one thing at a time, so nothing that grows with what is
//! stored is counted in one statement: a slice is one round trip of a bounded number of rows, and
//! others' requests come in between.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use trackmate_wire::limits::{COUNT_ROWS_MAX, COUNT_SLICES_MAX, EXPORT_END_SLICES, SLICE_MS, SLICE_WAIT_MS_MAX};
use worker::{Date, Delay, Env};

use super::{Batch, Db, Result, Statement};

thread_local! {
    /// When the next slice of a company may begin, ms.
    static NEXT_MS: RefCell<BTreeMap<String, u64>> = RefCell::default();
}

/// Leaves the database to others between two slices, for as long as the slice before took. Without
/// that the slices of one request follow each other so closely that another's write may be answered
/// only behind the last of them. All that one company has read at the same time takes turns, so
/// together it leaves as much to others.
#[derive(Debug)]
pub struct Turns {
    company: String,
    /// How long the pause is at least, ms.
    least_ms: u64,
    /// How long the last slice took, ms.
    took_ms: u64,
}

impl Turns {
    /// Turns with a pause of at least so many ms.
    #[must_use]
    pub fn new(company: &str, least_ms: u64) -> Self {
        Self { company: company.to_owned(), least_ms, took_ms: least_ms.max(SLICE_MS) }
    }

    /// A slice and its pause, ms.
    fn room_ms(&self) -> u64 {
        self.took_ms + self.took_ms.max(self.least_ms)
    }

    /// Runs a slice when it is the company's turn. As long as the last slice took is kept free for
    /// it.
    pub async fn take<T>(&mut self, slice: impl Future<Output = T>) -> T {
        let now_ms = || Date::now().as_millis();
        let asked_ms = now_ms();
        let (begins_ms, ends_ms) = NEXT_MS.with_borrow_mut(|next| {
            next.retain(|_, ms| *ms > asked_ms);
            let next_ms = next.entry(self.company.clone()).or_insert(asked_ms);
            let begins_ms = (*next_ms).min(asked_ms + SLICE_WAIT_MS_MAX);
            *next_ms = (begins_ms + self.room_ms()).max(*next_ms);
            (begins_ms, *next_ms)
        });
        if begins_ms > asked_ms {
            Delay::from(Duration::from_millis(begins_ms - asked_ms)).await;
        }
        let began_ms = now_ms();
        let answer = slice.await;
        self.took_ms = now_ms().saturating_sub(began_ms).max(1);
        let free_ms = began_ms + self.room_ms();
        NEXT_MS.with_borrow_mut(|next| {
            let next_ms = next.entry(self.company.clone()).or_default();
            // What it did not need is free, if nobody counts on a place behind it.
            *next_ms = if *next_ms == ends_ms { free_ms } else { free_ms.max(*next_ms) };
        });
        answer
    }
}

/// The slices that a request may still take.
#[derive(Debug)]
pub struct Slices {
    left: usize,
    /// Whether the last one takes all that there is, whatever it costs.
    ends: bool,
    /// When it may take the next.
    pub turns: Turns,
}

impl Slices {
    /// As many as the deployment allows a request.
    #[must_use]
    pub fn new(env: &Env, company: &str) -> Self {
        let most = env.var("COUNT_SLICES_MAX").ok().and_then(|max| max.to_string().parse().ok());
        Self { left: most.unwrap_or(COUNT_SLICES_MAX), ends: false, turns: Turns::new(company, 1) }
    }

    /// Those of an export that has so many pages left. It must come to its end, so the last slice
    /// takes all.
    #[must_use]
    pub fn at_the_end(company: &str, pages: usize) -> Self {
        Self { left: pages.saturating_add(EXPORT_END_SLICES), ends: true, turns: Turns::new(company, 1) }
    }

    /// The rows of the next slice; `None` if there may be no more.
    pub fn rows(&mut self) -> Option<i64> {
        self.left = self.left.checked_sub(1)?;
        Some(if self.left == 0 && self.ends { i64::MAX >> 11 } else { COUNT_ROWS_MAX })
    }
}

#[derive(Deserialize)]
struct Slice {
    n: i64,
    next: Option<String>,
}

/// What a statement counts in all; `None` if that takes more slices than are left. Its last
/// parameters are the place behind which a slice begins, and how many rows it has; it gives how
/// many it counted and the next place.
///
/// # Errors
/// D1's.
pub async fn sum(db: &Db, statement: Statement, first: Vec<Value>, slices: &mut Slices) -> Result<Option<i64>> {
    let (mut n, mut place) = (0, first);
    while let Some(rows) = slices.rows() {
        let params = [statement.params.clone(), place, vec![json!(rows)]].concat();
        let mut batch = Batch::default();
        let slice = batch.read_first::<Slice>(db.bind_all(&[Statement { params, ..statement }])?);
        let slice = slices.turns.take(db.run_batch(batch)).await?.first(&slice)?;
        n += slice.as_ref().map_or(0, |slice| slice.n);
        let Some(next) = slice.and_then(|slice| slice.next) else { return Ok(Some(n)) };
        place = serde_json::from_str(&next)?;
    }
    Ok(None)
}
