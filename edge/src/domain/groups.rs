//! Groups: the companies, accounts or teams whose members are people. `group` events make them.
//! They are neither the tenant, which is a company here, nor merged profiles
//! ([`super::merge_tree`]).
//!
//! A group's traits have two layers, as a person's: trusted traits override claimed ones.
//!
//! - A trusted trait has the value of the latest event (ts, message id) that names it, so the order
//!   of arrival does not matter. The exception is the limit of a group: traits beyond it are cut.
//! - The first claim of a trait to arrive stays while there is room, because a public caller can
//!   put any time on a claim.
//!
//! A membership is a place (session, ts) at which a group was named. The ledger says which person
//! owns that place, so no merge and no undo moves a membership. `store/sql/groups.merge.sql` and
//! `memberships.insert.sql` follow these rules; `edge/tests/rules/groups.rs` compares them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use trackmate_wire::ids::is_placeholder;
use trackmate_wire::limits::{GROUP_LAYER_BYTES_MAX, GROUPS_EVENT_MAX, GROUPS_REQUEST_MAX, RECORD_FIELDS_MAX};
use trackmate_wire::signature::sha256_hex;

use super::clock;
use super::event::{Mention, Row};
use super::person::{Traits, traits};
use super::record::{self, Field, Sent, is_kind};
use super::source::Source;

/// The event that describes a group.
pub const EVENT: &str = "group";
/// The kind of a group whose event names none.
pub const KIND: &str = "group";

/// What one event says about a group, as an item of the statements' JSON parameter.
#[derive(Debug, Clone, Serialize)]
pub struct GroupChange {
    /// The event's message id.
    #[serde(rename = "i")]
    pub message_id: String,
    /// The group's id.
    #[serde(rename = "g")]
    pub id: String,
    /// The group's kind.
    #[serde(rename = "k")]
    pub kind: String,
    /// The company's id of the group.
    #[serde(rename = "o")]
    pub key: String,
    /// The traits.
    #[serde(rename = "f")]
    pub fields: BTreeMap<String, Sent>,
    /// 1 if the event only mentions the group. All mentions of a group by a session's events of one
    /// person need one membership.
    #[serde(rename = "m", skip_serializing_if = "Option::is_none")]
    pub mentioned: Option<u8>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(rename = "groupId", borrow)]
    key: Option<&'a RawValue>,
    #[serde(rename = "groupType", borrow)]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    traits: Option<&'a RawValue>,
}

/// The groups of `{kind: key, …}`, up to a limit. Invalid ones are left out.
#[must_use]
pub fn mentions(raw: Option<&RawValue>) -> Vec<Mention> {
    let groups = raw.and_then(|raw| traits(raw.get()).ok()).unwrap_or_default();
    let mention =
        |(kind, raw): (String, Box<RawValue>)| Some(Mention { key: key(&raw).filter(|_| is_kind(&kind))?, kind });
    groups.into_iter().filter_map(mention).take(GROUPS_EVENT_MAX).collect()
}

/// What a request's events say about groups, for a page's request up to a limit of groups. If
/// several events mention a group, the first one counts.
#[must_use]
pub fn group_changes(rows: &[Row], source: Source) -> Vec<GroupChange> {
    let named = rows.iter().filter(|row| row.name == EVENT);
    let mut changes: Vec<GroupChange> = named.filter_map(|row| group_change(&row.id, row.data.get(), source)).collect();
    let mut known: BTreeSet<String> = changes.iter().map(|change| change.id.clone()).collect();
    for row in rows {
        for Mention { kind, key } in &row.groups {
            let (message_id, id, kind, key) = (row.id.clone(), id(kind, key), kind.clone(), key.clone());
            if known.insert(id.clone()) {
                changes.push(GroupChange { message_id, id, kind, key, fields: BTreeMap::new(), mentioned: Some(1) });
            }
        }
    }
    if source == Source::Browser {
        let mut groups = BTreeSet::new();
        changes.retain(|change| {
            groups.len() < GROUPS_REQUEST_MAX && groups.insert(change.id.clone()) || groups.contains(&change.id)
        });
    }
    changes
}

/// What the data of a `group` event say about a group. They have a `groupId`, a text or a number,
/// and optionally a `groupType` and `traits`. A page's null claims nothing. A server's null hides a
/// claimed trait.
#[must_use]
pub fn group_change(message_id: &str, data: &str, source: Source) -> Option<GroupChange> {
    let data: Data<'_> = serde_json::from_str(data).ok()?;
    let key = key(data.key?)?;
    let kind = match data.kind.filter(|raw| raw.get() != "null") {
        Some(raw) => serde_json::from_str::<String>(raw.get()).ok().filter(|kind| is_kind(kind))?,
        None => KIND.to_owned(),
    };
    let mut group_traits = data.traits.and_then(|raw| traits(raw.get()).ok()).unwrap_or_default();
    group_traits.retain(|_, raw| source.is_server() || raw.get() != "null");
    let (message_id, id, fields) = (message_id.to_owned(), id(&kind, &key), record::fields(group_traits));
    Some(GroupChange { message_id, id, kind, key, fields, mentioned: None })
}

/// A company's id of a group: a text or a number, and no placeholder.
fn key(raw: &RawValue) -> Option<String> {
    record::id(raw).map(|key| key.trim().to_owned()).filter(|key| !key.is_empty() && !is_placeholder(key))
}

/// An admin's traits of a group, from a JSON object. `None` if they exceed a limit.
#[must_use]
pub fn trusted_traits(json: &str) -> Option<BTreeMap<String, Sent>> {
    let given = traits(json).ok()?;
    let count = given.len();
    Some(record::fields(given)).filter(|fields| fields.len() == count)
}

/// A group's id, which follows from its kind and the company's id. A kind has no colon.
#[must_use]
pub fn id(kind: &str, key: &str) -> String {
    format!("grp_{}", sha256_hex(format!("{kind}:{key}").as_bytes()).chars().take(24).collect::<String>())
}

/// A group as stored.
#[derive(Debug, Clone)]
pub struct Group {
    /// Opaque.
    pub id: String,
    /// The group's kind.
    pub kind: String,
    /// The company's id of the group.
    pub key: String,
    /// `ts` of its first event.
    pub first_ts: i64,
    /// Claimed traits.
    pub claimed_traits: BTreeMap<String, Field>,
    /// Trusted traits.
    pub trusted_traits: BTreeMap<String, Field>,
}

impl Group {
    /// The resulting traits: trusted ones override claimed ones, and a null hides a claim.
    #[must_use]
    pub fn traits(&self) -> Traits {
        let layers = self.claimed_traits.iter().chain(&self.trusted_traits);
        let mut traits: Traits = layers.map(|(name, (_, _, (raw,)))| (name.clone(), raw.clone())).collect();
        traits.retain(|_, raw| raw.get() != "null");
        traits
    }

    /// The name, if it is a text.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        let (_, _, (raw,)) = self.trusted_traits.get("name").or_else(|| self.claimed_traits.get("name"))?;
        serde_json::from_str(raw.get()).ok()
    }

    /// The time of its first event, ms.
    #[must_use]
    pub const fn created_ms(&self) -> i64 {
        clock::ts_ms(self.first_ts)
    }

    /// The time of the latest event that set one of the resulting traits, ms.
    #[must_use]
    pub fn updated_ms(&self) -> i64 {
        let last_ts = self.claimed_traits.values().chain(self.trusted_traits.values()).map(|(ts, ..)| *ts).max();
        clock::ts_ms(last_ts.unwrap_or(self.first_ts).max(self.first_ts))
    }
}

/// Fields, the latest first.
fn newest(fields: &BTreeMap<String, Field>) -> Vec<(String, Field)> {
    let mut newest: Vec<_> = fields.clone().into_iter().collect();
    newest.sort_by(|(a, (at, a_id, _)), (b, (bt, b_id, _))| (bt, b_id).cmp(&(at, a_id)).then_with(|| a.cmp(b)));
    newest
}

/// Bytes of a field, as stored.
fn size(field: &Field) -> usize {
    serde_json::to_string(field).map_or(usize::MAX / 2, |text| text.len())
}

/// An event about a group, with its `ts` and its source.
pub type StoredChange = (i64, Source, GroupChange);

/// The rule: makes one group from these events, each once, in the order of arrival. `None` without
/// an event.
#[must_use]
pub fn fold(events: &[StoredChange]) -> Option<Group> {
    let (first_ts, _, first) = events.iter().min_by_key(|(ts, ..)| *ts)?;
    let (mut claimed, mut trusted) = (BTreeMap::new(), BTreeMap::<String, Field>::new());
    for (ts, source, change) in events {
        let stamped = |(raw,): &Sent| (*ts, change.message_id.clone(), (raw.clone(),));
        if source.is_server() {
            for (name, value) in &change.fields {
                let is_later = trusted.get(name).is_none_or(|(at, id, _)| (at, id) < (ts, &change.message_id));
                if is_later {
                    trusted.insert(name.clone(), stamped(value));
                }
            }
            trusted = record::latest(trusted);
            let mut bytes = 0;
            for (name, field) in newest(&trusted) {
                bytes += name.len() + size(&field);
                if bytes > GROUP_LAYER_BYTES_MAX {
                    trusted.remove(&name);
                }
            }
        } else {
            // The stored text also has a colon, a comma and two quotes for each field.
            let mut bytes =
                2 + claimed.iter().map(|(name, field): (&String, &Field)| name.len() + size(field) + 4).sum::<usize>();
            for (name, value) in &change.fields {
                let field = stamped(value);
                if !claimed.contains_key(name) && claimed.len() < RECORD_FIELDS_MAX {
                    bytes += name.len() + size(&field);
                    if bytes <= GROUP_LAYER_BYTES_MAX {
                        claimed.insert(name.clone(), field);
                    }
                }
            }
        }
    }
    Some(Group {
        id: first.id.clone(),
        kind: first.kind.clone(),
        key: first.key.clone(),
        first_ts: *first_ts,
        claimed_traits: claimed,
        trusted_traits: trusted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn changed(data: &Value) -> Option<(String, String, Value)> {
        let change = group_change("m1", &data.to_string(), Source::Browser)?;
        let fields = change.fields.into_iter();
        let fields = fields.map(|(name, (raw,))| (name, serde_json::from_str::<Value>(raw.get()).unwrap()));
        Some((change.kind, change.key, fields.collect()))
    }

    #[test]
    fn a_groups_key_and_kind_name_it() {
        let acme = changed(&json!({"groupId": " acme ", "traits": {"name": "Acme", "gone": null}})).unwrap();
        assert_eq!(acme, ("group".into(), "acme".into(), json!({"name": "Acme"})));
        assert_eq!(
            changed(&json!({"groupId": 7, "groupType": "team"})).unwrap(),
            ("team".into(), "7".into(), json!({}))
        );
        assert_ne!(id("group", "a"), id("team", "a"));
        let server = group_change("m", r#"{"groupId":"a","traits":{"plan":null}}"#, Source::Server).unwrap();
        assert_eq!(server.fields["plan"].0.get(), "null", "a server's null hides");
    }

    #[test]
    fn an_event_without_a_valid_group_id_changes_no_group() {
        for data in [
            json!({}),
            json!({"groupId": null}),
            json!({"groupId": "  "}),
            json!({"groupId": "undefined"}),
            json!({"groupId": {"a": 1}}),
            json!({"groupId": "x".repeat(129)}),
            json!({"groupId": "a", "groupType": "a b"}),
            json!({"groupId": "a", "groupType": 5}),
        ] {
            assert_eq!(changed(&data), None, "{data}");
        }
        assert_eq!(changed(&json!({"groupId": "a", "groupType": null, "traits": "x"})).unwrap().2, json!({}));
    }

    #[test]
    fn trusted_traits_of_a_group_override_claimed_ones_and_a_null_hides_a_claim() {
        let event = |ts, source, data: Value| (ts, source, group_change("m", &data.to_string(), source).unwrap());
        let group = fold(&[
            event(
                5_000,
                Source::Browser,
                json!({"groupId": "a", "traits": {"name": "Claimed", "plan": "trial", "seats": 3}}),
            ),
            event(6_000, Source::Browser, json!({"groupId": "a", "traits": {"name": "Again"}})),
            event(9_000, Source::Server, json!({"groupId": "a", "traits": {"plan": "gold", "seats": null}})),
            event(8_000, Source::Server, json!({"groupId": "a", "traits": {"plan": "silver"}})),
        ])
        .unwrap();
        assert_eq!(serde_json::to_value(group.traits()).unwrap(), json!({"name": "Claimed", "plan": "gold"}));
        assert_eq!((group.name(), group.created_ms(), group.updated_ms()), (Some("Claimed".into()), 5, 9));
    }
}
