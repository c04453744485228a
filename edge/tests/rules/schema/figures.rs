//! The statements that count the events of a range, as `store::stats` sends them: for a request,
//! and ahead of requests.

use serde_json::json;
use trackmate_edge::domain::stats::{Counting, Figures, Range};
use trackmate_edge::store::stats::ahead::{Found, Round};
use trackmate_edge::store::stats::events::{EventWalk, Slice, StoredHour, Trip};
use trackmate_edge::store::{ChangeStamp, sql};

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

impl Db {
    /// Gives the company a turn of this number of round trips, as the sweep does, in slices of this
    /// number of rows. Without `saves` the run dies before it saves the turn. → Whether the round
    /// has not ended.
    pub(crate) fn count_ahead(&mut self, trips: usize, rows: i64, now_ms: i64, saves: bool) -> bool {
        self.request += 1;
        let row = self.rows("select since, round from hour_counts where company = ?1", &[json!(COMPANY)]).remove(0);
        let mut round = Round::new(COMPANY, row[0].as_i64().unwrap(), row[1].as_str(), now_ms, self.request);
        for _ in 0..trips {
            let mut statements = round.trip(rows).unwrap();
            let last = statements.pop();
            self.connection.execute_batch("begin").unwrap();
            for statement in statements {
                self.rows(statement.sql, &statement.params);
            }
            let found = last.and_then(|last| self.find::<Found>(last.sql, &last.params).pop());
            self.connection.execute_batch("commit").unwrap();
            round.take(found).unwrap();
            if !round.is_open() {
                break;
            }
        }
        if saves {
            self.rows(sql::HOUR_COUNTS_SAVE, &[json!(COMPANY), json!(round.saved().unwrap()), json!(0), json!(null)]);
        }
        round.is_open()
    }
}
