//! Parses arguments into the API's formats. Pure, except `time`, which reads the clock.

use chrono::{DateTime, Duration, NaiveDate, SecondsFormat, Utc};

/// A list of event patterns. Not a plain `Vec`, which clap treats as a repeated option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Events(pub(super) Vec<String>);

/// Splits `match, upload` into its names. At least one is required.
pub(super) fn events(text: &str) -> Result<Events, String> {
    let names: Vec<String> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(Into::into).collect();
    if names.is_empty() {
        return Err("name at least one event, or * for all".into());
    }
    Ok(Events(names))
}

/// Splits `Authorization=Bearer abc=` into name and value, at the first `=`.
pub(super) fn header(text: &str) -> Result<(&str, &str), &'static str> {
    // The messages never contain the text, since the value is a secret.
    let (name, value) = text.split_once('=').ok_or("a header must have the form NAME=VALUE")?;
    let (name, value) = (name.trim(), value.trim());
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Err("the part before = is not a header name");
    }
    if value.is_empty() || value.chars().any(char::is_control) {
        return Err("the part after = is not a header value");
    }
    Ok((name, value))
}

/// An id, which is inserted into a path unencoded.
pub(super) fn id(text: &str) -> Result<String, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)) {
        return Err("an id consists of letters, digits, _ and - (`trackmate webhooks list` shows ids)".into());
    }
    Ok(text.to_owned())
}

/// Parses ISO 8601 (a date is its midnight in UTC), epoch milliseconds, or an age: `30s`, `90m`,
/// `2h`, `7d`. Returns ISO 8601 in UTC.
pub(crate) fn time(text: &str) -> Result<String, String> {
    at(text.trim(), Utc::now())
        .map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
        .ok_or_else(|| "not a time: write 2025-10-18T10:00:00Z, 2025-10-18, epoch milliseconds, 90m, 2h or 7d".into())
}

fn at(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Some(day.and_hms_opt(0, 0, 0)?.and_utc());
    }
    if let Ok(milliseconds) = text.parse() {
        return DateTime::from_timestamp_millis(milliseconds);
    }
    let seconds_of = [("s", 1_i64), ("m", 60), ("h", 3600), ("d", 86_400)];
    let (count, seconds) =
        seconds_of.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?.parse::<u32>().ok()?, seconds)))?;
    now.checked_sub_signed(Duration::try_seconds(i64::from(count).checked_mul(*seconds)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_separated_by_commas() {
        let names = |text| events(text).map(|events| events.0.join("|"));
        assert_eq!(names("match,upload"), Ok("match|upload".into()));
        assert_eq!(names(" booking.* , , qr.scanned,"), Ok("booking.*|qr.scanned".into()));
        assert_eq!(names("*"), Ok("*".into()));
        assert!(names(" , ").is_err());
    }

    #[test]
    fn a_header_is_split_at_its_first_equals_sign() {
        assert_eq!(header("Authorization=Bearer abc="), Ok(("Authorization", "Bearer abc=")));
        assert_eq!(header("X-Webhook-Secret = s"), Ok(("X-Webhook-Secret", "s")));
        for bad in ["Authorization", "=x", "X-A=", "X A=b", "X-A=a\nX-B: c"] {
            assert!(header(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_message_about_a_bad_header_does_not_show_it() {
        assert!(!header("Bearer topsecret").unwrap_err().contains("topsecret"));
        assert!(!header("A B=topsecret").unwrap_err().contains("topsecret"));
    }

    #[test]
    fn an_id_cannot_change_the_path() {
        assert!(id("wh_0123-AB").is_ok());
        for bad in ["", "../settings", "a/b", "a?b", "a b", "é"] {
            assert!(id(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_are_parsed_in_every_format() {
        let now = DateTime::parse_from_rfc3339("2025-10-18T10:00:00Z").unwrap().to_utc();
        let iso = |text| at(text, now).map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true));
        assert_eq!(iso("2025-10-18T12:00:00+02:00").as_deref(), Some("2025-10-18T10:00:00.000Z"));
        assert_eq!(iso("2025-10-18").as_deref(), Some("2025-10-18T00:00:00.000Z"));
        assert_eq!(iso("1760781600000").as_deref(), Some("2025-10-18T10:00:00.000Z"));
        assert_eq!(iso("90m").as_deref(), Some("2025-10-18T08:30:00.000Z"));
        assert_eq!(iso("7d").as_deref(), Some("2025-10-11T10:00:00.000Z"));
        for bad in ["", "yesterday", "h", "-2h", "2w", "2025-13-01", "4294967295d", "99999999999999999999"] {
            assert_eq!(iso(bad), None, "{bad}");
        }
    }
}
