//! Reads, corrects, orders and writes times.
//!
//! All times are UTC. `ms` is epoch milliseconds. A `ts` orders a timeline: `ms × 1000 + place`.
//! Places 0–499 of a millisecond belong to identifies, and 500–999 to events in the order of their
//! request. So an event comes after an identify of the same millisecond, and a batch keeps its
//! order.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat};
use serde_json::Value;
use trackmate_wire::limits::{CLOCK_SKEW_MS_MIN, FUTURE_MS_MAX};

/// Places of one millisecond.
const PLACES: i64 = 1000;
/// The first place of events. The places below it are for identifies.
const EVENT_PLACE: i64 = 500;
/// The latest millisecond that a caller may send: the end of the year 2200.
const MS_MAX: i64 = 7_289_654_399_999;
/// Numbers from this one on are milliseconds: as seconds they would lie after the year 5000.
const SECONDS_MAX: f64 = 100_000_000_000.0;
/// Numbers below this one are milliseconds too: as seconds they would lie before September 2001.
/// They come from devices whose clock starts in 1970 when they are switched on, at most eleven days
/// ago. If the request has `sentAt`, such times are corrected.
const SECONDS_MIN: f64 = 1_000_000_000.0;

/// Reads a time in the forms that callers use. One is ISO 8601 with any offset and any fraction: a
/// blank may replace the `T`, the seconds or the whole time may be missing, and the default is UTC.
/// The other is epoch milliseconds or seconds, as a number or a text.
#[must_use]
pub fn parse(value: &Value) -> Option<i64> {
    let ms = match value {
        Value::String(text) => parse_text(text.trim())?,
        #[allow(clippy::cast_possible_truncation, reason = "bounded by the range check below")]
        Value::Number(number) => {
            let n = number.as_f64()?;
            (if (SECONDS_MIN..SECONDS_MAX).contains(&n) { n * 1000.0 } else { n }).round() as i64
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    (0..=MS_MAX).contains(&ms).then_some(ms)
}

fn parse_text(text: &str) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_millis());
    }
    let text = text.strip_suffix('Z').or_else(|| text.strip_suffix("UTC")).unwrap_or(text).trim_end();
    // Databases and most languages write a blank.
    let text = &text.replacen(' ', "T", 1);
    let offset = ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f %#z", "%Y-%m-%dT%H:%M%#z"];
    let naive = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    let with_offset =
        offset.iter().find_map(|form| DateTime::parse_from_str(text, form).ok()).map(|t| t.timestamp_millis());
    let in_utc = || {
        naive
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
            .map(|t| t.and_utc().timestamp_millis())
    };
    let day = || text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0).map(|t| t.and_utc().timestamp_millis());
    let number = || text.parse::<serde_json::Number>().ok().and_then(|n| parse(&Value::Number(n)));
    with_offset.or_else(in_utc).or_else(day).or_else(number)
}

/// When something happened, by our clock. This is the sender's time, corrected only if the sender's
/// clock differs by 55 minutes or more. Without a time, or if it lies more than a day ahead, the
/// time of arrival replaces it.
#[must_use]
pub fn happened(original_ms: Option<i64>, sent_ms: Option<i64>, received_ms: i64) -> i64 {
    let Some(original) = original_ms else { return received_ms };
    let skew = sent_ms.map_or(0, |sent| received_ms - sent);
    let corrected = if skew.abs() >= CLOCK_SKEW_MS_MIN { original + skew } else { original };
    if corrected > received_ms + FUTURE_MS_MAX { received_ms } else { corrected.max(0) }
}

/// The `ts` of the event at this place in its request.
#[must_use]
pub fn event_ts(ms: i64, place: usize) -> i64 {
    let place = i64::try_from(place).unwrap_or(i64::MAX).min(PLACES - EVENT_PLACE - 1);
    ms * PLACES + EVENT_PLACE + place
}

/// The place of an event in its request, from its `ts`.
#[must_use]
pub fn place(ts: i64) -> usize {
    usize::try_from(ts.rem_euclid(PLACES) - EVENT_PLACE).unwrap_or_default()
}

/// The `ts` of an identify. Its place follows from its message id. So the order of two identifies
/// on one session in the same millisecond does not depend on which request arrived first.
#[must_use]
pub fn identify_ts(ms: i64, message_id: &str) -> i64 {
    let hash = message_id.bytes().fold(2_166_136_261_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(16_777_619));
    ms * PLACES + i64::from(hash) % EVENT_PLACE
}

/// The milliseconds of a `ts`.
#[must_use]
pub const fn ts_ms(ts: i64) -> i64 {
    ts.div_euclid(PLACES)
}

/// Formats a time as `2025-10-18T10:00:00.000Z`.
#[must_use]
pub fn iso(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOON: i64 = 1_760_788_800_000; // 2025-10-18T12:00:00Z

    #[test]
    fn times_are_read_in_every_form_that_clients_send() {
        for value in [
            json!("2025-10-18T12:00:00Z"),
            json!("2025-10-18T12:00:00.000Z"),
            json!("2025-10-18T14:00:00.000000+02:00"),
            json!("2025-10-18T12:00:00.000000000+00:00"),
            json!("2025-10-18T12:00:00"),
            json!("2025-10-18T12:00Z"),
            json!("2025-10-18T12:00"),
            json!("2025-10-18 12:00:00"),
            json!("2025-10-18 12:00:00.000000"),
            json!("2025-10-18 12:00"),
            json!("2025-10-18 12:00:00Z"),
            json!("2025-10-18 12:00:00 UTC"),
            json!("2025-10-18 14:00:00+02:00"),
            json!("2025-10-18 14:00:00 +0200"),
            json!("2025-10-18 14:00:00.000 +02:00"),
            json!("2025-10-18T14:00:00+0200"),
            json!("2025-10-18T14:00+02:00"),
            json!(NOON.to_string()),
            json!(NOON),
            json!(NOON / 1000),
        ] {
            assert_eq!(parse(&value), Some(NOON), "{value}");
        }
        assert_eq!(parse(&json!("2025-10-18")), Some(NOON - 12 * 3_600_000));
        assert_eq!(parse(&json!(1_760_788_800.25)), Some(NOON + 250), "the fraction of seconds counts");
        for value in [
            json!("yesterday"),
            json!("2025-10-18 12:00:00 CET"),
            json!("2025-13-01T00:00:00Z"),
            json!(-5),
            json!(1e300),
            json!({}),
            json!(true),
        ] {
            assert_eq!(parse(&value), None, "{value}");
        }
        assert_eq!(iso(NOON), "2025-10-18T12:00:00.000Z");
    }

    #[test]
    fn a_clock_that_started_in_1970_is_corrected_to_the_millisecond() {
        let (happened_at, sent) = (parse(&json!(7_200_250)), parse(&json!(7_201_000)));
        assert_eq!((happened_at, sent), (Some(7_200_250), Some(7_201_000)));
        assert_eq!(happened(happened_at, sent, NOON), NOON - 750);
        assert_eq!(parse(&json!(999_999_999)), Some(999_999_999));
        assert_eq!(parse(&json!(1_000_000_000)), Some(1_000_000_000_000), "seconds, 9 September 2001");
    }

    #[test]
    fn a_sender_s_clock_is_corrected_if_it_differs_by_fifty_five_minutes_or_more() {
        let hour = 3_600_000;
        assert_eq!(happened(Some(NOON - 5), Some(NOON - 54 * 60_000), NOON), NOON - 5);
        assert_eq!(happened(Some(NOON - hour - 5), Some(NOON - hour), NOON), NOON - 5);
        assert_eq!(happened(Some(NOON + hour - 5), Some(NOON + hour), NOON), NOON - 5);
        assert_eq!(happened(None, Some(NOON - hour), NOON), NOON);
    }

    #[test]
    fn the_time_of_arrival_replaces_a_time_more_than_a_day_ahead() {
        assert_eq!(happened(Some(NOON + FUTURE_MS_MAX + 1), None, NOON), NOON);
        assert_eq!(happened(Some(NOON + FUTURE_MS_MAX), None, NOON), NOON + FUTURE_MS_MAX);
    }

    #[test]
    fn an_identify_comes_before_the_events_of_its_millisecond_and_a_batch_keeps_its_order() {
        assert!(identify_ts(NOON, "any") < event_ts(NOON, 0));
        assert!(event_ts(NOON, 0) < event_ts(NOON, 1));
        assert!(event_ts(NOON, 499) < identify_ts(NOON + 1, "any"));
        assert_eq!(ts_ms(event_ts(NOON, 499)), NOON);
    }
}
