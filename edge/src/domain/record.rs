//! Records of things that belong to people (bookings, QR codes, conversations, any other kind). A
//! company's server sends the events that make them. [`super::person_records`] has the form in
//! which answers show them.
//!
//! A record is the fold of its events in the order (ts, message id). Each field has the value of
//! the latest event that names it. The record's place is that of its latest event that names a
//! person. This depends only on the set of events, so the order of arrival cannot matter.
//! `store/sql/records.merge.sql` applies the same rules, and `edge/tests/rules/records.rs` compares
//! the two.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use trackmate_wire::limits::{
    RECORD_FIELD_BYTES_MAX, RECORD_FIELD_CHARS_MAX, RECORD_FIELDS_MAX, RECORD_ID_BYTES_MAX, RECORD_KIND_CHARS_MAX,
};

use super::event::Row;
use super::person::{Traits, traits};

/// The kind of QR codes, whose scans are counted.
pub const QR: &str = "qr";
/// The kind of bookings.
pub const BOOKING: &str = "booking";
/// The kind of conversations, with an assistant for instance.
pub const CONVERSATION: &str = "conversation";
/// Kinds of what a person writes. Each has an id, or that of its event.
pub const INTERACTIONS: [&str; 3] = ["message", "comment", "story"];

/// Prefixes of platform events. These events concern the person, not a record.
const PLATFORM: [&str; 4] = ["user", "tag", "customfield", "webhook"];

/// Verbs that name a state. They become the record's `status`, unless the object has a status.
const STATES: [&str; 12] = [
    "cancelled",
    "canceled",
    "closed",
    "completed",
    "confirmed",
    "deleted",
    "expired",
    "failed",
    "refunded",
    "rejected",
    "scanned",
    "validated",
];

/// The text of a JSON value, alone in an array, so that `SQLite` stores it as sent.
pub type Sent = (Box<RawValue>,);

/// What one event says about one record, as an item of the `records.merge` statement's JSON
/// parameter.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// The event's message id.
    #[serde(rename = "i")]
    pub message_id: String,
    /// The record's kind: `booking`.
    #[serde(rename = "k")]
    pub kind: String,
    /// The company's id of the record.
    #[serde(rename = "o")]
    pub id: String,
    /// 1 if the event is a scan.
    #[serde(rename = "s")]
    pub scans: i64,
    /// The fields.
    #[serde(rename = "f")]
    pub fields: BTreeMap<String, Sent>,
}

/// What a request's events say about records. Only events of the server API may be given here.
#[must_use]
pub fn changes(rows: &[Row]) -> Vec<Change> {
    rows.iter().filter_map(|row| change(&row.id, &row.name, row.data.get())).collect()
}

/// What an event says about a record. The event's name is `<kind>.<verb>`, and its data have an
/// object of that kind (for `qr`, a `qrCode`) with an `id`. A QR code may have a `code` instead of
/// an id. The data of an interaction may themselves be the object.
#[must_use]
pub fn change(message_id: &str, name: &str, data: &str) -> Option<Change> {
    let (kind, verb) = name.split_once('.')?;
    if !is_kind(kind) || PLATFORM.contains(&kind) || verb.is_empty() || verb.contains('.') {
        return None;
    }
    let is_interaction = INTERACTIONS.contains(&kind);
    let data = traits(data).ok()?;
    let object = data.get(if kind == QR { "qrCode" } else { kind }).and_then(|raw| traits(raw.get()).ok());
    let mut object = object.or_else(|| is_interaction.then_some(data))?;
    let code = object.get("code").filter(|_| kind == QR).and_then(|raw| id(raw));
    let own = object.remove("id").and_then(|raw| id(&raw)).or(code);
    let id = own.or_else(|| is_interaction.then(|| message_id.to_owned()))?;
    if STATES.contains(&verb) && object.get("status").is_none_or(|raw| raw.get() == "null") {
        object.insert("status".to_owned(), serde_json::value::to_raw_value(verb).ok()?);
    }
    let scans = i64::from(kind == QR && verb == "scanned");
    Some(Change { message_id: message_id.to_owned(), kind: kind.to_owned(), id, scans, fields: fields(object) })
}

/// Whether this is a valid kind of record.
#[must_use]
pub fn is_kind(text: &str) -> bool {
    let fits = (1..=RECORD_KIND_CHARS_MAX).contains(&text.len());
    fits && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Reads an id: a text, or a number as its text.
pub(super) fn id(raw: &RawValue) -> Option<String> {
    let number = || raw.get().starts_with(|c: char| c == '-' || c.is_ascii_digit()).then(|| raw.get().to_owned());
    let text = serde_json::from_str::<String>(raw.get()).ok().or_else(number)?;
    let fits = (1..=RECORD_ID_BYTES_MAX).contains(&text.len());
    (fits && !text.chars().any(char::is_control)).then_some(text)
}

/// The fields of an object that a record stores. The event stores all of them.
pub(super) fn fields(object: Traits) -> BTreeMap<String, Sent> {
    let fits = |name: &str, raw: &RawValue| {
        let chars = name.chars().count();
        (1..=RECORD_FIELD_CHARS_MAX).contains(&chars)
            && !name.chars().any(char::is_control)
            && raw.get().len() <= RECORD_FIELD_BYTES_MAX
    };
    let kept = object.into_iter().filter(|(name, raw)| fits(name, raw));
    kept.take(RECORD_FIELDS_MAX).map(|(name, raw)| (name, (raw,))).collect()
}

/// A stored field: the `ts` and the message id of the event that set it, and its value.
pub type Field = (i64, String, Sent);

/// A record as stored.
#[derive(Debug, Clone)]
pub struct Record {
    /// The record's kind.
    pub kind: String,
    /// The company's id of the record.
    pub id: String,
    /// Session, `ts` and message id of the latest event that names a person.
    pub place: Option<(String, i64, String)>,
    /// `ts` of its first event.
    pub first_ts: i64,
    /// `ts` of its last event.
    pub last_ts: i64,
    /// Number of scans.
    pub scans: i64,
    /// The fields.
    pub fields: BTreeMap<String, Field>,
}

/// The rule: makes one record from these events. Each is `(session, ts, change)`, in any order and
/// once. `None` without an event.
#[must_use]
pub fn fold(events: &[(&str, i64, Change)]) -> Option<Record> {
    let mut events: Vec<_> = events.iter().collect();
    events.sort_by_key(|(_, ts, change)| (*ts, &change.message_id));
    let (_, first_ts, first) = events.first()?;
    let mut record = Record {
        kind: first.kind.clone(),
        id: first.id.clone(),
        place: None,
        first_ts: *first_ts,
        last_ts: *first_ts,
        scans: 0,
        fields: BTreeMap::new(),
    };
    for (session, ts, change) in events {
        if !session.is_empty() {
            record.place = Some(((*session).to_owned(), *ts, change.message_id.clone()));
        }
        record.last_ts = *ts;
        record.scans += change.scans;
        for (name, value) in &change.fields {
            record.fields.insert(name.clone(), (*ts, change.message_id.clone(), value.clone()));
        }
    }
    record.fields = latest(record.fields);
    Some(record)
}

/// The fields within the limit. The latest stay, and of one event those whose names come first.
pub(super) fn latest(fields: BTreeMap<String, Field>) -> BTreeMap<String, Field> {
    let mut newest: Vec<_> = fields.into_iter().collect();
    newest.sort_by(|(a, (at, a_id, _)), (b, (bt, b_id, _))| (bt, b_id).cmp(&(at, a_id)).then_with(|| a.cmp(b)));
    newest.truncate(RECORD_FIELDS_MAX);
    newest.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn changed(name: &str, data: &Value) -> Option<(String, String, Value)> {
        let change = change("m1", name, &data.to_string())?;
        let fields =
            change.fields.into_iter().map(|(name, (raw,))| (name, serde_json::from_str::<Value>(raw.get()).unwrap()));
        Some((change.kind, change.id, fields.collect()))
    }

    #[test]
    fn an_event_changes_the_record_of_its_kind_and_id() {
        let booking = json!({"booking": {"id": "b1", "startTime": "x"}, "user": {"id": "u"}});
        let made = changed("booking.created", &booking).unwrap();
        assert_eq!(made, ("booking".into(), "b1".into(), json!({"startTime": "x"})));
        assert_eq!(changed("order.paid", &json!({"order": {"id": 4.50}})).unwrap().1, "4.5");
        assert_eq!(change("m", "order.paid", r#"{"order":{"id":4.50}}"#).unwrap().id, "4.50", "an id stays as sent");
        assert_eq!(changed("qr.scanned", &json!({"qrCode": {"code": "SPRING"}})).unwrap().1, "SPRING");
        assert_eq!(changed("qr.scanned", &json!({"qrCode": {"id": 7, "code": "SPRING"}})).unwrap().1, "7");
    }

    #[test]
    fn an_event_without_a_valid_object_changes_no_record() {
        for (name, data) in [
            ("booking.created", json!({})),
            ("booking.created", json!({"booking": "b1"})),
            ("booking.created", json!({"booking": {"id": ""}})),
            ("booking.created", json!({"booking": {"id": true}})),
            ("booking.created", json!({"booking": {"id": "x".repeat(129)}})),
            ("booking.created", json!({"order": {"id": 1}})),
            ("booking", json!({"booking": {"id": 1}})),
            ("booking.", json!({"booking": {"id": 1}})),
            ("booking.item.added", json!({"booking": {"id": 1}})),
            ("a b.made", json!({"a b": {"id": 1}})),
            ("user.updated", json!({"user": {"id": 1}})),
            ("tag.added", json!({"tag": {"id": 1}})),
            ("qr.scanned", json!({"qr": {"id": 1}})),
        ] {
            assert_eq!(changed(name, &data), None, "{name} {data}");
        }
    }

    #[test]
    fn an_interaction_needs_no_id_and_no_object() {
        assert_eq!(
            changed("message.sent", &json!({"message": "hi"})).unwrap(),
            ("message".into(), "m1".into(), json!({"message": "hi"}))
        );
        assert_eq!(changed("comment.made", &json!({"id": "c1", "text": "hi"})).unwrap().1, "c1");
        assert_eq!(changed("story.replied", &json!({"story": {"id": {}}})).unwrap().1, "m1");
    }

    #[test]
    fn a_verb_that_names_a_state_is_the_status_unless_the_object_has_one() {
        let status =
            |name: &str, booking: Value| changed(name, &json!({"booking": booking})).unwrap().2["status"].clone();
        assert_eq!(status("booking.cancelled", json!({"id": 1})), "cancelled");
        assert_eq!(status("booking.cancelled", json!({"id": 1, "status": null})), "cancelled");
        assert_eq!(status("booking.cancelled", json!({"id": 1, "status": "no-show"})), "no-show");
        assert_eq!(status("booking.updated", json!({"id": 1})), Value::Null);
    }

    #[test]
    fn fields_beyond_the_limits_stay_in_the_event_only() {
        let long = "x".repeat(RECORD_FIELD_BYTES_MAX);
        let fields =
            changed("order.made", &json!({"order": {"id": 1, "note": long, "a\u{0}": 1, "": 1, "ok": 1}})).unwrap().2;
        assert_eq!(fields, json!({"ok": 1}));
        let many: Value =
            (0..500).map(|n| (format!("f{n:03}"), json!(n))).chain([("id".to_owned(), json!(1))]).collect();
        assert_eq!(
            changed("order.made", &json!({"order": many})).unwrap().2.as_object().unwrap().len(),
            RECORD_FIELDS_MAX
        );
    }

    proptest! {
        #[test]
        fn every_order_of_events_makes_the_same_record(
            (events, shuffled) in prop::collection::vec((0..5_i64, "[a-c]", "(s1|s2|)", 0..6_usize, 0..4_i64), 1..12)
                .prop_map(|mut events| {
                    events.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
                    events.dedup_by(|a, b| (a.0, &a.1) == (b.0, &b.1));
                    events
                })
                .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
        ) {
            let names = ["created", "updated", "cancelled", "scanned", "validated", "seen"];
            let made = |events: &[(i64, String, String, usize, i64)]| -> Vec<(String, i64, Change)> {
                events.iter().map(|(ts, id, session, verb, n)| {
                    let data = format!(r#"{{"qrCode":{{"id":1,"f{n}":{ts}.0,"all":"{id}{ts}"}}}}"#);
                    (session.clone(), *ts, change(id, &format!("qr.{}", names[*verb]), &data).unwrap())
                }).collect()
            };
            let law = |events: &[(String, i64, Change)]| {
                let events: Vec<_> = events.iter().map(|(s, ts, c)| (s.as_str(), *ts, c.clone())).collect();
                format!("{:?}", fold(&events).unwrap())
            };
            // In order, a later value simply replaces an earlier one.
            let mut kept = BTreeMap::new();
            for (_, _, change) in made(&events) {
                kept.extend(change.fields.into_iter().map(|(name, (raw,))| (name, raw.get().to_owned())));
            }
            let straight = made(&events);
            let straight: Vec<_> = straight.iter().map(|(s, ts, c)| (s.as_str(), *ts, c.clone())).collect();
            let folded = fold(&straight).unwrap();
            let fields = folded.fields.into_iter().map(|(name, (_, _, (raw,)))| (name, raw.get().to_owned()));
            prop_assert_eq!(fields.collect::<BTreeMap<_, _>>(), kept);
            prop_assert_eq!(law(&made(&shuffled)), law(&made(&events)));
        }
    }
}
