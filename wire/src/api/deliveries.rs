//! `/api/admin/webhooks/{id}/deliveries` and `/recover`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::pagination::Pagination;

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeliveryList {
    pub deliveries: Vec<Delivery>,
    pub pagination: Pagination,
}

/// A delivery as shown.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    pub id: String,
    pub event: String,
    pub message_id: String,
    pub status: String,
    pub created_at: String,
    pub next_attempt_at: Option<String>,
    pub finished_at: Option<String>,
    /// The bytes sent, once an attempt has ended.
    pub payload: Option<Box<RawValue>>,
    /// How many were ever made.
    pub attempts_made: i64,
    /// The latest of them.
    pub attempts: Vec<Attempt>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    pub attempt: i64,
    pub at: String,
    pub url: String,
    pub status_code: Option<i64>,
    pub success: bool,
    pub error: Option<String>,
    pub response_body: Option<String>,
    pub duration_ms: i64,
}

#[derive(Serialize, Deserialize, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RecoverRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RecoverAnswer {
    pub requeued: usize,
    pub has_more: bool,
    pub next_cursor: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResendAnswer {
    pub delivery: Requeued,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Requeued {
    pub id: String,
    pub status: String,
}
