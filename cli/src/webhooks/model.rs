//! The API's objects: the parts that are shown. A field that another version of TrackMate leaves
//! out is empty, not an error.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Webhooks {
    pub(super) webhooks: Vec<Webhook>,
}

#[derive(Deserialize)]
pub(super) struct One {
    pub(super) webhook: Webhook,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Webhook {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) url: String,
    pub(super) events: Vec<String>,
    pub(super) active: bool,
    /// Only in the answer that created it.
    pub(super) secret: Option<String>,
    pub(super) description: Option<String>,
    pub(super) preset: Option<String>,
    pub(super) disabled_reason: Option<String>,
    /// Deliveries per second.
    pub(super) rate_limit: Option<u32>,
    #[serde(default)]
    pub(super) circuit: Circuit,
    /// Header names with masked values.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) stats: Stats,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Circuit {
    /// Set while the circuit is open: the time of the next probe, in ISO 8601.
    pub(super) next_probe_at: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Stats {
    pub(super) success: i64,
    pub(super) failed: i64,
    pub(super) held: i64,
    pub(super) last_status: Option<u16>,
    pub(super) last_error: Option<String>,
    /// ISO 8601.
    pub(super) last_delivery_at: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Settings {
    pub(super) settings: Switch,
}

#[derive(Deserialize)]
pub(super) struct Switch {
    #[serde(rename = "webhooksEnabled", default = "on")]
    pub(super) webhooks_enabled: bool,
}

fn on() -> bool {
    true
}

/// The outcome of a test delivery.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tested {
    pub(super) delivered: bool,
    pub(super) status_code: Option<u16>,
    pub(super) error: Option<String>,
    pub(super) response_body: Option<String>,
    pub(super) duration_ms: u64,
}

#[derive(Deserialize)]
pub(super) struct Deliveries {
    pub(super) deliveries: Vec<Delivery>,
    pub(super) pagination: Pagination,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pagination {
    pub(super) next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Delivery {
    pub(super) id: String,
    pub(super) event: String,
    pub(super) status: String,
    /// ISO 8601.
    pub(super) created_at: String,
    /// The total number of attempts.
    #[serde(default)]
    pub(super) attempts_made: i64,
    /// The latest attempts.
    #[serde(default)]
    pub(super) attempts: Vec<Attempt>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attempt {
    pub(super) status_code: Option<u16>,
    pub(super) error: Option<String>,
}

/// One step of a recovery.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Recovered {
    pub(super) requeued: u64,
    pub(super) has_more: bool,
    pub(super) next_cursor: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Resent {
    pub(super) delivery: State,
}

#[derive(Deserialize)]
pub(super) struct State {
    pub(super) id: String,
    pub(super) status: String,
}
