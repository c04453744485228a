//! The result of an attempt, as it is passed to [`super::settle`].

use crate::domain::delivery::Next;
use crate::store::settle::AttemptRow;

/// An attempt that has ended.
#[derive(Debug)]
pub struct AttemptResult {
    /// The company of the delivery.
    pub company: String,
    /// The event name that the subscriber sees.
    pub event_name: String,
    /// Deliveries given up in a row before this one was leased.
    pub failures: i64,
    /// What happens to the delivery next.
    pub next: Next,
    /// The row to store.
    pub ended: AttemptRow,
}
