//! Reads an edit, part by part.

use serde_json::Value;
use serde_json::value::RawValue;
use trackmate_wire::ids::email_typed;
use trackmate_wire::limits::{FIELD_CHARS_MAX, NAME_CHARS_MAX, TAGS_MAX, URL_BYTES_MAX};
use trackmate_wire::problem::{Code, Problem};

use super::{Address, Asked, Edit, value};
use crate::domain::event::{check_object, time};
use crate::domain::lenient::{self, LenientText};
use crate::domain::person::{KNOWN, PLATFORMS, Traits, traits};
use crate::domain::secret::Scope;

/// Parts of the user object that are derived from others.
const DERIVED: [&str; 7] = ["id", "company_id", "interactions", "stats", "timestamps", "createdAt", "lastActive"];

pub(super) fn refused(field: &'static str, message: impl Into<String>) -> Problem {
    Problem::field(Code::InvalidField, field, message)
}

/// The problem of an invalid member of the user.
fn refused_at(place: &str, message: &str) -> Problem {
    Problem { path: Some(place.to_owned()), ..Problem::new(Code::InvalidField, message) }
}

/// The form that [`readable`] demands.
fn form(chars: usize) -> String {
    format!("has 1 to {chars} characters, none of them control characters")
}

/// The trimmed text, if it has 1 to `chars` characters and none of them is a control character.
fn readable(text: &str, chars: usize) -> Option<String> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= chars && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

/// [`readable`], or a problem of this field, whose message names it `what`.
fn checked(text: &str, chars: usize, field: &'static str, what: &str) -> Result<String, Problem> {
    readable(text, chars).ok_or_else(|| refused(field, format!("{what} {}", form(chars))))
}

fn object(raw: &RawValue, field: &'static str) -> Result<Traits, Problem> {
    check_object(raw.get(), field)?;
    traits(raw.get()).map_err(|_| refused(field, format!("{field} is an object")))
}

/// Reads an edit part by part. The first invalid part rejects an edit of a user. Beside an event,
/// an invalid part is left out instead, so that it does not cost the event.
struct Reader {
    edit: Edit,
    /// The invalid parts that were left out; `None` if an invalid part rejects the edit.
    left_out: Option<Vec<Problem>>,
}

impl Reader {
    /// Returns the problem of an invalid part, or adds it to those that were left out.
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
        scope: Scope,
        address: impl Fn(&str) -> Result<String, Problem>,
    ) -> Result<(), Problem> {
        check_object(json, "user")?;
        let members = traits(json).map_err(|_| Problem::new(Code::InvalidJson, "the body is not JSON"))?;
        for (name, raw) in members {
            let read = self.member(&name, raw, scope, &address);
            self.taken(read)?;
        }
        Ok(())
    }

    fn member(
        &mut self,
        name: &str,
        raw: Box<RawValue>,
        scope: Scope,
        address: impl Fn(&str) -> Result<String, Problem>,
    ) -> Result<(), Problem> {
        let parts = ["traits", "optIns", "exportConsent", "customFields", "tags"];
        // Where parts are expected, a null counts as left out.
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
            "exportConsent" => self.edit.consent = Some(Asked::read(&value(&raw), scope)?),
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

    /// Reads a trait at this place in the body.
    fn say(&mut self, name: &str, place: &str, raw: Box<RawValue>) -> Result<(), Problem> {
        let name = if name == "name" { "fullName" } else { name };
        if !KNOWN.contains(&name) || raw.get() == "null" {
            self.edit.trusted_traits.insert(name.to_owned(), raw);
            return Ok(());
        }
        let invalid = |why: &str| refused_at(place, &format!("{place} {why}"));
        let chars = if name == "profilePic" { URL_BYTES_MAX } else { NAME_CHARS_MAX };
        let given = value(&raw);
        let text = if let Some(left_out) = &mut self.left_out {
            match lenient::text(&given, chars) {
                LenientText::Missing => return Ok(()),
                LenientText::Whole(text) => text,
                LenientText::Cut(text) if name != "profilePic" => {
                    left_out.push(invalid(&format!("was cut to {chars} characters")));
                    text
                }
                LenientText::Cut(_) => return Err(invalid(&format!("has at most {chars} characters"))),
                LenientText::Unread => return Err(invalid("is a text or null")),
            }
        } else {
            let Value::String(text) = given else { return Err(invalid("is a text or null")) };
            readable(&text, chars).ok_or_else(|| invalid(&form(chars)))?
        };
        let raw = serde_json::value::to_raw_value(&text).map_err(|_| invalid("is a text or null"))?;
        self.edit.trusted_traits.insert(name.to_owned(), raw);
        Ok(())
    }

    fn fields(&mut self, wanted: &Traits) -> Result<(), Problem> {
        for (name, raw) in wanted {
            let read = self.edit.field(name, raw);
            self.taken(read)?;
        }
        Ok(())
    }

    /// Reads the names of an array of tags.
    fn tags(&mut self, names: &Value, added: bool) -> Result<(), Problem> {
        let invalid = || refused("tags", "tags is an array of texts");
        let names = names.as_array().filter(|names| names.len() <= TAGS_MAX).ok_or_else(invalid)?;
        for name in names {
            let read =
                name.as_str().ok_or_else(invalid).and_then(|name| checked(name, NAME_CHARS_MAX, "tags", "a tag"));
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
    /// Reads an edit: any editable member of the user object, `traits`, and `tags: {add, remove}`.
    /// Any other member is a trait. `scope` is that of the key. `address` makes the identity
    /// key of an address.
    ///
    /// # Errors
    /// The [`Problem`] of the first invalid part.
    pub fn read(json: &str, scope: Scope, address: impl Fn(&str) -> Result<String, Problem>) -> Result<Self, Problem> {
        let mut reader = Reader { edit: Self::default(), left_out: None };
        reader.members(json, scope, address)?;
        Ok(reader.edit)
    }

    /// Reads the user beside an event as [`Self::read`] does, but leaves out invalid parts. → The
    /// edit, and the problems of these parts.
    pub fn read_leniently(
        json: &str,
        scope: Scope,
        address: impl Fn(&str) -> Result<String, Problem>,
    ) -> (Self, Vec<Problem>) {
        let mut reader = Reader { edit: Self::default(), left_out: Some(Vec::new()) };
        let read = reader.members(json, scope, address);
        let whole = reader.taken(read);
        debug_assert!(whole.is_ok(), "an invalid part is left out");
        (reader.edit, reader.left_out.unwrap_or_default())
    }

    /// Makes an edit that adds or removes tags.
    ///
    /// # Errors
    /// `invalid_field`.
    pub fn of_tags(names: &Value, added: bool) -> Result<Self, Problem> {
        let mut reader = Reader { edit: Self::default(), left_out: None };
        reader.tags(names, added)?;
        Ok(reader.edit)
    }

    /// Makes an edit of custom fields from a JSON object. A null removes a field.
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
}

impl Asked {
    fn read(sent: &Value, scope: Scope) -> Result<Self, Problem> {
        let form = || refused("exportConsent", "exportConsent is true, false or {given, at?, source?}");
        match sent {
            Value::Bool(given) => Ok(Self { given: *given, at_ms: None, source: scope.as_str().to_owned() }),
            Value::Object(members) => Ok(Self {
                given: members.get("given").and_then(Value::as_bool).ok_or_else(form)?,
                at_ms: members.get("at").filter(|at| !at.is_null()).map(|at| time(at, "exportConsent")).transpose()?,
                source: match members.get("source") {
                    None | Some(Value::Null) => scope.as_str().to_owned(),
                    Some(Value::String(source)) => {
                        checked(source, NAME_CHARS_MAX, "exportConsent", "exportConsent.source")?
                    }
                    Some(_) => return Err(form()),
                },
            }),
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => Err(form()),
        }
    }
}
