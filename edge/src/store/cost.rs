//! What statements cost in D1.

use std::ops::Add;

/// The cost of statements, by D1's own count.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// Round trips.
    pub trips: usize,
    /// Statements in them.
    pub statements: usize,
    /// Rows read.
    pub read: usize,
    /// Rows written, including those of indexes.
    pub written: usize,
}

impl Add for Cost {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        let Self { trips, statements, read, written } = more;
        Self {
            trips: self.trips + trips,
            statements: self.statements + statements,
            read: self.read + read,
            written: self.written + written,
        }
    }
}
