//! Belongings: what the events of a company's server tell of things that belong to people
//! (bookings, QR codes, conversations, any other kind), and the records that this makes. How they
//! are asked for and shown is in [`super::belongings`].
//!
//! A record is the fold of its events in the order (ts, message id): each field has the value of
//! the latest event that names it, and the record lies where the latest event lies that names
//! anybody. That is a function of the set of events, so the order of arrival cannot matter.
//! `store/sql/records.merge.sql` keeps it; `edge/tests/records.rs` holds the two against each
//! other.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use trackmate_wire::limits::{
    RECORD_FIELD_BYTES_MAX, RECORD_FIELD_CHARS_MAX, RECORD_FIELDS_MAX, RECORD_ID_BYTES_MAX, RECORD_KIND_CHARS_MAX,
};

use super::event::Row;
use super::person::{Traits, traits};

/// A scan counts.
pub const QR: &str = "qr";
/// What a person books.
pub const BOOKING: &str = "booking";
/// Talks, with an assistant for instance.
pub const CONVERSATION: &str = "conversation";
/// What a person writes: each has an id of its own, or its event's.
pub const INTERACTIONS: [&str; 3] = ["message", "comment", "story"];

/// Names of platform events begin with these: they are about the person, not about a thing of
/// theirs.
const PLATFORM: [&str; 4] = ["user", "tag", "customfield", "webhook"];

/// Verbs that are a state: what they tell is the record's `status`, unless the object tells one
/// itself.
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

/// The text of a JSON value, alone in an array: so `SQLite` keeps it as it was sent.
pub type Sent = (Box<RawValue>,);

/// What one event tells of one record, as an item of the `records.merge` statement's JSON
/// parameter.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// The event's message id.
    #[serde(rename = "i")]
    pub message_id: String,
    /// What it is: `booking`.
    #[serde(rename = "k")]
    pub kind: String,
    /// The company's own id of it.
    #[serde(rename = "o")]
    pub id: String,
    /// 1 if the event is a scan.
    #[serde(rename = "s")]
    pub scans: i64,
    /// What is told.
    #[serde(rename = "f")]
    pub fields: BTreeMap<String, Sent>,
}

/// What a request's events tell of records. Only those of the server door may be given here.
#[must_use]
pub fn changes(rows: &[Row]) -> Vec<Change> {
    rows.iter().filter_map(|row| change(&row.id, &row.name, row.data.get())).collect()
}

/// What an event tells of a record, if anything: its name is `<kind>.<verb>`, and its data hold an
/// object of that kind (of `qr`, a `qrCode`) with an `id`. A QR code may have a `code` for an id.
/// The data of an interaction may be the object themselves.
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

/// Whether this may be the kind of a record.
#[must_use]
pub fn is_kind(text: &str) -> bool {
    let fits = (1..=RECORD_KIND_CHARS_MAX).contains(&text.len());
    fits && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// An id: a text, or a number as its text.
pub(super) fn id(raw: &RawValue) -> Option<String> {
    let number = || raw.get().starts_with(|c: char| c == '-' || c.is_ascii_digit()).then(|| raw.get().to_owned());
    let text = serde_json::from_str::<String>(raw.get()).ok().or_else(number)?;
    let fits = (1..=RECORD_ID_BYTES_MAX).contains(&text.len());
    (fits && !text.chars().any(char::is_control)).then_some(text)
}

/// What of an object is kept. The event keeps all of it.
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

/// A stored field: the `ts` and the message id of the event that told it, and its value.
pub type Field = (i64, String, Sent);

/// A record as it is kept.
#[derive(Debug, Clone)]
pub struct Record {
    /// What it is.
    pub kind: String,
    /// The company's own id of it.
    pub id: String,
    /// Session, `ts` and message id of the latest event that names anybody.
    pub place: Option<(String, i64, String)>,
    /// `ts` of its first event.
    pub first_ts: i64,
    /// `ts` of its last.
    pub last_ts: i64,
    /// How often it was scanned.
    pub scans: i64,
    /// What was told of it.
    pub fields: BTreeMap<String, Field>,
}

/// The law: what these events make of one record. Each is `(session, ts, change)`, in any order,
/// each once; `None` for no event.
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

/// As many of these as are kept: the latest stay, of one event those whose names come first.
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

    fn told(name: &str, data: &Value) -> Option<(String, String, Value)> {
        let change = change("m1", name, &data.to_string())?;
        let fields =
            change.fields.into_iter().map(|(name, (raw,))| (name, serde_json::from_str::<Value>(raw.get()).unwrap()));
        Some((change.kind, change.id, fields.collect()))
    }

    #[test]
    fn an_event_is_about_the_object_of_its_kind() {
        let booking = json!({"booking": {"id": "b1", "startTime": "x"}, "user": {"id": "u"}});
        let made = told("booking.created", &booking).unwrap();
        assert_eq!(made, ("booking".into(), "b1".into(), json!({"startTime": "x"})));
        assert_eq!(told("order.paid", &json!({"order": {"id": 4.50}})).unwrap().1, "4.5");
        assert_eq!(change("m", "order.paid", r#"{"order":{"id":4.50}}"#).unwrap().id, "4.50", "as it was sent");
        assert_eq!(told("qr.scanned", &json!({"qrCode": {"code": "SPRING"}})).unwrap().1, "SPRING");
        assert_eq!(told("qr.scanned", &json!({"qrCode": {"id": 7, "code": "SPRING"}})).unwrap().1, "7");
    }

    #[test]
    fn what_names_no_thing_is_an_event_only() {
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
            assert_eq!(told(name, &data), None, "{name} {data}");
        }
    }

    #[test]
    fn an_interaction_needs_no_id_and_no_object() {
        assert_eq!(
            told("message.sent", &json!({"message": "hi"})).unwrap(),
            ("message".into(), "m1".into(), json!({"message": "hi"}))
        );
        assert_eq!(told("comment.made", &json!({"id": "c1", "text": "hi"})).unwrap().1, "c1");
        assert_eq!(told("story.replied", &json!({"story": {"id": {}}})).unwrap().1, "m1");
    }

    #[test]
    fn a_verb_that_is_a_state_is_the_status_unless_one_is_told() {
        let status = |name: &str, booking: Value| told(name, &json!({"booking": booking})).unwrap().2["status"].clone();
        assert_eq!(status("booking.cancelled", json!({"id": 1})), "cancelled");
        assert_eq!(status("booking.cancelled", json!({"id": 1, "status": null})), "cancelled");
        assert_eq!(status("booking.cancelled", json!({"id": 1, "status": "no-show"})), "no-show");
        assert_eq!(status("booking.updated", json!({"id": 1})), Value::Null);
    }

    #[test]
    fn what_is_too_much_stays_in_the_event() {
        let long = "x".repeat(RECORD_FIELD_BYTES_MAX);
        let fields =
            told("order.made", &json!({"order": {"id": 1, "note": long, "a\u{0}": 1, "": 1, "ok": 1}})).unwrap().2;
        assert_eq!(fields, json!({"ok": 1}));
        let many: Value =
            (0..500).map(|n| (format!("f{n:03}"), json!(n))).chain([("id".to_owned(), json!(1))]).collect();
        assert_eq!(
            told("order.made", &json!({"order": many})).unwrap().2.as_object().unwrap().len(),
            RECORD_FIELDS_MAX
        );
    }

    proptest! {
        #[test]
        fn any_order_of_events_makes_the_same_record_as_taking_them_in_order(
            (events, shuffled) in prop::collection::vec((0..5_i64, "[a-c]", "(s1|s2|)", 0..6_usize, 0..4_i64), 1..12)
                .prop_map(|mut events| { events.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1))); events.dedup_by(|a, b| (a.0, &a.1) == (b.0, &b.1)); events })
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
            // Taken in order, a later value replaces an earlier one, and that is all.
            let mut kept = BTreeMap::new();
            for (_, _, change) in made(&events) {
                kept.extend(change.fields.into_iter().map(|(name, (raw,))| (name, raw.get().to_owned())));
            }
            let straight = made(&events);
            let straight: Vec<_> = straight.iter().map(|(s, ts, c)| (s.as_str(), *ts, c.clone())).collect();
            let folded = fold(&straight).unwrap();
            prop_assert_eq!(folded.fields.into_iter().map(|(name, (_, _, (raw,)))| (name, raw.get().to_owned())).collect::<BTreeMap<_, _>>(), kept);
            prop_assert_eq!(law(&made(&shuffled)), law(&made(&events)));
        }
    }
}
