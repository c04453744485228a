//! `/api/admin/exports`: the log of exports.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::audit::KeyUsed;
use super::pagination::Pagination;

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportList {
    pub exports: Vec<Export>,
    pub pagination: Pagination,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportAnswer {
    pub export: Export,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Export {
    pub id: String,
    pub kind: String,
    pub format: String,
    pub state: String,
    pub key: KeyUsed,
    pub filters: Box<RawValue>,
    pub fields: Option<Box<RawValue>>,
    pub snapshot: String,
    pub after: Option<String>,
    pub rows: i64,
    pub bytes: i64,
    /// Of the bytes handed over, before any content encoding.
    pub sha256: Option<String>,
    pub changed_during: Option<i64>,
    pub started_at: String,
    pub ended_at: Option<String>,
    /// Where a next part begins, if this one did not reach the end.
    pub next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marks: Option<Vec<Mark>>,
}

// A position in an export at which an interrupted download can be resumed.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Mark {
    pub rows: u64,
    pub bytes: u64,
    pub sha256: String,
    pub after: String,
}
