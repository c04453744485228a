//! The marker and the time of one change.

/// What all rows of one change have in common.
#[derive(Debug, Clone, Copy)]
pub struct ChangeStamp {
    /// A random number that marks the rows. It is also the next revision of the changed profile.
    pub marker: i64,
    /// When the change is made, ms.
    pub now_ms: i64,
}
