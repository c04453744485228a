//! `/api/operator/backup` and `/api/operator/restore`: pages of a backup, and what a restore sends.

use serde::{Deserialize, Serialize};
use serde_json::Value;

// What every page of a backup says about the deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct BackupSource {
    /// Of TrackMate.
    pub version: String,
    /// A hash of all tables and columns. A backup can be restored where this is the same.
    pub schema: String,
    /// The time of the answer, ms.
    pub at: i64,
    /// Identifies its `SECRETS_KEY`; null if it has none.
    pub secrets_key_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BackupPlace {
    pub table: String,
    /// The key of the last row that was read; null: the table's beginning.
    pub after: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BackupPage {
    pub source: BackupSource,
    pub table: String,
    /// Each row is an array of its columns.
    pub rows: Vec<Value>,
    /// Where the next page begins; null at the end.
    pub next: Option<BackupPlace>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreRequest {
    /// SHA-256 of the backup's file, by which a restore is continued.
    pub file: String,
    /// The `source.schema` of the backup.
    pub schema: String,
    /// The `source.at` of the backup's first page, ms.
    pub began_at: i64,
    /// The company of the backup; null: all companies.
    pub company: Option<String>,
    /// The `source.secretsKeyId` of the backup. A deployment with another key refuses it. Null: it
    /// may have another.
    pub secrets_key_id: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreBatch {
    /// 0 for the first batch.
    pub number: i64,
    pub table: String,
    pub rows: Vec<Vec<Value>>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreEnd {
    /// SHA-256 of the backup's file.
    pub file: String,
    /// The number of all batches.
    pub batches: i64,
    /// The number of all rows.
    pub rows: i64,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RestoreAnswer {
    /// The number of the batch to send next.
    pub next: i64,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RestoreEndAnswer {
    /// Whether everybody sees what was restored. Otherwise send the request again.
    pub complete: bool,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AbortAnswer {
    /// Whether nothing is left of the restore. Otherwise ask again.
    pub complete: bool,
}
