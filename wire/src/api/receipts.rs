//! `/api/admin/events`: received events with their outcomes, and the receipt of one event.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::deliveries::Attempt;
use super::pagination::Pagination;
use super::warning::Warning;

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IncomingList {
    pub events: Vec<Incoming>,
    pub pagination: Pagination,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RejectedList {
    pub rejected: Vec<Incoming>,
    pub pagination: Pagination,
}

/// A received event and its outcome.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Incoming {
    pub seq: i64,
    pub at: String,
    // The source.
    pub door: String,
    pub outcome: String,
    pub code: Option<String>,
    pub message: Option<String>,
    pub field: Option<String>,
    pub message_id: Option<String>,
    pub event_type: Option<String>,
    pub event_data: Option<Box<RawValue>>,
    pub timestamp: Option<String>,
    pub session_id: Option<String>,
    pub user_id: Option<String>,
    pub user_name: Option<String>,
    /// Only where a machine sent it, by its own word.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bot: bool,
    /// Of what was stored all the same. Other vendors' clients read no warnings in an answer, so
    /// here is where to look.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventReceipt {
    pub event: ReceivedEvent,
    pub person: Option<ReceiptPerson>,
    pub deliveries: Vec<ReceiptDelivery>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReceivedEvent {
    pub message_id: String,
    // The source.
    pub door: String,
    pub outcome: String,
    pub code: Option<String>,
    pub message: Option<String>,
    pub field: Option<String>,
    pub event_type: Option<String>,
    pub event_data: Option<Box<RawValue>>,
    /// The page and the browser, as its sender told them.
    pub context: Option<Box<RawValue>>,
    pub timestamp: Option<String>,
    pub original_timestamp: Option<String>,
    pub sent_at: Option<String>,
    pub received_at: String,
    pub session_id: Option<String>,
    pub source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicates: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReceiptPerson {
    pub id: String,
    pub name: Option<String>,
    pub email: Option<String>,
    pub linked_by: Option<LinkedBy>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LinkedBy {
    pub message_id: String,
    pub at: String,
    pub session_id: String,
}

/// A delivery as shown.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReceiptDelivery {
    pub webhook_id: String,
    pub webhook_name: Option<String>,
    // The fields of `Delivery`. serde does not read raw JSON in a flattened type.
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
