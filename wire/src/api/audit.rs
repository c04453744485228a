//! `/api/admin/audit`: the log of changes and exports.

use serde::{Deserialize, Serialize};

use super::pagination::Pagination;

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditPage {
    pub entries: Vec<AuditEntry>,
    pub pagination: Pagination,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    pub id: String,
    pub at: String,
    pub actor: String,
    pub key: Option<KeyUsed>,
    pub action: String,
    pub target_id: Option<String>,
    pub request_id: String,
    pub outcome: String,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyUsed {
    pub id: String,
    pub prefix: String,
}
