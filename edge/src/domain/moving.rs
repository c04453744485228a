//! The move of a company from one cell to another, as a pure state machine: what is done next, and
//! what follows from what was read. The statements are in `store/moving.rs`.
//!
//! `copying`: the rows are copied while the company works. Triggers write the keys of rows that
//! change meanwhile, and these rows are copied again. `frozen`: the company is refused, the last
//! changes are copied, and both sides are compared. `switched`: the company lives at the target;
//! after a while its rows are deleted at the source. `aborting`: it lives at the source as before,
//! and its rows are deleted at the target.
//!
//! Every task may be repeated. A worker that dies loses only what it read. The next one goes on
//! from the place that was saved last.

pub mod mover;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::backup::Table;

/// The phase of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Rows are copied while the company works at the source.
    Copying,
    /// The company is refused by both cells for a moment.
    Frozen,
    /// The company lives at the target.
    Switched,
    /// The company lives at the source, and its rows are deleted at the target.
    Aborting,
    /// It ended at the target.
    Done,
    /// It ended at the source.
    Aborted,
}

impl Phase {
    /// Its name in the database and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Copying => "copying",
            Self::Frozen => "frozen",
            Self::Switched => "switched",
            Self::Aborting => "aborting",
            Self::Done => "done",
            Self::Aborted => "aborted",
        }
    }

    /// Whether the move has not ended.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Done | Self::Aborted)
    }

    /// Whether the move may be aborted.
    #[must_use]
    pub const fn may_abort(self) -> bool {
        matches!(self, Self::Copying | Self::Frozen)
    }
}

/// A step of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Copying: the target notes that the company arrives.
    #[default]
    Arrive,
    /// Copying: the source begins to note changes.
    Watch,
    /// Copying: all rows, table by table.
    Copy,
    /// Copying and frozen: the rows that changed.
    Drain,
    /// Frozen: the source refuses the company.
    Stop,
    /// Frozen: both sides are compared, table by table.
    Verify,
    /// Switched: the target accepts the company, and the directory says so.
    Settle,
    /// Switched: the source notes that the company is gone.
    Leave,
    /// Switched: the rows of the source wait to be deleted.
    Wait,
    /// Switched: the rows of the source are deleted.
    Purge,
    /// Aborting: the source accepts the company.
    Revive,
    /// Aborting: the changes are deleted.
    Forget,
    /// Aborting: the rows of the target are deleted.
    Clear,
    /// Aborting: the target notes that the company is not there.
    Withdraw,
}

/// Where a move goes on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Place {
    /// The step.
    pub step: Step,
    /// The number of the table, in the order of the step.
    pub table: usize,
    /// The last row of the table that is done, a JSON array.
    pub after: Option<String>,
    /// The last change that is done.
    pub seq: i64,
    /// Whether the rows after this place differed once, and were copied again.
    pub again: bool,
    /// The tables that this move knows.
    pub schema: String,
}

/// Bounds of one task.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Rows of a page.
    pub rows: i64,
    /// Bytes of a page, without its last row.
    pub bytes: i64,
    /// Changed rows that are copied together.
    pub keys: usize,
    /// Rows that one statement deletes.
    pub drops: i64,
    /// With fewer changes than this the company is frozen.
    pub changes: usize,
    /// How long the rows of the source stay after the switch, ms.
    pub purge_after_ms: i64,
}

/// What a statement of a move answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Row {
    /// A row as a JSON array, or its length; `None` if there is none. Of a change, its table.
    pub row: Option<String>,
    /// Its key as a JSON array.
    pub place: String,
    /// The rows that were found, or the number of a change.
    pub found: i64,
}

/// A row by its table's number and its key.
pub type Key = (usize, String);

/// Rows of one table to write, and keys to delete.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// JSON arrays.
    pub rows: Vec<String>,
    /// JSON arrays.
    pub gone: Vec<String>,
}

/// What is done next, in one batch. The machine's `take` gets the answers.
#[derive(Debug)]
pub enum Task<'a> {
    /// At the target: the company arrives.
    Arrive,
    /// At the source: notes changes from here on.
    Watch,
    /// A page of a table at the source. Answers [`Row`]s.
    Read {
        /// The table.
        table: &'static Table,
        /// After the row with this key.
        after: Option<&'a str>,
    },
    /// Writes rows at the target, by table.
    Write(&'a BTreeMap<usize, Change>),
    /// At the source: deletes the changes up to this number but the last one, and answers the next
    /// ones as [`Row`]s.
    Changes {
        /// The number.
        seq: i64,
    },
    /// The rows with these keys at the source. Answers [`Row`]s for each table, a prefix of its
    /// keys, in their order.
    Find(BTreeMap<usize, Vec<&'a str>>),
    /// At the source: refuses the company.
    Stop,
    /// Pages to compare: of the first table after the row with this key, or the first pages of all
    /// tables. Answers [`Row`]s for each table.
    Compare {
        /// Whether they are those of the target.
        at_target: bool,
        /// The tables.
        tables: &'static [Table],
        /// After the row with this key.
        after: Option<&'a str>,
    },
    /// At the target: accepts the company. Answers the hashes of its keys as [`Row`]s.
    Settle,
    /// In the directory: the company, and these hashes of its keys, are at the target.
    Direct(Vec<&'a str>),
    /// At the source: the company is gone.
    Leave,
    /// Deletes rows of a table. Answers the number as a [`Row`].
    Drop {
        /// Whether those of the target.
        at_target: bool,
        /// The table.
        table: &'static Table,
    },
    /// At the source: accepts the company, and notes no more changes.
    Revive,
    /// At the source: deletes changes. Answers the number as a [`Row`].
    Forget,
    /// At the target: the company is not there.
    Withdraw,
}

/// The tables whose rows are compared by key and length only: those with the most rows. A
/// comparison finds what was forgotten. Rows that changed are in the changes, as those of all other
/// tables.
const BY_LENGTH: [&str; 2] = ["events", "attempts"];

/// Whether the rows of a table are compared by key and length only.
#[must_use]
pub fn is_by_length(table: &Table) -> bool {
    BY_LENGTH.contains(&table.name)
}
