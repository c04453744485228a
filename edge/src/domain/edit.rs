//! What a secret key may say of a person: how it is read, what it changes, and the platform events that follow. Saying again what is known changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use serde_json::value::RawValue;
use trackmate_wire::ids::email_typed;
use trackmate_wire::limits::{FIELD_CHARS_MAX, FIELDS_MAX, NAME_CHARS_MAX, TAGS_MAX, URL_BYTES_MAX};
use trackmate_wire::problem::{Code, Problem};

use super::event::{check_object, time};
use super::json;
use super::mild::{self, Mild};
use super::person::{Consent, KNOWN, PLATFORMS, Person, Traits, check_sizes, members, tag_id, traits};

/// Parts of the user object that follow from others.
const DERIVED: [&str; 7] = ["id", "company_id", "interactions", "stats", "timestamps", "createdAt", "lastActive"];

/// What is to change.
#[derive(Debug, Default, Clone)]
pub struct Edit {
    email: Option<Address>,
    said: Traits,
    opt_ins: BTreeMap<String, bool>,
    consent: Option<Asked>,
    tags: BTreeSet<String>,
    /// By name or id.
    untags: BTreeSet<String>,
    fields: BTreeMap<String, Option<String>>,
}

/// An address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// As typed.
    pub typed: String,
    /// Its lookup key.
    pub key: String,
}

/// A consent as told; what was not told is filled in only when it changes anything.
#[derive(Debug, Clone)]
struct Asked {
    given: bool,
    at_ms: Option<i64>,
    source: String,
}

/// What an edit changed, beside the person.
#[derive(Debug, Default)]
pub struct Done {
    /// The new address, which may be the old one spelled anew.
    pub email: Option<Address>,
    /// Tags that are new.
    pub tags: Vec<String>,
    /// Tags that are gone.
    pub untags: Vec<String>,
    /// Fields that are set …
    pub fields: BTreeMap<String, String>,
    /// … or gone.
    pub unfields: Vec<String>,
    /// The platform events.
    pub events: Vec<Event>,
}

/// A platform event. Its data lack the user, who is the same in all of an edit.
#[derive(Debug)]
pub struct Event {
    /// Its name.
    pub name: &'static str,
    /// JSON object.
    pub data: Value,
}

impl Done {
    /// Sums up several edits, one made after the other: what tags and fields they change in all. Email and events are theirs already.
    pub fn settle(&mut self, before: &Person, after: &Person) {
        self.tags = after.tags.keys().filter(|tag| !before.tags.contains_key(*tag)).cloned().collect();
        self.untags = before.tags.keys().filter(|tag| !after.tags.contains_key(*tag)).cloned().collect();
        let is_new = |(name, value): &(&String, &String)| before.fields.get(*name) != Some(*value);
        self.fields = after.fields.iter().filter(is_new).map(|(name, value)| (name.clone(), value.clone())).collect();
        self.unfields = before.fields.keys().filter(|name| !after.fields.contains_key(*name)).cloned().collect();
    }
}

fn refused(field: &'static str, message: impl Into<String>) -> Problem {
    Problem::field(Code::InvalidField, field, message)
}

/// That a member of the user cannot be as it was sent.
fn refused_at(place: &str, message: &str) -> Problem {
    Problem { path: Some(place.to_owned()), ..Problem::new(Code::InvalidField, message) }
}

/// What a text must be for [`readable`].
fn form(chars: usize) -> String {
    format!("has 1 to {chars} characters, none of them control characters")
}

/// A text with no more than `chars` characters, none of them control characters, trimmed, not empty.
fn readable(text: &str, chars: usize) -> Option<String> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= chars && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

/// [`readable`], or the problem of this field, of which `what` it is.
fn checked(text: &str, chars: usize, field: &'static str, what: &str) -> Result<String, Problem> {
    readable(text, chars).ok_or_else(|| refused(field, format!("{what} {}", form(chars))))
}

fn object(raw: &RawValue, field: &'static str) -> Result<Traits, Problem> {
    check_object(raw.get(), field)?;
    traits(raw.get()).map_err(|_| refused(field, format!("{field} is an object")))
}

fn value(raw: &RawValue) -> Value {
    json::value(raw.get())
}

/// Reads an edit part by part. Who edits a user is told of the first part that cannot be read; beside an event, such a part is left out, so that it does not
/// cost the event.
struct Reader {
    edit: Edit,
    /// What was left out, where that is allowed.
    left_out: Option<Vec<Problem>>,
}

impl Reader {
    /// Passes a problem on, or leaves out what has it.
    fn taken(&mut self, read: Result<(), Problem>) -> Result<(), Problem> {
        match (read, &mut self.left_out) {
            (Err(problem), Some(left_out)) => {
                left_out.push(problem);
                Ok(())
            }
            (read, _) => read,
        }
    }

    fn members(
        &mut self,
        json: &str,
        source: &'static str,
        address: impl Fn(&str) -> Result<String, Problem>,
    ) -> Result<(), Problem> {
        check_object(json, "user")?;
        let members = traits(json).map_err(|_| Problem::new(Code::InvalidJson, "the body is not JSON"))?;
        for (name, raw) in members {
            let read = self.member(&name, raw, source, &address);
            self.taken(read)?;
        }
        Ok(())
    }

    fn member(
        &mut self,
        name: &str,
        raw: Box<RawValue>,
        source: &'static str,
        address: impl Fn(&str) -> Result<String, Problem>,
    ) -> Result<(), Problem> {
        let parts = ["traits", "optIns", "exportConsent", "customFields", "tags"];
        // A null says nothing of what holds parts, as if it were left out.
        if raw.get() == "null" && (parts.contains(&name) || name == "email" && self.left_out.is_some()) {
            return Ok(());
        }
        match name {
            "traits" => {
                for (name, raw) in object(&raw, "traits")? {
                    let read = self.say(&name, &format!("traits.{name}"), raw);
                    self.taken(read)?;
                }
            }
            "email" => {
                let Value::String(typed) = value(&raw) else { return Err(refused("email", "email is a text")) };
                let typed = email_typed(&typed);
                if !typed.is_empty() || self.left_out.is_none() {
                    self.edit.email = Some(Address { key: address(&typed)?, typed });
                }
            }
            "optIns" => {
                for (platform, raw) in object(&raw, "optIns")? {
                    let read = self.edit.opt(platform, &raw);
                    self.taken(read)?;
                }
            }
            "exportConsent" => self.edit.consent = Some(Asked::read(&value(&raw), source)?),
            "customFields" => self.fields(&object(&raw, "customFields")?)?,
            "tags" => {
                let wanted = object(&raw, "tags")?;
                if wanted.keys().any(|key| key != "add" && key != "remove") {
                    return Err(refused("tags", "tags is {add:[…], remove:[…]}"));
                }
                for (name, raw) in wanted.iter().filter(|(_, raw)| raw.get() != "null") {
                    let read = self.tags(&value(raw), name == "add");
                    self.taken(read)?;
                }
            }
            other if DERIVED.contains(&other) => {
                return Err(refused_at(other, &format!("{other} cannot be set here")));
            }
            _ => self.say(name, name, raw)?,
        }
        Ok(())
    }

    /// A trait; `place` is where it stands.
    fn say(&mut self, name: &str, place: &str, raw: Box<RawValue>) -> Result<(), Problem> {
        let name = if name == "name" { "fullName" } else { name };
        if !KNOWN.contains(&name) || raw.get() == "null" {
            self.edit.said.insert(name.to_owned(), raw);
            return Ok(());
        }
        let told = |why: &str| refused_at(place, &format!("{place} {why}"));
        let chars = if name == "profilePic" { URL_BYTES_MAX } else { NAME_CHARS_MAX };
        let given = value(&raw);
        let text = if let Some(left_out) = &mut self.left_out {
            match mild::text(&given, chars) {
                Mild::Missing => return Ok(()),
                Mild::Whole(text) => text,
                Mild::Cut(text) if name != "profilePic" => {
                    left_out.push(told(&format!("was cut to {chars} characters")));
                    text
                }
                Mild::Cut(_) => return Err(told(&format!("has at most {chars} characters"))),
                Mild::Unread => return Err(told("is a text or null")),
            }
        } else {
            let Value::String(text) = given else { return Err(told("is a text or null")) };
            readable(&text, chars).ok_or_else(|| told(&form(chars)))?
        };
        let raw = serde_json::value::to_raw_value(&text).map_err(|_| told("is a text or null"))?;
        self.edit.said.insert(name.to_owned(), raw);
        Ok(())
    }

    fn fields(&mut self, wanted: &Traits) -> Result<(), Problem> {
        for (name, raw) in wanted {
            let read = self.edit.field(name, raw);
            self.taken(read)?;
        }
        Ok(())
    }

    /// The names of an array of tags.
    fn tags(&mut self, names: &Value, added: bool) -> Result<(), Problem> {
        let told = || refused("tags", "tags is an array of texts");
        let names = names.as_array().filter(|names| names.len() <= TAGS_MAX).ok_or_else(told)?;
        for name in names {
            let read = name.as_str().ok_or_else(told).and_then(|name| checked(name, NAME_CHARS_MAX, "tags", "a tag"));
            let read = read.map(|name| {
                let tags = if added { &mut self.edit.tags } else { &mut self.edit.untags };
                tags.insert(name);
            });
            self.taken(read)?;
        }
        Ok(())
    }
}

impl Edit {
    /// Reads an edit: any of the user object's own fields, `traits`, `tags: {add, remove}`; what is none of these is a trait. `source` is whose key it is,
    /// `address` makes an address its lookup key.
    ///
    /// # Errors
    /// The [`Problem`] that the caller is told.
    pub fn read(
        json: &str,
        source: &'static str,
        address: impl Fn(&str) -> Result<String, Problem>,
    ) -> Result<Self, Problem> {
        let mut reader = Reader { edit: Self::default(), left_out: None };
        reader.members(json, source, address)?;
        Ok(reader.edit)
    }

    /// Reads what stands beside an event, as [`Self::read`] does, as far as it can be read, and says what was left out.
    pub fn read_mildly(
        json: &str,
        source: &'static str,
        address: impl Fn(&str) -> Result<String, Problem>,
    ) -> (Self, Vec<Problem>) {
        let mut reader = Reader { edit: Self::default(), left_out: Some(Vec::new()) };
        let read = reader.members(json, source, address);
        let whole = reader.taken(read);
        debug_assert!(whole.is_ok(), "what cannot be read is left out");
        (reader.edit, reader.left_out.unwrap_or_default())
    }

    /// Tags to be given, or taken away.
    ///
    /// # Errors
    /// `invalid_field`.
    pub fn of_tags(names: &Value, added: bool) -> Result<Self, Problem> {
        let mut reader = Reader { edit: Self::default(), left_out: None };
        reader.tags(names, added)?;
        Ok(reader.edit)
    }

    /// Custom fields, a JSON object; null takes one away.
    ///
    /// # Errors
    /// `invalid_field`.
    pub fn of_fields(json: &str) -> Result<Self, Problem> {
        check_object(json, "customFields")?;
        let fields = traits(json).map_err(|_| Problem::new(Code::InvalidJson, "the body is not JSON"))?;
        let mut reader = Reader { edit: Self::default(), left_out: None };
        reader.fields(&fields)?;
        Ok(reader.edit)
    }

    fn opt(&mut self, platform: String, raw: &RawValue) -> Result<(), Problem> {
        if raw.get() == "null" {
            return Ok(());
        }
        let opted = value(raw).as_bool().filter(|_| PLATFORMS.contains(&platform.as_str()));
        let message = || format!("optIns has true or false for any of {}", PLATFORMS.join(", "));
        self.opt_ins.insert(platform, opted.ok_or_else(|| refused("optIns", message()))?);
        Ok(())
    }

    fn field(&mut self, name: &str, raw: &RawValue) -> Result<(), Problem> {
        let text = match value(raw) {
            Value::Null => None,
            Value::String(text) if text.chars().count() <= FIELD_CHARS_MAX => Some(text),
            Value::Number(_) | Value::Bool(_) => Some(raw.get().to_owned()),
            Value::String(_) | Value::Array(_) | Value::Object(_) => {
                let message = format!(
                    "a custom field is a text of at most {FIELD_CHARS_MAX} characters, a number, a boolean or null"
                );
                return Err(refused("customFields", message));
            }
        };
        self.fields.insert(checked(name, NAME_CHARS_MAX, "customFields", "the name of a custom field")?, text);
        Ok(())
    }

    /// The address that it gives.
    #[must_use]
    pub const fn email(&self) -> Option<&Address> {
        self.email.as_ref()
    }

    /// Makes of a person what the edit is going to, if it can be made. The address is left out: only the database knows whether it is free.
    pub fn foretell(&self, person: &mut Person, now_ms: i64) {
        let (edit, mut after) = (Self { email: None, ..self.clone() }, person.clone());
        if let Ok(Some(_)) = edit.apply(&mut after, now_ms) {
            *person = after;
        }
    }

    /// Makes the edit; `None` if it changes nothing.
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
        person.said.extend(self.said.clone());
        let bytes: usize = person.said.iter().map(|(name, raw)| name.len() + raw.get().len() + 6).sum();
        let nested: usize = person.said.values().map(|raw| members(raw.get())).sum();
        check_sizes(bytes, person.said.len() + nested)?;
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
        person.said_ms = Some(now_ms);
        Ok(Some(done).filter(|d| !d.events.is_empty()))
    }
}

impl Asked {
    fn read(told: &Value, key: &'static str) -> Result<Self, Problem> {
        let form = || refused("exportConsent", "exportConsent is true, false or {given, at?, source?}");
        match told {
            Value::Bool(given) => Ok(Self { given: *given, at_ms: None, source: key.to_owned() }),
            Value::Object(members) => Ok(Self {
                given: members.get("given").and_then(Value::as_bool).ok_or_else(form)?,
                at_ms: members.get("at").filter(|at| !at.is_null()).map(|at| time(at, "exportConsent")).transpose()?,
                source: match members.get("source") {
                    None | Some(Value::Null) => key.to_owned(),
                    Some(Value::String(source)) => {
                        checked(source, NAME_CHARS_MAX, "exportConsent", "exportConsent.source")?
                    }
                    Some(_) => return Err(form()),
                },
            }),
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => Err(form()),
        }
    }

    /// The same answer again is no news, unless it tells another time.
    fn apply(&self, consent: &mut Option<Consent>, now_ms: i64) {
        if consent.as_ref().is_some_and(|c| c.given == self.given && self.at_ms.is_none_or(|at| at == c.at_ms)) {
            return;
        }
        *consent =
            Some(Consent { given: self.given, at_ms: self.at_ms.unwrap_or(now_ms), source: self.source.clone() });
    }
}

/// `{old, new}` of every field that differs.
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
mod tests {
    use super::*;
    use serde_json::json;
    use trackmate_wire::limits::{TRAITS_BYTES_MAX, TRAITS_MEMBERS_MAX};

    #[allow(clippy::unnecessary_wraps, reason = "what makes a key of an address may refuse it")]
    fn key(email: &str) -> Result<String, Problem> {
        Ok(email.to_lowercase())
    }

    fn names(done: Option<Done>) -> Vec<&'static str> {
        done.map(|d| d.events.iter().map(|e| e.name).collect()).unwrap_or_default()
    }

    #[test]
    fn an_edit_tells_old_and_new_once_and_says_nothing_the_second_time() {
        let edit = json!({"email": " New@b.c ", "phone": "+2", "plan": {"a": 1}, "optIns": {"whatsapp": true}, "exportConsent": true,
            "tags": {"add": ["vip"], "remove": ["gone"]}, "customFields": {"points": 150, "no": null}});
        let edit = Edit::read(&edit.to_string(), "admin", key).unwrap();
        let mut person = Person { claimed: traits(r#"{"phone":"+1"}"#).unwrap(), ..Person::default() };
        person.tags.insert("gone".into(), 1);
        person.fields.insert("points".into(), "140".into());
        let done = edit.apply(&mut person, 5).unwrap().unwrap();
        let by_name = |name| done.events.iter().find(|e| e.name == name).unwrap().data.clone();
        let changes = &by_name("user.updated")["changes"];
        assert_eq!(changes["phone"], json!({"old": "+1", "new": "+2"}));
        assert_eq!(changes["email"], json!({"old": null, "new": "New@b.c"}));
        assert_eq!(done.email, Some(Address { typed: "New@b.c".into(), key: "new@b.c".into() }));
        assert_eq!(changes["plan"], json!({"old": null, "new": {"a": 1}}));
        assert_eq!(changes["optIns.whatsapp"], json!({"old": false, "new": true}));
        assert_eq!(changes["exportConsent"]["new"]["source"], "admin");
        assert_eq!(by_name("customfield.updated")["field"], json!({"name": "points", "old": "140", "new": "150"}));
        assert_eq!(by_name("tag.removed"), json!({"tag": "gone"}));
        assert_eq!(names(Some(done)), ["user.updated", "tag.removed", "tag.added", "customfield.updated"]);
        assert_eq!(names(edit.apply(&mut person, 9).unwrap()), Vec::<&str>::new());
        assert_eq!(person.consent.unwrap().at_ms, 5);
    }

    #[test]
    fn beside_an_event_what_cannot_be_read_is_left_out_and_the_rest_counts() {
        let long = "x".repeat(NAME_CHARS_MAX + 1);
        let user = json!({"email": "nonsense", "phone": 47, "firstName": "", "lastName": "Lee\n", "fullName": long, "gender": {},
            "traits": null, "city": "Oslo", "optIns": {"fax": true, "whatsapp": true, "telegram": null}, "exportConsent": "yes", "stats": {},
            "tags": {"add": ["vip", 5], "remove": null}, "customFields": {"a": [], "b": 1}});
        let address = |email: &str| key(email).and_then(|_| Err(refused("email", "no address")));
        let (edit, left_out) = Edit::read_mildly(&user.to_string(), "server", address);
        let said: BTreeMap<_, _> = edit.said.iter().map(|(name, raw)| (name.as_str(), value(raw))).collect();
        let whole = json!({"phone": "47", "lastName": "Lee", "fullName": "x".repeat(NAME_CHARS_MAX), "city": "Oslo"});
        assert_eq!(serde_json::to_value(said).unwrap(), whole);
        assert_eq!((edit.email, edit.tags.len(), edit.fields.len()), (None, 1, 1));
        assert_eq!(edit.opt_ins, BTreeMap::from([("whatsapp".to_owned(), true)]));
        assert_eq!(left_out.len(), 8, "{left_out:?}");
        for no_object in ["5", "[]", "\"x\""] {
            assert_eq!(Edit::read_mildly(no_object, "server", key).1.len(), 1);
        }
        let nulls = json!({"traits": null, "optIns": {"whatsapp": null}, "customFields": null, "tags": {"add": null}, "exportConsent": null});
        assert!(Edit::read(&nulls.to_string(), "admin", key).is_ok());
    }

    #[test]
    fn what_cannot_be_said_is_refused() {
        for body in [
            json!({"email": 5}),
            json!({"stats": {}}),
            json!({"phone": 5}),
            json!({"firstName": " "}),
            json!({"optIns": {"fax": true}}),
            json!({"optIns": {"whatsapp": "yes"}}),
            json!({"exportConsent": "yes"}),
            json!({"exportConsent": {"at": "2025-01-01"}}),
            json!({"customFields": {"a": []}}),
            json!({"customFields": {"": "x"}}),
            json!({"tags": ["vip"]}),
            json!({"tags": {"add": [5]}}),
        ] {
            assert_eq!(Edit::read(&body.to_string(), "admin", key).unwrap_err().code, Code::InvalidField, "{body}");
        }
        let many: serde_json::Map<String, Value> = (0..=FIELDS_MAX).map(|n| (n.to_string(), json!("x"))).collect();
        let edit = Edit::of_fields(&Value::Object(many).to_string()).unwrap();
        assert_eq!(edit.apply(&mut Person::default(), 1).unwrap_err().code, Code::LimitReached);
        let large = Edit::read(&json!({"a": "x".repeat(TRAITS_BYTES_MAX)}).to_string(), "admin", key).unwrap();
        assert_eq!(large.apply(&mut Person::default(), 1).unwrap_err().code, Code::EventTooLarge);
        let many: serde_json::Map<String, Value> =
            (0..=TRAITS_MEMBERS_MAX).map(|n| (n.to_string(), json!(1))).collect();
        let edit = Edit::read(&json!({ "nested": many }).to_string(), "admin", key).unwrap();
        assert_eq!(edit.apply(&mut Person::default(), 1).unwrap_err().code, Code::EventTooLarge);
    }
}
