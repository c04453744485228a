//! `/api/operator/cells`, and the moves of companies between them.

use serde::{Deserialize, Serialize};

use super::pagination::Pagination;

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MoveRequest {
    /// The cell that the company goes to.
    pub to: Option<String>,
    /// Also if its data leave their jurisdiction.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Move {
    pub id: String,
    pub company: String,
    /// The cell that it leaves.
    pub source: String,
    /// The cell that it goes to.
    pub target: String,
    /// `copying`, `frozen`, `switched`, `aborting`, `done` or `aborted`.
    pub phase: String,
    /// Rows that were copied so far.
    pub rows: i64,
    pub began_at: String,
    /// When the company was stopped; null: it was not yet.
    pub frozen_at: Option<String>,
    /// When the company was at its new cell; null: it is not yet.
    pub switched_at: Option<String>,
    pub ended_at: Option<String>,
    /// Why the last step failed, or why it was aborted; null: neither.
    pub error: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MoveAnswer {
    /// The last move of the company; null: it never moved.
    #[serde(rename = "move")]
    pub moved: Option<Move>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MoveList {
    pub moves: Vec<Move>,
    pub pagination: Pagination,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Cell {
    /// The name of its binding.
    pub cell: String,
    /// `open`; `full`: takes no companies; `closed`: takes none, and gives none away.
    pub state: String,
    pub jurisdiction: Option<String>,
    pub region: Option<String>,
    pub companies: i64,
    pub bytes: i64,
    /// Those that it may have (`D1_BYTES_MAX`).
    pub bytes_max: i64,
    /// The number of its newest migration.
    pub schema: i64,
    pub first_seen_at: String,
    /// When a sweep ended there last; null: never.
    pub seen_at: Option<String>,
    /// Why the last sweep failed; null: it did not.
    pub error: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CellList {
    pub cells: Vec<Cell>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CellRequest {
    /// `open`, `full` or `closed`.
    pub state: Option<String>,
}
