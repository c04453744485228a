//! Times of the API.

use chrono::DateTime;
use serde_json::Value;

/// Milliseconds of a time of the API, which is a number or ISO 8601.
pub(crate) fn ms(time: &Value) -> Option<i64> {
    time.as_i64().or_else(|| Some(DateTime::parse_from_rfc3339(time.as_str()?).ok()?.timestamp_millis()))
}
