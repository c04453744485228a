//! PostHog's clients. A `distinct_id` is a person's id or a visitor's; the properties of an event
//! decide which.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use trackmate_wire::problem::{Code, Problem};

use super::{Item, Sent, What, bounded, id, item, segment, traits};
use crate::domain::groups;
use crate::domain::lenient;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    batch: Option<Vec<&'a RawValue>>,
    api_key: Option<String>,
    token: Option<String>,
    sent_at: Option<Value>,
    #[serde(borrow)]
    properties: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message<'a> {
    event: Option<String>,
    #[serde(default, deserialize_with = "id")]
    distinct_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::deserialize")]
    uuid: Option<String>,
    timestamp: Option<Value>,
    #[serde(borrow)]
    properties: Option<&'a RawValue>,
    #[serde(borrow, rename = "$set")]
    set: Option<&'a RawValue>,
    #[serde(borrow, rename = "$set_once")]
    set_once: Option<&'a RawValue>,
}

/// The properties of an event that identify its person.
#[derive(Deserialize, Default)]
struct Properties<'a> {
    #[serde(default, deserialize_with = "lenient::deserialize")]
    token: Option<String>,
    #[serde(default, deserialize_with = "id")]
    distinct_id: Option<String>,
    #[serde(default, deserialize_with = "id")]
    alias: Option<String>,
    #[serde(default, deserialize_with = "id", rename = "$anon_distinct_id")]
    anonymous: Option<String>,
    #[serde(default, deserialize_with = "id", rename = "$device_id")]
    device: Option<String>,
    #[serde(rename = "$is_identified")]
    is_identified: Option<Value>,
    #[serde(rename = "$process_person_profile")]
    has_person: Option<Value>,
    #[serde(borrow, rename = "$set")]
    set: Option<&'a RawValue>,
    #[serde(borrow, rename = "$set_once")]
    set_once: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "id", rename = "$group_key")]
    group_key: Option<String>,
    #[serde(default, deserialize_with = "lenient::deserialize", rename = "$group_type")]
    group_type: Option<String>,
    #[serde(borrow, rename = "$group_set")]
    group_set: Option<&'a RawValue>,
    #[serde(borrow, rename = "$groups")]
    groups: Option<&'a RawValue>,
}

/// Reads a body: `{api_key, batch: […]}`, one event with its `api_key`, or a list of events with a
/// `token` each.
///
/// # Errors
/// `invalid_json`, `too_many_events`.
pub fn read(text: &str) -> Result<Sent<'_>, Problem> {
    let invalid = |_| Problem::new(Code::InvalidJson, "the body is not JSON of the expected form");
    if text.trim_start().starts_with('[') {
        let events: Vec<&RawValue> = serde_json::from_str(text).map_err(invalid)?;
        bounded(&events)?;
        let key = events.first().and_then(|raw| {
            let envelope: Envelope<'_> = serde_json::from_str(raw.get()).ok()?;
            token(&envelope)
        });
        let items = events.iter().map(|raw| message(raw.get())).collect();
        return Ok(Sent { key, items, ..Sent::default() });
    }
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(invalid)?;
    let single = envelope.batch.is_none();
    let items = match &envelope.batch {
        None => vec![message(text)],
        Some(batch) => {
            bounded(batch)?;
            batch.iter().map(|raw| message(raw.get())).collect()
        }
    };
    Ok(Sent { key: token(&envelope), sent_at: envelope.sent_at, items, single })
}

fn token(envelope: &Envelope<'_>) -> Option<String> {
    let within = || serde_json::from_str::<Properties<'_>>(envelope.properties?.get()).ok()?.token;
    envelope.api_key.clone().or_else(|| envelope.token.clone()).or_else(within)
}

fn message(raw: &str) -> Result<Item<'_>, Problem> {
    let message: Message<'_> = item(raw)?;
    let data = message.properties.map_or("{}", RawValue::get);
    let properties: Properties<'_> = serde_json::from_str(data)
        .map_err(|_| Problem::field(Code::InvalidField, "properties", "properties is an object"))?;
    let name = message.event.filter(|name| !name.trim().is_empty());
    let name = name.ok_or_else(|| Problem::field(Code::MissingField, "event", "event is missing"))?;
    let distinct = message.distinct_id.or(properties.distinct_id);
    // Some clients invent a user id for an event about a group, from the group's kind and key or at
    // random. It is nobody's id.
    let only_known = name == "$groupidentify";
    let nobody = properties.is_identified == Some(Value::Bool(false))
        || properties.has_person == Some(Value::Bool(false))
        || only_known && distinct.as_ref().is_some_and(|id| id.starts_with('$'));
    let (mut user, anonymous) = match distinct {
        Some(id) if nobody => (None, properties.anonymous.or(Some(id))),
        // The device's id is the visitor's id from before the first identify.
        id => (id, properties.anonymous.or(properties.device)),
    };
    let what = match name.as_str() {
        "$identify" | "$set" | "$set_once" => What::Identify {
            traits: traits(message.set.or(properties.set))?,
            once: traits(message.set_once.or(properties.set_once))?,
        },
        "$create_alias" => alias(properties.alias, &mut user, anonymous.as_deref())?,
        "$groupidentify" => {
            let key = properties.group_key;
            let key = key.ok_or_else(|| Problem::field(Code::MissingField, "$group_key", "$group_key is missing"))?;
            segment::group(&key, properties.group_type.as_deref(), properties.group_set)?
        }
        name => {
            // `$set` and `$set_once` of an event stay in its data.
            let traits = [("$set", message.set), ("$set_once", message.set_once)];
            let beside = traits.into_iter().filter_map(|(name, raw)| Some((name, raw?.to_owned()))).collect();
            What::Event { name: event_name(name).to_owned(), data: super::data(data, beside)? }
        }
    };
    Ok(Item {
        user,
        anonymous,
        what,
        timestamp: message.timestamp,
        message_id: message.uuid,
        context: None,
        groups: groups::mentions(properties.groups),
        only_known,
    })
}

/// The name of an event here. The other events that PostHog defines keep their names.
fn event_name(name: &str) -> &str {
    match name {
        "$pageview" => "page_view",
        "$screen" => "screen_view",
        name => name,
    }
}

/// An alias of these two ids. Sets the user id where only the alias is one.
fn alias(alias: Option<String>, user: &mut Option<String>, anonymous: Option<&str>) -> Result<What<'static>, Problem> {
    let alias = alias.ok_or_else(|| Problem::field(Code::MissingField, "alias", "alias is missing"))?;
    Ok(match anonymous {
        // An alias of a visitor is the visitor's user id.
        Some(visitor) if user.is_none() => {
            *user = Some(alias);
            What::Alias { previous: visitor.to_owned(), is_either: false }
        }
        // Otherwise clients differ in which of the two ids was used first.
        Some(_) | None => What::Alias { previous: alias, is_either: true },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Item<'_> {
        read(text).unwrap().items.remove(0).unwrap()
    }

    #[test]
    fn every_form_of_a_body_contains_its_key() {
        for (text, items, single) in [
            (
                r#"{"api_key":"TM-SHOP99","batch":[{"event":"a","distinct_id":"u"},{"event":"b","distinct_id":"u"}],"sent_at":"2025-10-18T12:00:00Z"}"#,
                2,
                false,
            ),
            (r#"{"api_key":"TM-SHOP99","event":"a","distinct_id":"u"}"#, 1, true),
            (r#"{"token":"TM-SHOP99","event":"a","properties":{"distinct_id":"u"}}"#, 1, true),
            (r#"[{"event":"a","properties":{"token":"TM-SHOP99","distinct_id":"u"}}]"#, 1, false),
        ] {
            let sent = read(text).unwrap();
            assert_eq!(
                (sent.key.as_deref(), sent.items.len(), sent.single),
                (Some("TM-SHOP99"), items, single),
                "{text}"
            );
            assert!(sent.items.iter().all(|item| item.as_ref().unwrap().user.as_deref() == Some("u")), "{text}");
        }
    }

    #[test]
    fn a_distinct_id_is_a_person_or_a_visitor() {
        let ids = |properties: &str| {
            let text = format!(r#"{{"event":"x","distinct_id":"d","properties":{properties}}}"#);
            let item = one(&text);
            (item.user.clone(), item.anonymous.clone())
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(ids("{}"), (some("d"), None));
        assert_eq!(ids(r#"{"$is_identified":false,"$device_id":"d"}"#), (None, some("d")));
        assert_eq!(ids(r#"{"$is_identified":true,"$device_id":"v"}"#), (some("d"), some("v")));
        assert_eq!(ids(r#"{"$process_person_profile":false}"#), (None, some("d")));
    }

    #[test]
    fn posthogs_own_events_become_trackmate_events() {
        let identify = one(
            r#"{"event":"$identify","distinct_id":"u","$set":{"email":"a@b.c"},"properties":{"$anon_distinct_id":"v","$set_once":{"first":1}}}"#,
        );
        assert_eq!((identify.user.as_deref(), identify.anonymous.as_deref()), (Some("u"), Some("v")));
        assert!(matches!(
            &identify.what,
            What::Identify { traits, once } if traits["email"] == "a@b.c" && once["first"] == 1
        ));
        let alias = one(r#"{"event":"$create_alias","distinct_id":"u","properties":{"alias":"old"}}"#);
        assert!(matches!(&alias.what, What::Alias { previous, is_either: true } if previous == "old"));
        let visitor =
            r#"{"event":"$create_alias","distinct_id":"v","properties":{"alias":"u","$is_identified":false}}"#;
        let alias = one(visitor);
        assert_eq!(alias.user.as_deref(), Some("u"), "an alias identifies the page's visitor");
        assert!(matches!(&alias.what, What::Alias { previous, is_either: false } if previous == "v"));
        let once = one(r#"{"event":"$set_once","distinct_id":"u","$set_once":{"first":1},"$set":{"plan":"pro"}}"#);
        assert!(matches!(&once.what, What::Identify { traits, once } if traits["plan"] == "pro" && once["first"] == 1));
        let group = one(
            r#"{"event":"$groupidentify","distinct_id":"$company_acme","properties":{"$group_type":"company","$group_key":"acme","$group_set":{"plan":"pro"}}}"#,
        );
        assert!(group.user.is_none() && group.only_known);
        assert!(
            matches!(&group.what, What::Event { name, data } if name == "group" && data == r#"{"groupId":"acme","groupType":"company","traits":{"plan":"pro"}}"#)
        );
        let set = one(r#"{"event":"x","distinct_id":"u","$set":{"plan":"pro"},"properties":{"n":1.50}}"#);
        assert!(
            matches!(&set.what, What::Event { data, .. } if data == r#"{"$set":{"plan":"pro"},"n":1.50}"#),
            "{:?}",
            set.what
        );
        let page = one(r#"{"event":"$pageview","distinct_id":"u","properties":{"$current_url":"https://x"}}"#);
        assert!(matches!(&page.what, What::Event { name, .. } if name == "page_view"));
    }

    #[test]
    fn an_event_can_name_groups() {
        let keys = |groups: &str| {
            let text = format!(r#"{{"event":"x","distinct_id":"u","properties":{{"$groups":{groups}}}}}"#);
            one(&text).groups.iter().map(|group| format!("{} {}", group.kind, group.key)).collect::<Vec<_>>()
        };
        assert_eq!(keys(r#"{"company":" acme ","team":7}"#), ["company acme", "team 7"]);
        assert_eq!(keys(r#"{"company":null,"no kind":"a","team":{"a":1},"crew":"undefined"}"#), Vec::<String>::new());
        for odd in ["null", "7", "[]", r#""acme""#] {
            assert!(keys(odd).is_empty(), "{odd}");
        }
        let many: Vec<String> = (0..50).map(|n| format!(r#""k{n}":"a""#)).collect();
        assert_eq!(keys(&format!("{{{}}}", many.join(","))).len(), 5);
    }

    #[test]
    fn an_invalid_optional_value_does_not_cost_the_event() {
        for odd in ["7", "true", "{}", "[]", "null", r#""""#] {
            let properties = format!(r#"{{"token":{odd},"$is_identified":{odd},"$group_type":{odd},"$groups":{odd}}}"#);
            let text = format!(r#"{{"event":"x","distinct_id":"u","uuid":{odd},"properties":{properties}}}"#);
            assert_eq!(one(&text).user.as_deref(), Some("u"), "{text}");
        }
    }
}
