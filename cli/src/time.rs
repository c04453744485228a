//! Times of the API.

use chrono::DateTime;

/// Milliseconds of a time of the API, which is ISO 8601.
pub(crate) fn ms(time: &str) -> Option<i64> {
    Some(DateTime::parse_from_rfc3339(time).ok()?.timestamp_millis())
}
