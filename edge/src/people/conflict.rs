//! Retries after write conflicts. A change of a person reads them, decides, and writes only if
//! nobody has changed them in between. If somebody has, it starts over.

use std::time::Duration;

use trackmate_wire::limits::{RACE_PAUSE_MS, RACES_MAX};
use trackmate_wire::problem::{Code, Problem};
use worker::Delay;

use crate::error::Error;
use crate::runtime::context::Context;
use crate::runtime::random;

/// Counts the tries of one change.
#[derive(Default)]
pub(crate) struct ConflictRetries(u32);

impl ConflictRetries {
    /// Begins the next try. The first two begin at once. Each later one waits for a random time,
    /// so that invocations which met once do not meet again.
    ///
    /// # Errors
    /// `busy` after `RACES_MAX` tries, or if the request may ask D1 for no more.
    pub(crate) async fn next(&mut self, cx: &Context) -> Result<(), Error> {
        let tried = self.0;
        self.0 += 1;
        if tried >= RACES_MAX || !cx.has_trips() {
            return Err(busy());
        }
        if tried > 1 {
            let most = f64::from(RACE_PAUSE_MS) * f64::from(1_u32 << (tried - 2).min(6));
            Delay::from(Duration::from_secs_f64(most * random::unit() / 1000.0)).await;
        }
        Ok(())
    }
}

/// Runs `change` until it is written. `change` returns `None` after a conflict: then nothing was
/// written, and it runs again and reads everything again.
///
/// # Errors
/// Those of `change`; `busy` after too many conflicts.
pub(crate) async fn retry_on_conflict<T>(
    cx: &Context,
    mut change: impl AsyncFnMut() -> Result<Option<T>, Error>,
) -> Result<T, Error> {
    let mut retries = ConflictRetries::default();
    loop {
        retries.next(cx).await?;
        if let Some(written) = change().await? {
            return Ok(written);
        }
    }
}

/// Too many requests change the same person at the same time.
pub(crate) fn busy() -> Error {
    Problem::new(Code::Busy, "the user is being changed by many at once; try again after Retry-After").into()
}
