//! Counting slice by slice. A database does one thing at a time, so nothing that grows with what is stored is counted in
//! one statement: a slice is one round trip of a bounded number of rows, and others' requests come in between.

use serde::Deserialize;
use serde_json::{Value, json};
use trackmate_wire::limits::{COUNT_ROWS_MAX, COUNT_SLICES_MAX, EXPORT_END_SLICES};
use worker::Env;

use super::{Answers, Db, Result, Statement};

/// The slices that a request may still take.
#[derive(Debug)]
pub struct Slices {
    left: usize,
    /// Whether the last one takes all that there is, whatever it costs.
    ends: bool,
}

impl Slices {
    /// As many as the deployment allows a request.
    #[must_use]
    pub fn new(env: &Env) -> Self {
        let most = env.var("COUNT_SLICES_MAX").ok().and_then(|max| max.to_string().parse().ok());
        Self { left: most.unwrap_or(COUNT_SLICES_MAX), ends: false }
    }

    /// Those of an export that has so many pages left. It must come to its end, so the last slice takes all.
    #[must_use]
    pub const fn at_the_end(pages: usize) -> Self {
        Self { left: pages.saturating_add(EXPORT_END_SLICES), ends: true }
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
        let slice: Option<Slice> = Answers::new(db.batch(bound).await?).take()?.first()?;
        n += slice.as_ref().map_or(0, |slice| slice.n);
        let Some(next) = slice.and_then(|slice| slice.next) else { return Ok(Some(n)) };
        place = serde_json::from_str(&next)?;
    }
    Ok(None)
}
