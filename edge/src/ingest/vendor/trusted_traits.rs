//! The traits that a vendor's server sends of a person, as an edit of the person.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Value, json};
use trackmate_wire::problem::Problem;

use crate::domain::compat::Traits;
use crate::domain::edit::Edit;
use crate::domain::person::{KNOWN, Person};
use crate::domain::secret::Scope;
use crate::people::edit::PendingEdit;
use crate::people::identity_key::address;

/// The traits of a server's identify, and the address that becomes the person's.
pub(crate) struct TrustedTraits {
    /// All traits, as an edit.
    pub(super) edit: Edit,
    traits: Traits,
    /// Traits that are set only if the person has none of that name (PostHog's `$set_once`).
    once: Traits,
    /// The new address of the person.
    email: Option<String>,
}

impl TrustedTraits {
    /// Reads the traits. What cannot be a trait is left out, so that the rest is stored.
    pub(super) fn read(mut traits: Traits, mut once: Traits) -> Self {
        for traits in [&mut traits, &mut once] {
            traits.remove("userHash");
            traits.remove("email");
            retain_texts(traits);
        }
        let mut all = once.clone();
        all.extend(traits.clone());
        Self { edit: edit(&all, None), traits, once, email: None }
    }

    /// The same traits, and this address as the person's new one.
    pub(super) fn with_email(self, email: Option<String>) -> Self {
        Self { email, ..self }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.traits.is_empty() && self.once.is_empty() && self.email.is_none()
    }

    /// Whether the person gets a new address.
    pub(super) const fn sets_email(&self) -> bool {
        self.email.is_some()
    }
}

impl PendingEdit for TrustedTraits {
    fn edit(&self, person: &Person) -> Result<Option<Cow<'_, Edit>>, Problem> {
        let known = if self.once.is_empty() { BTreeMap::new() } else { person.traits() };
        let is_known = |name: &String| known.contains_key(name);
        if self.email.is_none() && !self.once.keys().any(is_known) {
            return Ok(Some(Cow::Borrowed(&self.edit)));
        }
        let mut traits = self.once.clone();
        traits.retain(|name, _| !is_known(name));
        traits.extend(self.traits.clone());
        Ok(Some(Cow::Owned(edit(&traits, self.email.as_deref()))))
    }
}

fn edit(traits: &Traits, email: Option<&str>) -> Edit {
    let mut user = json!({ "traits": traits });
    if let (Some(email), Value::Object(user)) = (email, &mut user) {
        user.insert("email".to_owned(), Value::String(email.to_owned()));
    }
    Edit::read_leniently(&user.to_string(), Scope::Server, address).0
}

/// Converts the traits that TrackMate stores as text, and removes those that cannot be text.
fn retain_texts(traits: &mut Traits) {
    for name in KNOWN {
        let Some(value) = traits.get(name) else { continue };
        match value {
            Value::String(text) if !text.trim().is_empty() => {}
            Value::Number(_) | Value::Bool(_) => {
                let text = value.to_string();
                traits.insert(name.to_owned(), Value::String(text));
            }
            Value::String(_) | Value::Null | Value::Array(_) | Value::Object(_) => drop(traits.remove(name)),
        }
    }
}
