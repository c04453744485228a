//! An item of a request: whose it is, and which items must wait for others.

use std::collections::HashMap;

use trackmate_wire::ids::email_typed;
use trackmate_wire::limits::WAVES_MAX;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::clock;
use crate::domain::compat::{self, Item, What};
use crate::domain::event::content_id;
use crate::people::identity_key::{address, user};

/// Whose an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whose {
    /// Lookup key of the user id.
    pub(crate) user: Option<String>,
    /// The session of the anonymous id.
    pub(crate) session: Option<String>,
}

impl Whose {
    pub(crate) fn of(item: &Item<'_>) -> Result<Self, Problem> {
        let user = item.user.as_deref().map(user).transpose()?;
        let session = item.anonymous.as_deref().map(compat::session);
        if user.is_none() && session.is_none() {
            return Err(Problem::field(Code::MissingField, "userId", "a message has a userId or an anonymousId"));
        }
        Ok(Self { user, session })
    }

    /// The session that a public caller's items of it lie in.
    pub(crate) fn public_session(&self) -> String {
        match (&self.session, &self.user) {
            (Some(session), _) => session.clone(),
            (None, Some(user)) => compat::user_session(user),
            (None, None) => String::new(),
        }
    }
}

/// What is not an event by itself: an item that says who somebody is.
pub(crate) struct Fact<'a> {
    pub(crate) index: usize,
    pub(crate) whose: Whose,
    pub(crate) item: Item<'a>,
    /// Its own, or made of its content, or ours.
    pub(crate) message_id: String,
}

impl Fact<'_> {
    /// The lookup keys that it names, each with the other one that it names with it, if the two
    /// mean something else beside another.
    fn keys(&self) -> Vec<(String, Option<String>)> {
        let named = self.whose.user.clone();
        match &self.item.what {
            What::Identify { traits, once } => {
                let address = addressed(traits).or_else(|| addressed(once)).map(|(_, key)| key);
                let other = [(address.clone(), named.clone()), (named, address)];
                other.into_iter().filter_map(|(key, other)| Some((key?, other))).collect()
            }
            What::Alias { previous, .. } => {
                let former = user(previous).ok().map(|key| (key, named.clone()));
                former.into_iter().chain(named.map(|key| (key, None))).collect()
            }
            What::Event { .. } => Vec::new(),
        }
    }
}

/// Parts what says who somebody is into those that may go side by side. What names one person with
/// two others of a kind must go one after the other, for what the second means depends on the
/// first: it is the next wave's, and there are so many at most.
pub(crate) fn waves(facts: Vec<Fact<'_>>) -> Result<Vec<Vec<Fact<'_>>>, Problem> {
    let mut latest = HashMap::<String, (usize, Option<String>)>::new();
    let mut waves: Vec<Vec<Fact<'_>>> = Vec::new();
    for fact in facts {
        let keys = fact.keys();
        let after = |(key, other): &(String, Option<String>)| match latest.get(key) {
            Some((wave, Some(before))) if other.as_ref().is_some_and(|other| other != before) => wave + 1,
            Some((wave, _)) => *wave,
            None => 0,
        };
        let wave = keys.iter().map(after).max().unwrap_or_default();
        if wave >= WAVES_MAX {
            let message = format!(
                "a request names one person with at most {WAVES_MAX} others, one after the other; send the rest in further requests"
            );
            return Err(Problem::field(Code::TooManyEvents, "batch", message));
        }
        for (key, other) in keys {
            let (last, before) = latest.entry(key).or_insert((wave, None));
            if *last < wave || before.is_none() {
                *before = other.or_else(|| before.take());
            }
            *last = wave;
        }
        if waves.len() <= wave {
            waves.resize_with(wave + 1, Vec::new);
        }
        if let Some(facts) = waves.get_mut(wave) {
            facts.push(fact);
        }
    }
    Ok(waves)
}

/// What an item that brings no id is known by if it brings a time: its content, as the client sent
/// it. By which key the person was found is no part of it: that may be another one the second time.
pub(crate) fn known_by(whose: &Whose, item: &Item<'_>) -> Option<String> {
    let ms = item.timestamp.as_ref().and_then(clock::parse)?.to_string();
    let said = match &item.what {
        What::Identify { traits, once } => serde_json::to_string(&(traits, once)).ok()?,
        What::Alias { previous, .. } => previous.clone(),
        What::Event { .. } => return None,
    };
    let [user, session] = [&whose.user, &whose.session].map(|id| id.as_deref().unwrap_or_default());
    Some(content_id(&[user, session, &ms, &said]))
}

/// The address of some traits, as typed and as key; a text that is none is no address.
pub(crate) fn addressed(traits: &compat::Traits) -> Option<(String, String)> {
    let typed = email_typed(traits.get("email")?.as_str()?);
    let key = address(&typed).ok()?;
    Some((typed, key))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fact(user: &str, what: What<'static>) -> Fact<'static> {
        let user = Some(user.to_owned());
        let item = Item {
            user: user.clone(),
            anonymous: None,
            what,
            timestamp: None,
            message_id: None,
            context: None,
            groups: Vec::new(),
            only_known: false,
        };
        Fact { index: 0, whose: Whose { user, session: None }, item, message_id: String::new() }
    }

    fn identify(user: &str, email: Option<&str>) -> Fact<'static> {
        let traits = email.map(|email| ("email".to_owned(), json!(email))).into_iter().collect();
        fact(user, What::Identify { traits, once: compat::Traits::new() })
    }

    fn alias(user: &str, previous: &str) -> Fact<'static> {
        fact(user, What::Alias { previous: previous.to_owned(), is_either: false })
    }

    fn sizes(facts: Vec<Fact<'static>>) -> Vec<usize> {
        waves(facts).unwrap().iter().map(Vec::len).collect()
    }

    #[test]
    fn only_what_names_a_person_with_two_others_waits() {
        assert_eq!(sizes(Vec::new()), Vec::<usize>::new());
        let (a, b) = (Some("a@x.io"), Some("b@x.io"));
        let many = (0..500).map(|n| identify(&format!("u{n}"), Some(&format!("{n}@x.io"))));
        assert_eq!(sizes(many.collect()), [500], "people who have nothing to do with each other");
        assert_eq!(sizes(vec![identify("u", a), identify("u", None), identify("u", a)]), [3], "the same again");
        assert_eq!(sizes(vec![identify("u", a), identify("u", b), identify("u", None)]), [1, 2], "two addresses");
        assert_eq!(sizes(vec![identify("u", a), identify("v", a)]), [1, 1], "two users with one address");
        assert_eq!(sizes(vec![alias("u", "p"), alias("u", "q"), identify("u", a)]), [3], "many former ids");
        assert_eq!(sizes(vec![alias("u", "p"), alias("v", "p")]), [1, 1], "one former id of two");
    }

    #[test]
    fn so_many_wait_and_no_more() {
        let facts = |count: usize| (0..count).map(|n| identify("u", Some(&format!("{n}@x.io")))).collect();
        assert_eq!(sizes(facts(WAVES_MAX)), [1; WAVES_MAX]);
        assert_eq!(waves(facts(WAVES_MAX + 1)).err().map(|problem| problem.code), Some(Code::TooManyEvents));
    }
}
