//! Groups: the companies, accounts or teams that people are members of, made by `group` events.
//! Not the tenant, which is a company here, and not merged profiles ([`super::merged`]).
//!
//! A group's traits have two layers, as a person's: trusted traits override claimed ones.
//!
//! - A trusted trait has the value of the latest event (ts, message id) that names it, so the order
//!   of arrival does not matter. The limit of a group is the exception: what does not fit is cut.
//! - Of claims the first to arrive stays while there is room, because a public caller can put any
//!   time on a claim.
//!
//! A membership is a place (session, ts) at which a group was named. The ledger says which person
//! owns that place, so no merge and no undo moves a membership. `store/sql/groups.merge.sql` and
//! `memberships.insert.sql` follow these rules; `edge/tests/groups.rs` compares them.

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

/// The event that tells of a group.
pub const EVENT: &str = "group";
/// What a group is unless its event says.
pub const KIND: &str = "group";

/// What one event tells of a group, as an item of the statements' JSON parameter.
#[derive(Debug, Clone, Serialize)]
pub struct Telling {
    /// The event's message id.
    #[serde(rename = "i")]
    pub message_id: String,
    /// The group's id.
    #[serde(rename = "g")]
    pub id: String,
    /// What it is.
    #[serde(rename = "k")]
    pub kind: String,
    /// The company's own id of it.
    #[serde(rename = "o")]
    pub key: String,
    /// What is told.
    #[serde(rename = "f")]
    pub fields: BTreeMap<String, Sent>,
    /// 1 where it is only mentioned: one membership is enough for all that a session's events
    /// mention of one person.
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

/// The groups of `{kind: key, …}`, so many at most. What names none is left out.
#[must_use]
pub fn mentions(raw: Option<&RawValue>) -> Vec<Mention> {
    let groups = raw.and_then(|raw| traits(raw.get()).ok()).unwrap_or_default();
    let mention =
        |(kind, raw): (String, Box<RawValue>)| Some(Mention { key: key(&raw).filter(|_| is_kind(&kind))?, kind });
    groups.into_iter().filter_map(mention).take(GROUPS_EVENT_MAX).collect()
}

/// What a request's events tell of groups; of a page's request, of so many groups. A group that
/// several mention is told of by the first.
#[must_use]
pub fn tellings(rows: &[Row], from_server: bool) -> Vec<Telling> {
    let named = rows.iter().filter(|row| row.name == EVENT);
    let mut told: Vec<Telling> = named.filter_map(|row| telling(&row.id, row.data.get(), from_server)).collect();
    let mut known: BTreeSet<String> = told.iter().map(|told| told.id.clone()).collect();
    for row in rows {
        for Mention { kind, key } in &row.groups {
            let (message_id, id, kind, key) = (row.id.clone(), id(kind, key), kind.clone(), key.clone());
            if known.insert(id.clone()) {
                told.push(Telling { message_id, id, kind, key, fields: BTreeMap::new(), mentioned: Some(1) });
            }
        }
    }
    if !from_server {
        let mut groups = BTreeSet::new();
        told.retain(|told| {
            groups.len() < GROUPS_REQUEST_MAX && groups.insert(told.id.clone()) || groups.contains(&told.id)
        });
    }
    told
}

/// What the data of a `group` event tell, if anything: they hold a `groupId`, a text or a number,
/// and maybe a `groupType` and `traits`. A page's null claims nothing, a server's hides what was
/// claimed.
#[must_use]
pub fn telling(message_id: &str, data: &str, from_server: bool) -> Option<Telling> {
    let data: Data<'_> = serde_json::from_str(data).ok()?;
    let key = key(data.key?)?;
    let kind = match data.kind.filter(|raw| raw.get() != "null") {
        Some(raw) => serde_json::from_str::<String>(raw.get()).ok().filter(|kind| is_kind(kind))?,
        None => KIND.to_owned(),
    };
    let mut told = data.traits.and_then(|raw| traits(raw.get()).ok()).unwrap_or_default();
    told.retain(|_, raw| from_server || raw.get() != "null");
    let (message_id, id, fields) = (message_id.to_owned(), id(&kind, &key), record::fields(told));
    Some(Telling { message_id, id, kind, key, fields, mentioned: None })
}

/// A company's own id of a group: a text or a number, and no placeholder.
fn key(raw: &RawValue) -> Option<String> {
    record::id(raw).map(|key| key.trim().to_owned()).filter(|key| !key.is_empty() && !is_placeholder(key))
}

/// What an admin says of a group, a JSON object of traits; `None` if not all of it can be kept.
#[must_use]
pub fn says(json: &str) -> Option<BTreeMap<String, Sent>> {
    let told = traits(json).ok()?;
    let count = told.len();
    Some(record::fields(told)).filter(|fields| fields.len() == count)
}

/// A group's id follows from what it is and the company's own id of it. A kind has no colon.
#[must_use]
pub fn id(kind: &str, key: &str) -> String {
    format!("grp_{}", sha256_hex(format!("{kind}:{key}").as_bytes()).chars().take(24).collect::<String>())
}

/// A group as it is kept.
#[derive(Debug, Clone)]
pub struct Group {
    /// Opaque.
    pub id: String,
    /// What it is.
    pub kind: String,
    /// The company's own id of it.
    pub key: String,
    /// `ts` of its first event.
    pub first_ts: i64,
    /// What public keys claimed.
    pub claimed_traits: BTreeMap<String, Field>,
    /// What secret keys said.
    pub trusted_traits: BTreeMap<String, Field>,
}

impl Group {
    /// All traits as they count: said over claimed, what a null hides left out.
    #[must_use]
    pub fn traits(&self) -> Traits {
        let layers = self.claimed_traits.iter().chain(&self.trusted_traits);
        let mut traits: Traits = layers.map(|(name, (_, _, (raw,)))| (name.clone(), raw.clone())).collect();
        traits.retain(|_, raw| raw.get() != "null");
        traits
    }

    /// The name that is told, if it is a text.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        let (_, _, (raw,)) = self.trusted_traits.get("name").or_else(|| self.claimed_traits.get("name"))?;
        serde_json::from_str(raw.get()).ok()
    }

    /// When its first event was, ms.
    #[must_use]
    pub const fn created_ms(&self) -> i64 {
        clock::ts_ms(self.first_ts)
    }

    /// When what counts was told last, ms.
    #[must_use]
    pub fn updated_ms(&self) -> i64 {
        let told = self.claimed_traits.values().chain(self.trusted_traits.values()).map(|(ts, ..)| *ts).max();
        clock::ts_ms(told.unwrap_or(self.first_ts).max(self.first_ts))
    }
}

/// Fields, those first that were told last.
fn newest(fields: &BTreeMap<String, Field>) -> Vec<(String, Field)> {
    let mut newest: Vec<_> = fields.clone().into_iter().collect();
    newest.sort_by(|(a, (at, a_id, _)), (b, (bt, b_id, _))| (bt, b_id).cmp(&(at, a_id)).then_with(|| a.cmp(b)));
    newest
}

/// Bytes of a field, as it is stored.
fn size(field: &Field) -> usize {
    serde_json::to_string(field).map_or(usize::MAX / 2, |text| text.len())
}

/// An event that tells of a group, with its `ts` and whether it came through the server door.
pub type Told = (i64, bool, Telling);

/// The law: what these events, each once, in the order in which they arrived, make of one group;
/// `None` for no event.
#[must_use]
pub fn fold(events: &[Told]) -> Option<Group> {
    let (first_ts, _, first) = events.iter().min_by_key(|(ts, ..)| *ts)?;
    let (mut claimed, mut said) = (BTreeMap::new(), BTreeMap::<String, Field>::new());
    for (ts, from_server, telling) in events {
        let stamped = |(raw,): &Sent| (*ts, telling.message_id.clone(), (raw.clone(),));
        if *from_server {
            for (name, value) in &telling.fields {
                let is_later = said.get(name).is_none_or(|(at, id, _)| (at, id) < (ts, &telling.message_id));
                if is_later {
                    said.insert(name.clone(), stamped(value));
                }
            }
            said = record::latest(said);
            let mut bytes = 0;
            for (name, field) in newest(&said) {
                bytes += name.len() + size(&field);
                if bytes > GROUP_LAYER_BYTES_MAX {
                    said.remove(&name);
                }
            }
        } else {
            // The stored text has a colon, a comma and two quotes more of each.
            let mut bytes =
                2 + claimed.iter().map(|(name, field): (&String, &Field)| name.len() + size(field) + 4).sum::<usize>();
            for (name, value) in &telling.fields {
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
        trusted_traits: said,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn told(data: &Value) -> Option<(String, String, Value)> {
        let telling = telling("m1", &data.to_string(), false)?;
        let fields = telling.fields.into_iter();
        let fields = fields.map(|(name, (raw,))| (name, serde_json::from_str::<Value>(raw.get()).unwrap()));
        Some((telling.kind, telling.key, fields.collect()))
    }

    #[test]
    fn a_group_is_named_by_its_id_and_what_it_is() {
        let acme = told(&json!({"groupId": " acme ", "traits": {"name": "Acme", "gone": null}})).unwrap();
        assert_eq!(acme, ("group".into(), "acme".into(), json!({"name": "Acme"})));
        assert_eq!(told(&json!({"groupId": 7, "groupType": "team"})).unwrap(), ("team".into(), "7".into(), json!({})));
        assert_ne!(id("group", "a"), id("team", "a"));
        let server = telling("m", r#"{"groupId":"a","traits":{"plan":null}}"#, true).unwrap();
        assert_eq!(server.fields["plan"].0.get(), "null", "a server's null hides");
    }

    #[test]
    fn what_names_no_group_is_an_event_only() {
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
            assert_eq!(told(&data), None, "{data}");
        }
        assert_eq!(told(&json!({"groupId": "a", "groupType": null, "traits": "x"})).unwrap().2, json!({}));
    }

    #[test]
    fn what_was_said_lies_over_what_was_claimed_and_a_null_hides_it() {
        let event =
            |ts, from_server, data: Value| (ts, from_server, telling("m", &data.to_string(), from_server).unwrap());
        let group = fold(&[
            event(5_000, false, json!({"groupId": "a", "traits": {"name": "Claimed", "plan": "trial", "seats": 3}})),
            event(6_000, false, json!({"groupId": "a", "traits": {"name": "Again"}})),
            event(9_000, true, json!({"groupId": "a", "traits": {"plan": "gold", "seats": null}})),
            event(8_000, true, json!({"groupId": "a", "traits": {"plan": "silver"}})),
        ])
        .unwrap();
        assert_eq!(serde_json::to_value(group.traits()).unwrap(), json!({"name": "Claimed", "plan": "gold"}));
        assert_eq!((group.name(), group.created_ms(), group.updated_ms()), (Some("Claimed".into()), 5, 9));
    }
}
