//! The API's answers about exports.

use serde::Deserialize;

use crate::audit::Key;

/// An export as the API returns it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Export {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) format: String,
    pub(super) state: String,
    pub(super) key: Key,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) sha256: Option<String>,
    pub(super) changed_during: Option<u64>,
    pub(super) started_at: String,
    pub(super) next: Option<String>,
    #[serde(default)]
    pub(super) marks: Vec<Mark>,
}

/// A position in an export at which it can be resumed.
#[derive(Deserialize)]
pub(super) struct Mark {
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    pub(super) after: String,
}
