//! Counts in slices. A database runs one statement at a time. So no single statement counts rows
//! whose number grows with the stored data. A slice is one round trip with a limited number of
//! rows, and other requests run between two slices.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use trackmate_wire::limits::{COUNT_ROWS_MAX, EXPORT_END_SLICES, SLICE_MS, SLICE_WAIT_MS_MAX};
use worker::{Date, Delay, Env};

use super::{Batch, Db, Result, Statement};
use crate::vars::Vars;

thread_local! {
    /// When the next slice of a company may begin, ms.
    static NEXT_MS: RefCell<BTreeMap<String, u64>> = RefCell::default();
}

/// Leaves the database to others between two slices, for as long as the last slice took. Without
/// the pause, a write of another request might wait behind all slices of this one. All requests of
/// one company share these turns, so together they leave the same time free.
#[derive(Debug)]
pub struct Turns {
    company: String,
    /// The shortest pause, ms.
    least_ms: u64,
    /// Duration of the last slice, ms.
    took_ms: u64,
}

impl Turns {
    /// Turns with a pause of at least `least_ms`.
    #[must_use]
    pub fn new(company: &str, least_ms: u64) -> Self {
        Self { company: company.to_owned(), least_ms, took_ms: least_ms.max(SLICE_MS) }
    }

    /// Duration of a slice and its pause, ms.
    fn room_ms(&self) -> u64 {
        self.took_ms + self.took_ms.max(self.least_ms)
    }

    /// Runs a slice at the company's next turn. The time of the last slice is reserved for it.
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
            // Frees the rest of the reserved time, unless another turn was reserved after it.
            *next_ms = if *next_ms == ends_ms { free_ms } else { free_ms.max(*next_ms) };
        });
        answer
    }
}

/// The slices that a request may still run.
#[derive(Debug)]
pub struct Slices {
    left: usize,
    /// Whether the last slice reads all remaining rows, whatever that costs.
    ends: bool,
    /// The turns in which they run.
    pub turns: Turns,
}

impl Slices {
    /// The number of slices that the deployment allows a request.
    #[must_use]
    pub fn new(env: &Env, company: &str) -> Self {
        Self { left: Vars::of(env).count_slices_max, ends: false, turns: Turns::new(company, 1) }
    }

    /// The slices of an export with `pages` pages left. The last slice reads all remaining rows,
    /// because the export must end.
    #[must_use]
    pub fn at_the_end(company: &str, pages: usize) -> Self {
        Self { left: pages.saturating_add(EXPORT_END_SLICES), ends: true, turns: Turns::new(company, 1) }
    }

    /// The number of rows of the next slice; `None` if no slice is left.
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

/// The total of a statement that counts; `None` if the count takes more slices than are left. The
/// statement's last parameters are the place after which a slice begins, and its number of rows. It
/// returns the count of the slice and the next place.
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
