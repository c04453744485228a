//! The statements that count the events of a range, as `store::stats` sends them.

use trackmate_edge::domain::stats::{Counting, Figures, Range};
use trackmate_edge::store::ChangeStamp;
use trackmate_edge::store::stats::events::{EventWalk, Slice, StoredHour, Trip};

use super::pipe::{COMPANY, Db};

/// The count of a range by the statements, in slices of this number of rows, as `store::stats`
/// makes it.
pub(crate) struct Count {
    range: Range,
    rows: i64,
    counting: Counting,
    pub(crate) walk: EventWalk,
}

impl Count {
    pub(crate) fn new(range: Range, rows: i64, stamp: ChangeStamp) -> Self {
        Self { range, rows, counting: Counting::new(range), walk: EventWalk::new(range, stamp) }
    }

    /// Runs this number of round trips. → Whether the walk has not finished.
    pub(crate) fn run(&mut self, db: &Db, trips: usize) -> bool {
        for _ in 0..trips {
            let Trip { open, hours, events } = self.walk.trip(COMPANY, &self.range, self.rows);
            db.connection.execute_batch("begin").unwrap();
            if let Some(open) = open {
                db.rows(open.sql, &open.params);
            }
            let hours = hours.map_or_else(Vec::new, |hours| db.find::<StoredHour>(hours.sql, &hours.params));
            let events = events.and_then(|events| db.find::<Slice>(events.sql, &events.params).pop());
            db.connection.execute_batch("commit").unwrap();
            self.walk.take(&hours, events, &mut self.counting).unwrap();
            if !self.walk.is_open() {
                return false;
            }
        }
        true
    }

    /// Runs to the end and stores the counted hours. → The figures.
    pub(crate) fn end(mut self, db: &Db) -> Figures {
        while self.run(db, 1) {}
        for statement in self.walk.storing(COMPANY).unwrap() {
            db.rows(statement.sql, &statement.params);
        }
        self.counting.figures()
    }
}
