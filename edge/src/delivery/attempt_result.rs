//! The result of an attempt, as it is handed over to be written down.

use crate::domain::delivery::Next;
use crate::store::settle::Ended;

/// An attempt that has ended.
#[derive(Debug)]
pub struct AttemptResult {
    /// Whose.
    pub company: String,
    /// For whom.
    pub subscription: String,
    /// The name the subscriber sees.
    pub event: String,
    /// Deliveries of the subscription that had been given up in a row when this one was leased.
    pub failures: i64,
    /// What is next.
    pub next: Next,
    /// What is written down.
    pub ended: Ended,
}
