//! The receipt of a received item: its outcome and, if it was rejected, the reason and the item's
//! shape. A receipt has none of the item's values, because a rejected item belongs to no person, so
//! an erasure could not find it.

use serde::Serialize;
use serde_json::{Map, Value};
use trackmate_wire::ids::is_message_id;
use trackmate_wire::limits::EVENT_NAME_CHARS_MAX;
use trackmate_wire::problem::Problem;

use super::clock;
use super::event::Row;

/// Characters of a name that is shown. A longer text is not a name.
const NAME_CHARS_MAX: usize = 64;
/// Members and items of one shape, at all its depths.
const PARTS_MAX: usize = 60;
/// Depth of one shape.
const DEPTH_MAX: usize = 4;
/// Items of an array that are shown.
const ITEMS_MAX: usize = 3;
/// The text that replaces a hidden value.
pub const MASK: &str = "***";

/// The outcome of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is stored.
    Stored,
    /// It was stored before.
    Duplicate,
    /// It is not stored, with a reason.
    Rejected,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 3] = [Self::Stored, Self::Duplicate, Self::Rejected];

    /// The outcome's name in answers and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Duplicate => "duplicate",
            Self::Rejected => "rejected",
        }
    }
}

/// A receipt, as an item of the JSON parameter of `incoming.insert`.
#[derive(Debug, Serialize)]
pub struct Receipt {
    /// The outcome.
    #[serde(rename = "o")]
    pub outcome: Outcome,
    /// The message id.
    #[serde(rename = "i")]
    id: Option<String>,
    /// The event's name.
    #[serde(rename = "n")]
    name: Option<String>,
    #[serde(rename = "c", skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(rename = "m", skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(rename = "f", skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(rename = "d", skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    happened_ms: Option<i64>,
    /// 1: a server sent it for a browser session, so its source is that of the browser.
    #[serde(rename = "w", skip_serializing_if = "Option::is_none")]
    sent_by_server: Option<i64>,
}

impl Receipt {
    /// The receipt of an item that is stored, or was stored before.
    #[must_use]
    pub fn accepted(row: &Row, is_new: bool) -> Self {
        Self {
            outcome: if is_new { Outcome::Stored } else { Outcome::Duplicate },
            id: Some(row.id.clone()),
            name: Some(row.name.clone()),
            code: None,
            message: None,
            field: None,
            data: None,
            session: None,
            happened_ms: None,
            sent_by_server: row.sent_by_server,
        }
    }

    /// The receipt of an item that the outage buffer accepted and that was rejected when D1 worked
    /// again.
    #[must_use]
    pub fn refused(row: &Row, session: Option<&str>, problem: &Problem) -> Self {
        let data: Option<Value> = serde_json::from_str(row.data.get()).ok();
        let happened_ms = clock::ts_ms(row.ts);
        let name = name_kept(&row.name);
        Self {
            id: Some(row.id.clone()).filter(|id| !is_sensitive(id)),
            name: Some(name.to_owned()),
            data: data.map(|data| shape(&data, 0, &mut 0)),
            happened_ms: Some(happened_ms),
            ..Self::rejected(None, None, session, problem)
        }
    }

    /// The receipt of a rejected item, from its JSON text in TrackMate's form or another vendor's.
    /// `name` is the event name of an item that has none.
    #[must_use]
    pub fn rejected(raw: Option<&str>, name: Option<&str>, session: Option<&str>, problem: &Problem) -> Self {
        let item = raw.and_then(|raw| serde_json::from_str::<Value>(raw).ok());
        let text = |field| item.as_ref().and_then(|item| item.get(field)).and_then(Value::as_str).map(str::trim);
        let named = text("eventType")
            .or_else(|| text("event"))
            .or_else(|| text("type"))
            .filter(|n| !n.is_empty() && n.chars().count() <= EVENT_NAME_CHARS_MAX);
        let data = match (&item, name) {
            (Some(item), None) => {
                let data = ["eventData", "properties", "traits"].into_iter().filter_map(|field| item.get(field));
                data.into_iter().find(|data| !data.is_null())
            }
            (Some(item), Some(_)) => Some(item),
            (None, _) => None,
        };
        Self {
            outcome: Outcome::Rejected,
            id: text("messageId")
                .or_else(|| text("uuid"))
                .filter(|id| is_message_id(id) && !is_sensitive(id))
                .map(str::to_owned),
            name: named.map(name_kept).or(name).map(str::to_owned),
            code: Some(problem.code.as_str()),
            message: Some(problem.message.clone()),
            field: problem.path_or_field().map(str::to_owned),
            data: data.filter(|data| data.is_object()).map(|data| shape(data, 0, &mut 0)),
            session: session.map(str::to_owned),
            happened_ms: item.as_ref().and_then(|item| item.get("timestamp")).and_then(clock::parse),
            sent_by_server: None,
        }
    }
}

/// The shape of a value: names stay, and each value becomes its kind.
fn shape(value: &Value, depth: usize, parts: &mut usize) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Bool(_) => "boolean".into(),
        Value::Number(_) => "number".into(),
        Value::String(text) => format!("string({})", text.chars().count()).into(),
        Value::Array(items) if depth == DEPTH_MAX => format!("array({})", items.len()).into(),
        Value::Object(members) if depth == DEPTH_MAX => format!("object({})", members.len()).into(),
        Value::Array(items) => {
            let mut shown: Vec<Value> = Vec::new();
            for item in items.iter().take(ITEMS_MAX) {
                shown.push(shape(item, depth + 1, parts));
            }
            if items.len() > ITEMS_MAX {
                shown.push(format!("… {} in all", items.len()).into());
            }
            Value::Array(shown)
        }
        Value::Object(members) => {
            let mut shown = Map::new();
            for (name, member) in members {
                *parts += 1;
                if *parts > PARTS_MAX {
                    shown.insert("…".to_owned(), format!("{} in all", members.len()).into());
                    break;
                }
                let is_name = name.chars().count() <= NAME_CHARS_MAX && !is_sensitive(name);
                shown.insert(if is_name { name.as_str() } else { MASK }.to_owned(), shape(member, depth + 1, parts));
            }
            Value::Object(shown)
        }
    }
}

/// A name that may outlive its event. A name that reveals a person or a secret is masked.
#[must_use]
pub fn name_kept(name: &str) -> &str {
    if is_sensitive(name) { MASK } else { name }
}

/// Whether a text in the place of a name or an id reveals a person or a secret: an address, a
/// telephone number, a key.
fn is_sensitive(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let dialled = text.chars().all(|c| c.is_ascii_digit() || "+-(). ".contains(c));
    text.contains('@')
        || text.contains("%40")
        || (dialled && digits >= 7)
        || SECRETS.iter().any(|mark| text.match_indices(mark).any(|(place, _)| begins_word(text, place)))
        || text.chars().any(char::is_control)
}

/// Prefixes of secrets, of TrackMate and of other services.
const SECRETS: [&str; 6] = ["tm_live_", "tm_admin_", "whsec_", "sk_", "Bearer ", "eyJ"];

/// Whether a word begins at this place. The `sk_` in `task_done` is no secret's prefix.
fn begins_word(text: &str, place: usize) -> bool {
    !text.get(..place).unwrap_or_default().ends_with(char::is_alphanumeric)
}

/// The company id in a body that is not JSON or is incomplete: the text after `"company_id"`.
#[must_use]
pub fn named_company(body: &str) -> Option<&str> {
    let (_, rest) = body.split_once("\"company_id\"")?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let (id, _) = rest.split_once('"')?;
    trackmate_wire::ids::is_company_id(id).then_some(id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use trackmate_wire::problem::Code;

    use super::*;

    fn rejected(item: &Value) -> Value {
        let problem = Problem::field(Code::InvalidTimestamp, "timestamp", "timestamp is ISO 8601");
        serde_json::to_value(Receipt::rejected(Some(&item.to_string()), None, Some("session_1"), &problem)).unwrap()
    }

    #[test]
    fn the_receipt_of_a_rejected_item_has_its_shape_and_no_values() {
        let item = json!({
            "eventType": "signup", "messageId": "m-1", "timestamp": "2025-10-18T10:00:00Z",
            "eventData": {"email": "ada@example.com", "phone": 4_712_345_678_i64, "vip": true, "none": null,
            "tags": ["a", "b", "c", "d"],
                          "ada@example.com": 1, "deep": {"a": {"b": {"c": {"d": 1}}}}},
        });
        let receipt = rejected(&item);
        assert_eq!(
            receipt,
            json!({
                "o": "rejected", "i": "m-1", "n": "signup", "c": "invalid_timestamp",
                "m": "timestamp is ISO 8601", "f": "timestamp", "s": "session_1",
                "t": 1_760_781_600_000_i64,
                "d": {"email": "string(15)", "phone": "number", "vip": "boolean", "none": null,
                "tags": ["string(1)", "string(1)", "string(1)", "… 4 in all"],
                      "***": "number", "deep": {"a": {"b": {"c": "object(1)"}}}},
            })
        );
    }

    #[test]
    fn ids_and_names_that_reveal_a_person_or_a_secret_are_masked() {
        for telling in
            ["ada@example.com", "sms:+47 123 45 678@x", "+4712345678", "tm_live_0123456789", "Bearer abc", "a\u{0}b"]
        {
            let receipt = rejected(&json!({"eventType": telling, "messageId": telling}));
            assert!(!receipt.to_string().contains(telling), "{receipt}");
        }
        assert_eq!(["task_done", "x sk_live_1", "ada@x.io bought"].map(name_kept), ["task_done", MASK, MASK]);
        let receipt = rejected(&json!({"eventType": "order.paid", "messageId": "order-20251018-77"}));
        assert_eq!((&receipt["n"], &receipt["i"]), (&json!("order.paid"), &json!("order-20251018-77")));
    }

    #[test]
    fn the_shape_of_any_item_is_small() {
        let wide: Map<String, Value> = (0..5000).map(|n| (format!("key{n}"), json!({"a": n}))).collect();
        let receipt = rejected(&json!({"eventType": "x".repeat(3000), "eventData": wide}));
        assert!(receipt.to_string().len() < 4000, "{}", receipt.to_string().len());
        assert_eq!(receipt["n"], Value::Null);
        for raw in ["", "5", "[", "\"text\"", "null"] {
            let problem = Problem::new(Code::InvalidField, "an event is an object");
            let receipt = serde_json::to_value(Receipt::rejected(Some(raw), None, None, &problem)).unwrap();
            assert_eq!((&receipt["n"], &receipt["i"], receipt.get("d")), (&Value::Null, &Value::Null, None));
        }
    }

    #[test]
    fn the_company_id_is_found_in_an_invalid_body() {
        assert_eq!(named_company(r#"{"company_id" : "TM-SHOP99","events":["#), Some("TM-SHOP99"));
        for nothing in ["", r#"{"company_id":5}"#, r#"{"company_id":"shop"}"#, r#"{"company_id":"TM-SHOP"#] {
            assert_eq!(named_company(nothing), None, "{nothing}");
        }
    }
}
