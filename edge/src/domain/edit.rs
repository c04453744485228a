//! Edits of a person with a secret key: how an edit is read, what it changes, and which platform
//! events follow. An edit that sets the stored values again changes nothing.

mod read;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use serde_json::value::RawValue;
use trackmate_wire::limits::{FIELDS_MAX, TAGS_MAX};
use trackmate_wire::problem::{Code, Problem};

use super::json;
use super::person::{Consent, PLATFORMS, Person, Traits, check_sizes, members, tag_id};

/// The changes that an edit asks for.
#[derive(Debug, Default, Clone)]
pub struct Edit {
    email: Option<Address>,
    trusted_traits: Traits,
    opt_ins: BTreeMap<String, bool>,
    consent: Option<Asked>,
    tags: BTreeSet<String>,
    /// Tags to remove, by name or id.
    untags: BTreeSet<String>,
    fields: BTreeMap<String, Option<String>>,
}

/// An email address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The address as typed.
    pub typed: String,
    /// Its identity key.
    pub key: String,
}

/// A consent as sent. A missing time or source is filled in only if the consent changes anything.
#[derive(Debug, Clone)]
struct Asked {
    given: bool,
    at_ms: Option<i64>,
    source: String,
}

/// What an edit changed, besides the person.
#[derive(Debug, Default)]
pub struct Done {
    /// The new address, or the old one in another spelling.
    pub email: Option<Address>,
    /// Added tags.
    pub tags: Vec<String>,
    /// Removed tags.
    pub untags: Vec<String>,
    /// Fields with their new values.
    pub fields: BTreeMap<String, String>,
    /// Removed fields.
    pub unfields: Vec<String>,
    /// The platform events.
    pub events: Vec<Event>,
}

/// A platform event. Its data lack the user, who is the same in all events of an edit.
#[derive(Debug)]
pub struct Event {
    /// Its name.
    pub name: &'static str,
    /// JSON object.
    pub data: Value,
}

impl Done {
    /// Replaces tags and fields with the total change of several successive edits. The address and
    /// the events are already complete.
    pub fn settle(&mut self, before: &Person, after: &Person) {
        self.tags = after.tags.keys().filter(|tag| !before.tags.contains_key(*tag)).cloned().collect();
        self.untags = before.tags.keys().filter(|tag| !after.tags.contains_key(*tag)).cloned().collect();
        let is_new = |(name, value): &(&String, &String)| before.fields.get(*name) != Some(*value);
        self.fields = after.fields.iter().filter(is_new).map(|(name, value)| (name.clone(), value.clone())).collect();
        self.unfields = before.fields.keys().filter(|name| !after.fields.contains_key(*name)).cloned().collect();
    }
}

fn value(raw: &RawValue) -> Value {
    json::value(raw.get())
}

impl Edit {
    /// The address that the edit sets.
    #[must_use]
    pub const fn email(&self) -> Option<&Address> {
        self.email.as_ref()
    }

    /// Changes a person as the edit will, if the edit is valid. The address stays, because only the
    /// database knows whether it is free.
    pub fn foretell(&self, person: &mut Person, now_ms: i64) {
        let (edit, mut after) = (Self { email: None, ..self.clone() }, person.clone());
        if let Ok(Some(_)) = edit.apply(&mut after, now_ms) {
            *person = after;
        }
    }

    /// Applies the edit. `None` if it changes nothing.
    ///
    /// # Errors
    /// `limit_reached`, `event_too_large`.
    pub fn apply(&self, person: &mut Person, now_ms: i64) -> Result<Option<Done>, Problem> {
        let before = person.clone();
        let mut done = Done::default();
        if let Some(email) = self.email.as_ref().filter(|email| person.email.as_ref() != Some(&email.typed)) {
            person.email = Some(email.typed.clone());
            done.email = Some(email.clone());
        }
        person.trusted_traits.extend(self.trusted_traits.clone());
        let bytes: usize = person.trusted_traits.iter().map(|(name, raw)| name.len() + raw.get().len() + 6).sum();
        let nested: usize = person.trusted_traits.values().map(|raw| members(raw.get())).sum();
        check_sizes(bytes, person.trusted_traits.len() + nested)?;
        person.opt_ins.extend(self.opt_ins.clone());
        if let Some(asked) = &self.consent {
            asked.apply(&mut person.consent, now_ms);
        }
        let changes = changes(&before, person);
        if !changes.is_empty() {
            done.events.push(Event { name: "user.updated", data: serde_json::json!({ "changes": changes }) });
        }
        done.untags = person
            .tags
            .keys()
            .filter(|name| self.untags.contains(*name) || self.untags.contains(&tag_id(name)))
            .cloned()
            .collect();
        person.tags.retain(|name, _| !done.untags.contains(name));
        done.tags = self.tags.iter().filter(|name| !person.tags.contains_key(*name)).cloned().collect();
        person.tags.extend(done.tags.iter().map(|name| (name.clone(), now_ms)));
        let tagged = |name: &'static str| move |tag: &String| Event { name, data: serde_json::json!({ "tag": tag }) };
        done.events.extend(done.untags.iter().map(tagged("tag.removed")));
        done.events.extend(done.tags.iter().map(tagged("tag.added")));
        for (name, new) in &self.fields {
            let old = person.fields.get(name).cloned();
            if old == *new {
                continue;
            }
            let field = serde_json::json!({ "field": { "name": name, "old": old, "new": new } });
            done.events.push(Event { name: "customfield.updated", data: field });
            if let Some(text) = new {
                person.fields.insert(name.clone(), text.clone());
                done.fields.insert(name.clone(), text.clone());
            } else {
                person.fields.remove(name);
                done.unfields.push(name.clone());
            }
        }
        if person.tags.len() > TAGS_MAX || person.fields.len() > FIELDS_MAX {
            let message = format!("a user has at most {TAGS_MAX} tags and {FIELDS_MAX} custom fields");
            return Err(Problem::new(Code::LimitReached, message));
        }
        person.updated_ms = now_ms.max(before.updated_ms + 1);
        person.trusted_ms = Some(now_ms);
        Ok(Some(done).filter(|d| !d.events.is_empty()))
    }
}

impl Asked {
    /// Applies the consent. The same answer again changes nothing, unless it has another time.
    fn apply(&self, consent: &mut Option<Consent>, now_ms: i64) {
        if consent.as_ref().is_some_and(|c| c.given == self.given && self.at_ms.is_none_or(|at| at == c.at_ms)) {
            return;
        }
        *consent =
            Some(Consent { given: self.given, at_ms: self.at_ms.unwrap_or(now_ms), source: self.source.clone() });
    }
}

/// `{old, new}` for each field that differs.
fn changes(before: &Person, after: &Person) -> BTreeMap<String, Value> {
    let mut changes = BTreeMap::new();
    let mut note = |name: String, old: Value, new: Value| {
        if old != new {
            changes.insert(name, serde_json::json!({ "old": old, "new": new }));
        }
    };
    let (old, new) = (before.traits(), after.traits());
    for name in old.keys().chain(new.keys()) {
        let of = |layer: &Traits| layer.get(name).map_or(Value::Null, |raw| value(raw));
        note(name.clone(), of(&old), of(&new));
    }
    note("email".to_owned(), before.email.as_deref().into(), after.email.as_deref().into());
    note("fullName".to_owned(), before.full_name().into(), after.full_name().into());
    for platform in PLATFORMS {
        let of = |person: &Person| person.opt_ins.get(platform).copied().unwrap_or_default().into();
        note(format!("optIns.{platform}"), of(before), of(after));
    }
    let of = |person: &Person| serde_json::to_value(person.consent()).unwrap_or_default();
    note("exportConsent".to_owned(), of(before), of(after));
    changes
}

#[cfg(test)]
mod tests;
