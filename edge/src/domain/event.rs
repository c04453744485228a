//! Validates events and makes their rows. An invalid item never rejects a valid one.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use trackmate_wire::ids::{is_message_id, is_placeholder};
use trackmate_wire::limits::{EVENT_BYTES_MAX, EVENT_NAME_CHARS_MAX, JSON_DEPTH_MAX};
use trackmate_wire::problem::{Code, Problem};
use trackmate_wire::signature::sha256_hex;

use super::{clock, lenient, revenue};

/// The times and the subject that all events of a request share.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// Whom the events are about, as text. It goes into the id of an event without a message id.
    pub subject: &'a str,
    /// The sender's clock at sending, ms.
    pub sent_ms: Option<i64>,
    /// Our clock, ms.
    pub received_ms: i64,
}

/// A group that an event names besides its data, as PostHog's clients do with each event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The group's kind.
    pub kind: String,
    /// The company's id of the group.
    pub key: String,
}

/// One event as a row of the `events.insert` statement's JSON parameter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// Message id.
    #[serde(rename = "i")]
    pub id: String,
    /// When it happened, as a `ts`.
    #[serde(rename = "t")]
    pub ts: i64,
    /// The event's name.
    #[serde(rename = "n")]
    pub name: String,
    /// The event's data, an object, as sent.
    #[serde(rename = "d")]
    pub data: Box<RawValue>,
    /// Revenue counters: see [`revenue`].
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub revenue: Option<BTreeMap<String, i64>>,
    /// The time that the sender set, ms.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub original_ms: Option<i64>,
    /// The event's context, an object, which replaces that of the request.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Box<RawValue>>,
    /// The groups that the event names. Only other vendors' events name any, and the outage buffer
    /// stores those as they were sent.
    #[serde(skip)]
    pub groups: Vec<Mention>,
    /// 1: a server sent it for a browser session, so its source is that of the browser.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub sent_by_server: Option<i64>,
}

/// A request's items after validation.
#[derive(Debug, Default)]
pub struct Validated {
    /// Rows to store, each id once.
    pub rows: Vec<Row>,
    /// The other items.
    pub left_out: LeftOut,
}

/// The items of a request that are not stored.
#[derive(Debug, Default)]
pub struct LeftOut {
    /// Items with the id of an earlier item of the request.
    pub repeated: Vec<Row>,
    /// Rejected items: the place in the request, and the problem.
    pub rejected: Vec<(usize, Problem)>,
}

impl LeftOut {
    /// How many items are left out.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.repeated.len() + self.rejected.len()
    }
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Event"))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Item<'a> {
    event_type: Option<String>,
    #[serde(borrow)]
    event_data: Option<&'a RawValue>,
    timestamp: Option<Value>,
    #[serde(default, deserialize_with = "lenient::deserialize")]
    message_id: Option<String>,
    identifier: Option<Value>,
}

/// Validates a request's items and makes the rows of the valid ones. `fresh_id` makes an id for an
/// event that has neither an id nor a time.
pub fn validate<'a>(
    items: impl Iterator<Item = &'a str>,
    arrival: Arrival<'_>,
    mut fresh_id: impl FnMut() -> String,
) -> Validated {
    let mut validated = Validated::default();
    let mut seen = HashSet::new();
    for (place, item) in items.enumerate() {
        match row(item, place, arrival, &mut fresh_id) {
            Ok(row) if seen.insert(row.id.clone()) => validated.rows.push(row),
            Ok(row) => validated.left_out.repeated.push(row),
            Err(problem) => validated.left_out.rejected.push((place, problem)),
        }
    }
    validated
}

/// Validates one item (JSON text) and makes its row.
///
/// # Errors
/// The [`Problem`] of an invalid item.
pub fn row(
    raw: &str,
    place: usize,
    arrival: Arrival<'_>,
    fresh_id: &mut dyn FnMut() -> String,
) -> Result<Row, Problem> {
    if raw.len() > EVENT_BYTES_MAX {
        return Err(Problem::new(
            Code::EventTooLarge,
            format!("the event has {} bytes, over {EVENT_BYTES_MAX}", raw.len()),
        ));
    }
    let item: Item = serde_json::from_str(raw).map_err(|_| {
        let message = "an event is an object {eventType, eventData?, timestamp?, messageId?} with texts for \
                       eventType and messageId";
        Problem::new(Code::InvalidField, message)
    })?;
    if item.identifier.is_some() {
        return Err(Problem::field(
            Code::InvalidField,
            "identifier",
            "the identifier stands beside events, one for the request",
        ));
    }
    let event = UncheckedEvent {
        name: item.event_type,
        data: item.event_data.map_or("{}", RawValue::get),
        timestamp: item.timestamp,
        message_id: item.message_id,
        context: None,
        groups: Vec::new(),
    };
    event.row(place, arrival, fresh_id)
}

/// An event before validation.
#[derive(Debug)]
pub struct UncheckedEvent<'a> {
    /// Its name.
    pub name: Option<String>,
    /// Its data, JSON.
    pub data: &'a str,
    /// When it happened, as sent.
    pub timestamp: Option<Value>,
    /// The sender's message id.
    pub message_id: Option<String>,
    /// The event's context, an object.
    pub context: Option<Box<RawValue>>,
    /// The groups that the event names.
    pub groups: Vec<Mention>,
}

impl UncheckedEvent<'_> {
    /// Validates the event at this place in its request and makes its row.
    ///
    /// # Errors
    /// The [`Problem`] of an invalid event.
    pub fn row(self, place: usize, arrival: Arrival<'_>, fresh_id: &mut dyn FnMut() -> String) -> Result<Row, Problem> {
        let name = self.name.map(|n| n.trim().to_owned()).filter(|n| !n.is_empty());
        let name = name.ok_or_else(|| Problem::field(Code::MissingField, "eventType", "eventType is missing"))?;
        if name.chars().count() > EVENT_NAME_CHARS_MAX || name.chars().any(char::is_control) {
            return Err(Problem::field(
                Code::InvalidField,
                "eventType",
                format!("eventType has at most {EVENT_NAME_CHARS_MAX} characters, none of them control characters"),
            ));
        }
        let data = if self.data == "null" { "{}" } else { self.data };
        check_object(data, "eventData")?;
        let original_ms = sent_time(self.timestamp.as_ref())?;
        let ts = clock::event_ts(clock::happened(original_ms, arrival.sent_ms, arrival.received_ms), place);
        let id = match (self.message_id.filter(|id| !id.is_empty()), original_ms) {
            (Some(id), _) => checked_message_id(id)?,
            (None, Some(ms)) => content_id(&[arrival.subject, &name, &ms.to_string(), data]),
            (None, None) => fresh_id(),
        };
        let revenue = revenue::counters(&name, data);
        let data = RawValue::from_string(data.to_owned())
            .map_err(|_| Problem::field(Code::InvalidField, "eventData", "eventData is not JSON"))?;
        Ok(Row {
            id,
            ts,
            name,
            data,
            revenue,
            original_ms,
            context: self.context,
            groups: self.groups,
            sent_by_server: None,
        })
    }
}

/// Checks that this JSON text is an object with at most 32 levels.
///
/// # Errors
/// `invalid_field`, `json_too_deep`.
pub fn check_object(json: &str, field: &'static str) -> Result<(), Problem> {
    if !json.trim_start().starts_with('{') {
        return Err(Problem::field(Code::InvalidField, field, format!("{field} is an object")));
    }
    if depth(json) > JSON_DEPTH_MAX {
        return Err(Problem::field(
            Code::JsonTooDeep,
            field,
            format!("{field} is nested deeper than {JSON_DEPTH_MAX}"),
        ));
    }
    Ok(())
}

/// Reads a caller's time.
///
/// # Errors
/// `invalid_timestamp`.
pub fn time(value: &Value, field: &'static str) -> Result<i64, Problem> {
    clock::parse(value).ok_or_else(|| {
        Problem::field(Code::InvalidTimestamp, field, format!("{field} is ISO 8601 or epoch milliseconds"))
    })
}

/// Reads an item's `timestamp`. Null and a blank text count as missing.
///
/// # Errors
/// `invalid_timestamp`.
pub fn sent_time(value: Option<&Value>) -> Result<Option<i64>, Problem> {
    let is_missing = |value: &Value| value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
    value.filter(|value| !is_missing(value)).map(|value| time(value, "timestamp")).transpose()
}

/// Checks a caller's message id.
///
/// # Errors
/// `invalid_field`, `placeholder_id`.
pub fn checked_message_id(id: String) -> Result<String, Problem> {
    if is_placeholder(&id) {
        return Err(Problem::field(
            Code::PlaceholderId,
            "messageId",
            "messageId is a placeholder; leave it out and one is made",
        ));
    }
    if is_message_id(&id) {
        return Ok(id);
    }
    Err(Problem::field(Code::InvalidField, "messageId", "messageId has 1 to 128 bytes and no control characters"))
}

/// The id of an event with a time but without an id: the same content gives the same id.
#[must_use]
pub fn content_id(parts: &[&str]) -> String {
    let mut text = String::new();
    for part in parts {
        text.push_str(&part.len().to_string());
        text.push(':');
        text.push_str(part);
    }
    format!("h_{}", sha256_hex(text.as_bytes()).chars().take(32).collect::<String>())
}

/// The nesting depth of valid JSON text. Brackets inside strings do not count.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Arrival<'static> = Arrival { subject: "session_1", sent_ms: None, received_ms: 1_760_788_800_000 };

    fn check(raw: &str) -> Result<Row, Code> {
        row(raw, 0, NOW, &mut || "fresh".into()).map_err(|p| p.code)
    }

    #[test]
    fn a_seed_event_is_accepted_as_sent() {
        let row = check(r#"{"eventType":"add_to_cart","eventData":{"price":79.990,"big":12345678901234567890,"s":"é\u0000"},"timestamp":"2025-10-18T10:05:00Z"}"#).unwrap();
        assert_eq!(row.name, "add_to_cart");
        assert_eq!(row.data.get(), r#"{"price":79.990,"big":12345678901234567890,"s":"é\u0000"}"#);
        assert!(row.id.starts_with("h_"));
        assert_eq!(clock::iso(clock::ts_ms(row.ts)), "2025-10-18T10:05:00.000Z");
    }

    #[test]
    fn each_kind_of_invalid_item_has_its_problem_code() {
        for (raw, code) in [
            ("5", Code::InvalidField),
            ("{}", Code::MissingField),
            (r#"{"eventType":"  "}"#, Code::MissingField),
            (r#"{"eventType":7}"#, Code::InvalidField),
            (r#"{"eventType":"x","eventData":[1]}"#, Code::InvalidField),
            (r#"{"eventType":"x","eventData":"{}"}"#, Code::InvalidField),
            (r#"{"eventType":"x","timestamp":"soon"}"#, Code::InvalidTimestamp),
            (r#"{"eventType":"x","messageId":"undefined"}"#, Code::PlaceholderId),
            (r#"{"eventType":"x","identifier":{"email":"a@b.c"}}"#, Code::InvalidField),
        ] {
            assert_eq!(check(raw).err(), Some(code), "{raw}");
        }
        let deep = format!(r#"{{"eventType":"x","eventData":{{"a":{}{}}}}}"#, "[".repeat(32), "]".repeat(32));
        assert_eq!(check(&deep).err(), Some(Code::JsonTooDeep));
        let large = format!(r#"{{"eventType":"x","eventData":{{"a":"{}"}}}}"#, "x".repeat(EVENT_BYTES_MAX));
        assert_eq!(check(&large).err(), Some(Code::EventTooLarge));
        assert_eq!(check(&format!(r#"{{"eventType":"{}"}}"#, "é".repeat(200))).err(), None);
        assert_eq!(check(&format!(r#"{{"eventType":"{}"}}"#, "é".repeat(201))).err(), Some(Code::InvalidField));
    }

    #[test]
    fn null_members_count_as_missing() {
        let row = check(r#"{"eventType":"x","eventData":null,"timestamp":null,"messageId":""}"#).unwrap();
        assert_eq!((row.data.get(), row.id.as_str(), row.original_ms), ("{}", "fresh", None));
        let row = check(r#"{"eventType":"x","timestamp":" ","messageId":17}"#).unwrap();
        assert_eq!((row.id.as_str(), row.original_ms), ("17", None));
    }

    #[test]
    fn only_events_with_the_same_content_and_time_get_the_same_id() {
        let one = r#"{"eventType":"x","eventData":{"a":1},"timestamp":1760788800000}"#;
        let two = r#"{"eventType":"x","eventData":{"a":2},"timestamp":1760788800000}"#;
        assert_eq!(check(one).unwrap().id, check(one).unwrap().id);
        assert_ne!(check(one).unwrap().id, check(two).unwrap().id);
        assert_ne!(content_id(&["ab", "c"]), content_id(&["a", "bc"]));
    }

    #[test]
    fn an_invalid_item_does_not_reject_the_valid_ones() {
        let items = [
            r#"{"eventType":"a","messageId":"1"}"#,
            "[]",
            r#"{"eventType":"b","messageId":"1"}"#,
            r#"{"eventType":"c"}"#,
        ];
        let Validated { rows, left_out } = validate(items.into_iter(), NOW, || "fresh".into());
        assert_eq!(rows.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!((left_out.repeated.len(), left_out.rejected.iter().map(|r| r.0).collect::<Vec<_>>()), (1, vec![1]));
    }

    #[test]
    fn brackets_in_strings_do_not_count_as_depth() {
        assert_eq!(depth(r#"{"a":"[[[\"[["}"#), 1);
        assert_eq!(depth(r#"[[{"a":[]}]]"#), 4);
    }
}
