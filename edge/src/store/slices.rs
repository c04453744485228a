//! Counting slice by slice. A database does one thing at a time, so nothing that grows with what is stored is counted in
//! one statement: a slice is one round trip of a bounded number of rows, and others' requests come in between.

use std::future::Future;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use trackmate_wire::limits::{COUNT_ROWS_MAX, COUNT_SLICES_MAX, EXPORT_END_SLICES, SLICE_PAUSE_MS_MAX};
use worker::{Date, Delay, Env};

use super::{Answers, Db, Result, Statement};

/// Leaves the database to others between two slices, for as long as the slice before took. Without that the slices of
/// one request follow each other so closely that another's write may be answered only behind the last of them.
#[derive(Debug, Default)]
pub struct Turns {
    /// When the next slice may begin, ms.
    next_ms: u64,
    /// How long the pause is at least, ms.
    least_ms: u64,
}

impl Turns {
    /// Turns with a pause of at least so many ms.
    #[must_use]
    pub fn with_pause(least_ms: u64) -> Self {
        Self { least_ms, ..Self::default() }
    }

    /// Runs a slice when it is its turn.
    pub async fn take<T>(&mut self, slice: impl Future<Output = T>) -> T {
        let now_ms = || Date::now().as_millis();
        let pause_ms = self.next_ms.saturating_sub(now_ms()).min(SLICE_PAUSE_MS_MAX);
        if pause_ms > 0 {
            Delay::from(Duration::from_millis(pause_ms)).await;
        }
        let began_ms = now_ms();
        let answer = slice.await;
        let ended_ms = now_ms();
        self.next_ms = ended_ms + ended_ms.saturating_sub(began_ms).max(self.least_ms).max(1);
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
    pub fn new(env: &Env) -> Self {
        let most = env.var("COUNT_SLICES_MAX").ok().and_then(|max| max.to_string().parse().ok());
        Self { left: most.unwrap_or(COUNT_SLICES_MAX), ends: false, turns: Turns::default() }
    }

    /// Those of an export that has so many pages left. It must come to its end, so the last slice takes all.
    #[must_use]
    pub fn at_the_end(pages: usize) -> Self {
        Self { left: pages.saturating_add(EXPORT_END_SLICES), ends: true, turns: Turns::default() }
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

/// What a statement counts in all; `None` if that takes more slices than are left. Its last parameters are the place
/// behind which a slice begins, and how many rows it has; it gives how many it counted and the next place.
///
/// # Errors
/// D1's.
pub async fn sum(db: &Db, statement: Statement, first: Vec<Value>, slices: &mut Slices) -> Result<Option<i64>> {
    let (mut n, mut place) = (0, first);
    while let Some(rows) = slices.rows() {
        let params = [statement.params.clone(), place, vec![json!(rows)]].concat();
        let bound = db.bind_all(&[Statement { params, ..statement }])?;
        let slice: Option<Slice> = Answers::new(slices.turns.take(db.batch(bound)).await?).take()?.first()?;
        n += slice.as_ref().map_or(0, |slice| slice.n);
        let Some(next) = slice.and_then(|slice| slice.next) else { return Ok(Some(n)) };
        place = serde_json::from_str(&next)?;
    }
    Ok(None)
}
