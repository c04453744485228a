//! Segment's clients and their many relatives (RudderStack, Hightouch, June …): single messages,
//! and batches of messages.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use trackmate_wire::problem::{Code, Problem};

use super::{Item, Sent, Traits, What, bounded, context, data, id, item, traits};
use crate::domain::lenient;

/// A message's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, Deserialize)]
pub enum Kind {
    /// Something happened.
    Track,
    /// Traits of a person.
    Identify,
    /// A page was seen.
    Page,
    /// A screen was seen.
    Screen,
    /// Membership in a group.
    Group,
    /// Two ids of one person.
    Alias,
}

impl Kind {
    /// Finds a kind by its name, or by the letter that browsers send instead.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "track" | "t" => Self::Track,
            "identify" | "i" => Self::Identify,
            "page" | "p" => Self::Page,
            "screen" | "s" => Self::Screen,
            "group" | "g" => Self::Group,
            "alias" | "a" => Self::Alias,
            _ => return None,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "id")]
    user_id: Option<String>,
    #[serde(default, deserialize_with = "id")]
    anonymous_id: Option<String>,
    #[serde(default, deserialize_with = "id")]
    group_id: Option<String>,
    #[serde(default, deserialize_with = "id")]
    previous_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::deserialize")]
    message_id: Option<String>,
    event: Option<String>,
    #[serde(default, deserialize_with = "lenient::deserialize")]
    name: Option<String>,
    #[serde(default, deserialize_with = "lenient::deserialize")]
    category: Option<String>,
    #[serde(borrow)]
    properties: Option<&'a RawValue>,
    #[serde(borrow)]
    traits: Option<&'a RawValue>,
    #[serde(borrow)]
    context: Option<&'a RawValue>,
    timestamp: Option<Value>,
    original_timestamp: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow)]
    batch: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    context: Option<&'a RawValue>,
    write_key: Option<String>,
    #[serde(rename = "api_key")]
    api_key: Option<String>,
    sent_at: Option<Value>,
}

#[derive(Deserialize)]
struct Known<'a> {
    #[serde(borrow)]
    traits: Option<&'a RawValue>,
}

/// Reads a message of this kind.
///
/// # Errors
/// `invalid_json`: the body is no object.
pub fn message(text: &str, kind: Option<Kind>) -> Result<Sent<'_>, Problem> {
    let envelope = envelope(text)?;
    let items = vec![read(text, kind, None)];
    Ok(Sent { items, single: true, ..of(envelope) })
}

/// Reads a batch. Each of its messages names its kind.
///
/// # Errors
/// `invalid_json`, `missing_field`, `too_many_events`.
pub fn batch(text: &str) -> Result<Sent<'_>, Problem> {
    let envelope = envelope(text)?;
    let messages = envelope.batch.as_ref();
    let messages = messages.ok_or_else(|| Problem::field(Code::MissingField, "batch", "batch is missing"))?;
    bounded(messages)?;
    let items = messages.iter().map(|raw| read(raw.get(), None, envelope.context)).collect();
    Ok(Sent { items, ..of(envelope) })
}

fn envelope(text: &str) -> Result<Envelope<'_>, Problem> {
    serde_json::from_str(text).map_err(|_| Problem::new(Code::InvalidJson, "the body is not JSON of the expected form"))
}

fn of(envelope: Envelope<'_>) -> Sent<'_> {
    Sent { key: envelope.write_key.or(envelope.api_key), sent_at: envelope.sent_at, ..Sent::default() }
}

fn read<'a>(raw: &'a str, kind: Option<Kind>, shared: Option<&'a RawValue>) -> Result<Item<'a>, Problem> {
    let message: Message<'a> = item(raw)?;
    let kind = kind.or_else(|| message.kind.as_deref().and_then(Kind::named));
    let kind = kind.ok_or_else(|| {
        Problem::field(Code::InvalidField, "type", "type is track, identify, page, screen, group or alias")
    })?;
    let within = message.context.or(shared);
    let what = match kind {
        Kind::Track => {
            let name = message.event.filter(|name| !name.trim().is_empty());
            let name = name.ok_or_else(|| Problem::field(Code::MissingField, "event", "event is missing"))?;
            What::Event { name, data: message.properties.map_or(Cow::Borrowed("{}"), |raw| Cow::Borrowed(raw.get())) }
        }
        Kind::Page => seen("page_view", message.properties, message.name, message.category)?,
        Kind::Screen => seen("screen_view", message.properties, message.name, message.category)?,
        Kind::Group => {
            let group_id = message.group_id;
            let group_id =
                group_id.ok_or_else(|| Problem::field(Code::MissingField, "groupId", "groupId is missing"))?;
            group(&group_id, None, message.traits)?
        }
        Kind::Identify => {
            let known = || within.and_then(|raw| serde_json::from_str::<Known<'_>>(raw.get()).ok()?.traits);
            let sent_traits = traits(message.traits)?;
            What::Identify {
                traits: if sent_traits.is_empty() { traits(known())? } else { sent_traits },
                once: Traits::new(),
            }
        }
        Kind::Alias => {
            let previous = message.previous_id;
            let previous =
                previous.ok_or_else(|| Problem::field(Code::MissingField, "previousId", "previousId is missing"))?;
            What::Alias { previous, is_either: false }
        }
    };
    Ok(Item {
        user: message.user_id,
        anonymous: message.anonymous_id,
        what,
        timestamp: message.timestamp.or(message.original_timestamp),
        message_id: message.message_id,
        context: context(within),
        groups: Vec::new(),
        only_known: false,
    })
}

/// Reads a page or screen. Its name and category are beside its properties.
fn seen<'a>(
    event: &str,
    properties: Option<&'a RawValue>,
    name: Option<String>,
    category: Option<String>,
) -> Result<What<'a>, Problem> {
    let given = [("name", name), ("category", category)];
    let given = given.into_iter().filter_map(|(key, value)| Some((key, value.filter(|v| !v.is_empty())?)));
    let beside = given.filter_map(|(key, value)| Some((key, serde_json::value::to_raw_value(&value).ok()?))).collect();
    let data = data(properties.map_or("{}", RawValue::get), beside)?;
    Ok(What::Event { name: event.to_owned(), data })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupData<'a> {
    group_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traits: Option<&'a RawValue>,
}

/// Makes the event that adds a person to a group.
pub(super) fn group(id: &str, kind: Option<&str>, traits: Option<&RawValue>) -> Result<What<'static>, Problem> {
    let data = serde_json::to_string(&GroupData { group_id: id, group_type: kind, traits })
        .map_err(|_| Problem::field(Code::InvalidField, "traits", "traits is an object"))?;
    Ok(What::Event { name: "group".to_owned(), data: Cow::Owned(data) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event<'a>(item: &'a Result<Item<'_>, Problem>) -> (&'a str, Value) {
        let What::Event { name, data } = &item.as_ref().unwrap().what else { panic!("no event") };
        (name, serde_json::from_str(data).unwrap())
    }

    #[test]
    fn each_message_of_a_batch_is_read_by_its_kind() {
        let text = r#"{"writeKey":"TM-SHOP99","sentAt":"2025-10-18T12:00:00.123456789+00:00","context":{"app":"x"},"batch":[
            {"type":"track","userId":"u1","event":"Bought","properties":{"price":79.990},"messageId":"m1","timestamp":null,"originalTimestamp":"2025-10-18T12:00:00Z"},
            {"type":"page","anonymousId":"a1","name":"Home","category":null,"properties":{"url":"https://x"}},
            {"type":"screen","anonymousId":"a1"},
            {"type":"group","userId":7,"groupId":"acme","traits":{"plan":"pro"}},
            {"type":"dance"}, 5, {"type":"track","userId":"u1"}]}"#;
        let sent = batch(text).unwrap();
        assert_eq!((sent.key.as_deref(), sent.single), (Some("TM-SHOP99"), false));
        let [track, page, screen, group, dance, five, nameless] = sent.items.as_slice() else { panic!() };
        assert_eq!(event(track).0, "Bought");
        let track = track.as_ref().unwrap();
        assert!(matches!(&track.what, What::Event { data, .. } if data == r#"{"price":79.990}"#), "data stay as sent");
        assert_eq!(
            (track.message_id.as_deref(), track.timestamp.clone()),
            (Some("m1"), Some(json!("2025-10-18T12:00:00Z")))
        );
        assert_eq!(track.context.map(RawValue::get), Some(r#"{"app":"x"}"#));
        assert_eq!(event(page), ("page_view", json!({"url": "https://x", "name": "Home"})));
        assert_eq!(event(screen), ("screen_view", json!({})));
        assert_eq!(event(group), ("group", json!({"groupId": "acme", "traits": {"plan": "pro"}})));
        assert_eq!(group.as_ref().unwrap().user.as_deref(), Some("7"));
        let codes = [dance, five, nameless].map(|item| item.as_ref().unwrap_err().code);
        assert_eq!(codes, [Code::InvalidField, Code::InvalidField, Code::MissingField]);
    }

    #[test]
    fn traits_come_from_the_message_or_else_its_context_and_nulls_are_left_out() {
        for (text, wanted) in [
            (r#"{"userId":"u1","traits":{"email":"a@b.c","age":null}}"#, json!({"email": "a@b.c"})),
            (r#"{"userId":"u1","traits":null,"context":{"traits":{"email":"a@b.c"}}}"#, json!({"email": "a@b.c"})),
            (r#"{"userId":"u1"}"#, json!({})),
        ] {
            let sent = message(text, Some(Kind::Identify)).unwrap();
            let What::Identify { traits, .. } = &sent.items[0].as_ref().unwrap().what else { panic!() };
            assert_eq!(Value::Object(traits.clone()), wanted, "{text}");
        }
    }

    #[test]
    fn an_invalid_optional_value_does_not_cost_the_message() {
        for odd in ["7", "true", "{}", "[]", "null", r#""""#] {
            let text = format!(r#"{{"userId":"u1","messageId":{odd},"name":{odd},"category":{odd},"context":{odd}}}"#);
            assert!(message(&text, Some(Kind::Page)).unwrap().items[0].is_ok(), "{text}");
        }
    }

    #[test]
    fn placeholder_ids_count_as_missing() {
        let text = r#"{"type":"track","event":"x","userId":"undefined","anonymousId":" "}"#;
        let sent = message(text, None).unwrap();
        let item = sent.items[0].as_ref().unwrap();
        assert_eq!((&item.user, &item.anonymous), (&None, &None));
    }
}
