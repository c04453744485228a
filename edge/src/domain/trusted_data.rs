//! The trusted data of one profile. Merged profiles are one person: each profile stores its own
//! data, and the person's data result from their layers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::edit::Done;
use super::person::{Consent, Person, Traits};

/// The trusted data of one profile.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TrustedData {
    /// Trusted traits. A null hides a claimed trait.
    pub trusted_traits: Traits,
    /// Platform → opted in.
    pub opt_ins: BTreeMap<String, bool>,
    /// `None` without an answer.
    pub consent: Option<Consent>,
    /// Name → applied at, ms.
    pub tags: BTreeMap<String, i64>,
    /// Name → value.
    pub fields: BTreeMap<String, String>,
}

impl TrustedData {
    /// The trusted data of a person; if profiles are merged, of all of them together.
    #[must_use]
    pub fn of(person: &Person) -> Self {
        Self {
            trusted_traits: person.trusted_traits.clone(),
            opt_ins: person.opt_ins.clone(),
            consent: person.consent.clone(),
            tags: person.tags.clone(),
            fields: person.fields.clone(),
        }
    }

    /// Combines the data of several profiles. For each value, the first profile that has one
    /// counts. A person has the tags of all profiles, each with the earliest time.
    #[must_use]
    pub fn over<'a>(layers: impl DoubleEndedIterator<Item = &'a Self>) -> Self {
        let mut whole = Self::default();
        for layer in layers.rev() {
            whole.trusted_traits.extend(layer.trusted_traits.clone());
            whole.opt_ins.extend(layer.opt_ins.clone());
            whole.consent = layer.consent.clone().or(whole.consent);
            for (name, at) in &layer.tags {
                let first = whole.tags.entry(name.clone()).or_insert(*at);
                *first = (*first).min(*at);
            }
            whole.fields.extend(layer.fields.clone());
        }
        whole
    }

    /// Applies an edit of the whole person to one profile. Added values go to the root (`top`).
    /// Removed values are removed from every profile.
    pub fn follow(&mut self, before: &Person, after: &Person, done: &Done, top: bool) {
        self.tags.retain(|name, _| !done.untags.contains(name));
        self.fields.retain(|name, _| !done.unfields.contains(name));
        if top {
            let new = |name: &String, raw: &str| before.trusted_traits.get(name).is_none_or(|old| old.get() != raw);
            self.trusted_traits.extend(
                after
                    .trusted_traits
                    .iter()
                    .filter(|(n, raw)| new(n, raw.get()))
                    .map(|(n, raw)| (n.clone(), raw.clone())),
            );
            let opted = after.opt_ins.iter().filter(|(name, opted)| before.opt_ins.get(*name) != Some(opted));
            self.opt_ins.extend(opted.map(|(name, opted)| (name.clone(), *opted)));
            if before.consent != after.consent {
                self.consent.clone_from(&after.consent);
            }
            self.tags.extend(done.tags.iter().filter_map(|name| Some((name.clone(), *after.tags.get(name)?))));
            self.fields.extend(done.fields.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::edit::Edit;
    use crate::domain::person::traits;
    use crate::domain::secret::Scope;
    use serde_json::json;

    fn own(trusted: &str, tags: &[(&str, i64)]) -> TrustedData {
        TrustedData {
            trusted_traits: traits(trusted).unwrap(),
            tags: tags.iter().map(|(n, at)| ((*n).to_owned(), *at)).collect(),
            ..TrustedData::default()
        }
    }

    #[test]
    fn the_first_layer_overrides_the_others_which_fill_its_gaps() {
        let (a, b) = (
            own(r#"{"phone":"+1"}"#, &[("vip", 5)]),
            own(r#"{"phone":"+2","plan":"gold"}"#, &[("vip", 3), ("new", 4)]),
        );
        let whole = TrustedData::over([&a, &b].into_iter());
        assert_eq!((whole.trusted_traits["phone"].get(), whole.trusted_traits["plan"].get()), (r#""+1""#, r#""gold""#));
        assert_eq!(whole.tags, [("vip".to_owned(), 3), ("new".to_owned(), 4)].into());
    }

    #[test]
    fn an_edit_of_merged_profiles_adds_to_the_root_and_removes_from_all() {
        let (mut top, mut below) = (own("{}", &[]), own(r#"{"plan":"gold"}"#, &[("vip", 3)]));
        let whole = TrustedData::over([&top, &below].into_iter());
        let before = Person { trusted_traits: whole.trusted_traits, tags: whole.tags, ..Person::default() };
        let edit = json!({"phone": "+1", "tags": {"add": ["new"], "remove": ["vip"]}}).to_string();
        let mut after = before.clone();
        let done = Edit::read(&edit, Scope::Admin, |email| Ok(email.to_owned()))
            .unwrap()
            .apply(&mut after, 9)
            .unwrap()
            .unwrap();
        top.follow(&before, &after, &done, true);
        below.follow(&before, &after, &done, false);
        assert_eq!(
            top.trusted_traits.keys().collect::<Vec<_>>(),
            ["phone"],
            "a trait of the other profile stays there"
        );
        assert_eq!(top.tags, [("new".to_owned(), 9)].into());
        assert!(below.tags.is_empty());
        let again = TrustedData::over([&top, &below].into_iter());
        assert_eq!((again.tags, again.trusted_traits.len()), (after.tags, after.trusted_traits.len()));
    }
}
