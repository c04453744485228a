//! The API's answers about received events: the parts that are shown.

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
pub(super) struct Rejected {
    pub(super) rejected: Vec<Incoming>,
    pub(super) pagination: Pagination,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pagination {
    pub(super) next_cursor: Option<String>,
}

/// A received item.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Incoming {
    /// ISO 8601.
    pub(super) at: String,
    pub(super) door: String,
    pub(super) outcome: String,
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) message_id: Option<String>,
    pub(super) event_type: Option<String>,
    pub(super) event_data: Option<Value>,
    pub(super) user_id: Option<String>,
    pub(super) user_name: Option<String>,
    #[serde(default)]
    pub(super) warnings: Vec<Warning>,
}

/// A warning about an item that was stored.
#[derive(Deserialize)]
pub(super) struct Warning {
    pub(super) code: String,
    pub(super) message: String,
}

#[derive(Deserialize)]
pub(super) struct Receipt {
    pub(super) event: Event,
    pub(super) person: Option<Person>,
    pub(super) deliveries: Vec<Delivery>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    pub(super) message_id: String,
    pub(super) door: String,
    pub(super) outcome: String,
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) field: Option<String>,
    pub(super) event_type: Option<String>,
    pub(super) event_data: Option<Value>,
    /// The page and the browser, as sent by the client.
    pub(super) context: Option<Value>,
    pub(super) timestamp: Option<String>,
    pub(super) received_at: String,
    pub(super) session_id: Option<String>,
    pub(super) duplicates: Option<u64>,
    #[serde(default)]
    pub(super) warnings: Vec<Warning>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) linked_by: Option<LinkedBy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LinkedBy {
    pub(super) message_id: String,
    pub(super) at: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Delivery {
    pub(super) webhook_id: String,
    pub(super) webhook_name: Option<String>,
    pub(super) status: String,
    pub(super) next_attempt_at: Option<String>,
    pub(super) attempts: Vec<Attempt>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attempt {
    pub(super) attempt: u32,
    pub(super) at: String,
    pub(super) status_code: Option<u16>,
    pub(super) error: Option<String>,
    pub(super) duration_ms: u64,
}
