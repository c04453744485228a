//! A worker's view of a move: what it does next, and what it has read and not written yet.

use std::collections::BTreeMap;

use super::{Bounds, Change, Key, Phase, Place, Row, Step, Task};
use crate::domain::backup::{DERIVED, TABLES, Table, schema};

/// A move in the hands of a worker.
#[derive(Debug)]
pub struct Mover {
    /// The phase.
    pub phase: Phase,
    /// Where it goes on.
    pub place: Place,
    /// Rows that were copied so far.
    pub rows: i64,
    /// Why it is given up.
    pub error: Option<String>,
    bounds: Bounds,
    /// The key of the company's row.
    company: String,
    /// What was read, and not written yet.
    read: Option<Vec<Row>>,
    /// Pages of the source, and not compared yet.
    pages: Option<Vec<Vec<Row>>>,
    /// Rows that are to be copied again.
    todo: Vec<Key>,
    /// The first of these, as they were read.
    write: BTreeMap<usize, Change>,
    /// How many of them.
    wrote: usize,
    /// The last change of `todo`.
    upto: i64,
    /// Whether few changes were left.
    is_short: bool,
    /// Whether the phase has changed since it was saved.
    is_new: bool,
}

/// The table of this number in the order in which rows are deleted: a key before its company.
fn dropped(number: usize) -> Option<&'static Table> {
    TABLES.iter().rev().chain(DERIVED).nth(number)
}

/// The number of a table.
fn number(name: &str) -> Option<usize> {
    TABLES.iter().position(|table| table.name == name)
}

/// Whether there may be rows after those of a page.
fn has_more(page: &[Row], rows: i64) -> bool {
    let count = i64::try_from(page.len()).unwrap_or(i64::MAX);
    page.first().is_some_and(|first| first.found > count || first.found >= rows)
}

impl Mover {
    /// A move as it was saved. If the tables have changed since, what was copied is not complete.
    #[must_use]
    pub fn new(company: &str, (phase, place, rows): (Phase, Place, i64), bounds: Bounds) -> Self {
        let mut mover = Self {
            phase,
            place,
            rows,
            error: None,
            bounds,
            company: serde_json::json!([company]).to_string(),
            read: None,
            pages: None,
            todo: Vec::new(),
            write: BTreeMap::new(),
            wrote: 0,
            upto: 0,
            is_short: false,
            is_new: false,
        };
        let schema = schema();
        if mover.place.schema != schema {
            mover.place.table = 0;
            if phase.may_abort() && !mover.place.schema.is_empty() {
                mover.abort("the tables changed during the move");
            }
            mover.place.schema = schema;
        }
        mover
    }

    /// The bounds of its tasks.
    #[must_use]
    pub const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Whether the phase has changed, and must be saved before anything else is done.
    #[must_use]
    pub const fn must_save(&self) -> bool {
        self.is_new
    }

    /// Notes that the phase is saved.
    pub const fn saved(&mut self) {
        self.is_new = false;
    }

    /// Gives the move up. The company goes on at the source.
    pub fn abort(&mut self, error: &str) {
        self.error = Some(error.to_owned());
        self.enter(Phase::Aborting, Step::Revive);
    }

    fn enter(&mut self, phase: Phase, step: Step) {
        self.is_new |= phase != self.phase;
        self.phase = phase;
        self.read = None;
        self.pages = None;
        self.todo.clear();
        self.write.clear();
        self.go(step);
    }

    fn go(&mut self, step: Step) {
        self.place.step = step;
        self.place.table = 0;
        self.place.after = None;
        self.place.again = false;
    }

    /// What is done next, for a company that was switched at this time, ms. `None`: nothing now.
    #[must_use]
    pub fn next(&self, switched_ms: Option<i64>, now_ms: i64) -> Option<Task<'_>> {
        let table = TABLES.get(self.place.table);
        let after = self.place.after.as_deref();
        Some(match self.place.step {
            _ if !self.phase.is_open() => return None,
            Step::Arrive => Task::Arrive,
            Step::Watch => Task::Watch,
            Step::Copy if !self.write.is_empty() => Task::Write(&self.write),
            Step::Copy => Task::Read { table: table?, after },
            Step::Drain | Step::Verify if !self.write.is_empty() => Task::Write(&self.write),
            Step::Drain | Step::Verify if !self.todo.is_empty() => Task::Find(self.wanted()),
            Step::Drain => Task::Changes { seq: self.place.seq },
            Step::Verify => Task::Compare { at_target: self.pages.is_some(), tables: self.compared()?, after },
            Step::Stop => Task::Stop,
            Step::Settle => match &self.read {
                Some(hashes) => Task::Direct(hashes.iter().map(|row| row.place.as_str()).collect()),
                None => Task::Settle,
            },
            Step::Leave => Task::Leave,
            Step::Wait if switched_ms.is_none_or(|at| now_ms < at + self.bounds.purge_after_ms) => return None,
            Step::Wait | Step::Purge => Task::Drop { at_target: false, table: dropped(self.place.table)? },
            Step::Revive => Task::Revive,
            Step::Forget => Task::Forget,
            Step::Clear => Task::Drop { at_target: true, table: dropped(self.place.table)? },
            Step::Withdraw => Task::Withdraw,
        })
    }

    /// The tables that are compared next. All that follow go in one round trip, since most have few
    /// rows and the company waits. A table with more rows than a page then goes on alone.
    fn compared(&self) -> Option<&'static [Table]> {
        let from = self.place.table;
        let to = if self.place.after.is_some() { from + 1 } else { TABLES.len() };
        TABLES.get(from..to)
    }

    /// The next keys to be copied again, by table. The groups of a company are counted in its row,
    /// which triggers change; so it is copied with them.
    fn wanted(&self) -> BTreeMap<usize, Vec<&str>> {
        let mut wanted: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        for (table, key) in self.todo.iter().take(self.bounds.keys) {
            wanted.entry(*table).or_default().push(key);
        }
        let has_groups = number("groups").is_some_and(|groups| wanted.contains_key(&groups));
        if let Some(companies) = number("companies").filter(|_| has_groups) {
            wanted.insert(companies, vec![&self.company]);
        }
        wanted
    }

    /// Takes what the last task answered: the rows of each statement that reads.
    pub fn take(&mut self, answers: Vec<Vec<Row>>) {
        let first = || answers.first().cloned().unwrap_or_default();
        match self.place.step {
            Step::Arrive => self.go(Step::Watch),
            Step::Watch => self.go(Step::Copy),
            Step::Copy => self.take_copied(first()),
            Step::Drain | Step::Verify if !self.write.is_empty() => self.take_written(),
            Step::Drain | Step::Verify if !self.todo.is_empty() => self.take_found(answers),
            Step::Drain => self.take_changes(&first()),
            Step::Verify => self.take_pages(answers),
            Step::Stop => self.go(Step::Drain),
            Step::Settle if self.read.is_none() => self.read = Some(first()),
            Step::Settle => self.go_unread(Step::Leave),
            Step::Leave => self.go(Step::Wait),
            Step::Wait | Step::Purge => {
                self.place.step = Step::Purge;
                if self.take_dropped(&first()) {
                    self.enter(Phase::Done, Step::Purge);
                }
            }
            Step::Revive => self.go(Step::Forget),
            Step::Forget if first().first().is_some_and(|row| row.found >= self.bounds.drops) => {}
            Step::Forget => self.go(Step::Clear),
            Step::Clear => {
                if self.take_dropped(&first()) {
                    self.go(Step::Withdraw);
                }
            }
            Step::Withdraw => self.enter(Phase::Aborted, Step::Withdraw),
        }
    }

    fn go_unread(&mut self, step: Step) {
        self.read = None;
        self.go(step);
    }

    /// A page was read, or written.
    fn take_copied(&mut self, page: Vec<Row>) {
        if self.write.is_empty() && !page.is_empty() {
            let rows = page.iter().filter_map(|row| row.row.clone()).collect();
            self.write.insert(self.place.table, Change { rows, gone: Vec::new() });
            self.read = Some(page);
            return;
        }
        self.write.clear();
        let page = self.read.take().unwrap_or_default();
        self.rows += i64::try_from(page.len()).unwrap_or_default();
        self.advance(&page);
        if self.place.table == TABLES.len() {
            self.go(Step::Drain);
        }
    }

    /// Goes to the row after a page.
    fn advance(&mut self, page: &[Row]) {
        self.place.again = false;
        match page.last() {
            Some(last) if has_more(page, self.bounds.rows) => self.place.after = Some(last.place.clone()),
            _ => {
                self.place.table += 1;
                self.place.after = None;
            }
        }
    }

    fn take_changes(&mut self, changes: &[Row]) {
        self.is_short = changes.len() < self.bounds.changes.min(self.bounds.keys);
        let Some(last) = changes.last() else { return self.end_changes() };
        self.upto = last.found;
        let keys = changes.iter().filter_map(|change| Some((number(change.row.as_ref()?)?, change.place.clone())));
        self.todo = keys.collect();
        self.todo.sort_unstable();
        self.todo.dedup();
        if self.todo.is_empty() {
            self.end_changes();
        }
    }

    /// The changes that were read are copied.
    fn end_changes(&mut self) {
        self.place.seq = self.place.seq.max(self.upto);
        if self.phase == Phase::Copying && self.is_short {
            self.enter(Phase::Frozen, Step::Stop);
        } else if self.phase == Phase::Frozen && self.upto == 0 {
            self.go(Step::Verify);
        }
        self.upto = 0;
    }

    /// Rows of `todo` were read.
    fn take_found(&mut self, answers: Vec<Vec<Row>>) {
        self.wrote = 0;
        let mut write: BTreeMap<usize, Change> = BTreeMap::new();
        let tables: Vec<usize> = self.wanted().into_keys().collect();
        for (table, rows) in tables.into_iter().zip(answers) {
            let change = write.entry(table).or_default();
            for Row { row, place, .. } in rows {
                self.todo.retain(|(number, key)| *number != table || *key != place);
                match row {
                    Some(row) => change.rows.push(row),
                    None => change.gone.push(place),
                }
                self.wrote += 1;
            }
        }
        self.write = write;
    }

    /// These rows were written.
    fn take_written(&mut self) {
        self.write.clear();
        self.rows += i64::try_from(self.wrote).unwrap_or_default();
        if !self.todo.is_empty() {
            return;
        }
        if self.place.step == Step::Drain {
            self.end_changes();
        } else {
            self.place.again = true;
        }
    }

    /// Pages of the source were read, or those of the target, to compare them.
    fn take_pages(&mut self, pages: Vec<Vec<Row>>) {
        let Some(source) = self.pages.take() else {
            self.pages = Some(pages);
            return;
        };
        for (source, target) in source.iter().zip(&pages) {
            let goes_on = self.take_page(source, target);
            if !goes_on || self.place.after.is_some() {
                return;
            }
        }
    }

    /// Compares a page. → Whether the next table may be compared.
    fn take_page(&mut self, source: &[Row], target: &[Row]) -> bool {
        let rows = self.bounds.rows;
        let table = self.place.table;
        let differing = differences(source, target);
        if differing.is_empty() && has_more(source, rows) == has_more(target, rows) {
            self.advance(source);
            if self.place.table == TABLES.len() {
                self.enter(Phase::Switched, Step::Settle);
                return false;
            }
            return true;
        }
        if self.place.again {
            let name = TABLES.get(table).map_or("", |table| table.name);
            self.abort(&format!("rows of {name} differ after they were copied twice"));
        } else {
            self.todo = differing.into_iter().map(|key| (table, key)).collect();
            self.place.again = self.todo.is_empty();
        }
        false
    }

    /// Rows of a table were deleted. → Whether that was the last table.
    fn take_dropped(&mut self, answer: &[Row]) -> bool {
        if answer.first().is_none_or(|row| row.found < self.bounds.drops) {
            self.place.table += 1;
        }
        dropped(self.place.table).is_none()
    }
}

/// The keys of rows that are not in both pages, or not equal.
fn differences(one: &[Row], other: &[Row]) -> Vec<String> {
    let rows = |page: &[Row]| -> BTreeMap<String, Option<String>> {
        page.iter().map(|row| (row.place.clone(), row.row.clone())).collect()
    };
    let (one, other) = (rows(one), rows(other));
    let differs = |key: &&String| one.get(*key) != other.get(*key);
    let mut keys: Vec<String> = one.keys().chain(other.keys()).filter(differs).cloned().collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
