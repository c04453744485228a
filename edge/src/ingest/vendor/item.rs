//! The items of a request: the owner of each, and the order in which identity items are stored.

use std::collections::HashMap;

use trackmate_wire::limits::ROUNDS_MAX;
use trackmate_wire::problem::{Code, Problem};

use crate::domain::clock;
use crate::domain::compat::{self, Item, What};
use crate::domain::event::content_id;
use crate::ingest::vendor::identity_key::email_key;
use crate::people::identity_key::user;

/// The owner of an item: a user, a visitor, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ItemOwner {
    /// The identity key of the user id.
    pub(crate) user: Option<String>,
    /// The session of the anonymous id.
    pub(crate) session: Option<String>,
}

impl ItemOwner {
    pub(crate) fn of(item: &Item<'_>) -> Result<Self, Problem> {
        let user = item.user.as_deref().map(user).transpose()?;
        let session = item.anonymous.as_deref().map(compat::session);
        if user.is_none() && session.is_none() {
            return Err(Problem::field(Code::MissingField, "userId", "a message has a userId or an anonymousId"));
        }
        Ok(Self { user, session })
    }

    /// The session of the owner's items if a browser sends them.
    pub(crate) fn public_session(&self) -> String {
        match (&self.session, &self.user) {
            (Some(session), _) => session.clone(),
            (None, Some(user)) => compat::user_session(user),
            (None, None) => String::new(),
        }
    }
}

/// An item that identifies a person: an identify or an alias.
pub(crate) struct IdentityItem<'a> {
    pub(crate) index: usize,
    pub(crate) owner: ItemOwner,
    pub(crate) item: Item<'a>,
    /// As sent, or made of the content, or generated.
    pub(crate) message_id: String,
}

impl IdentityItem<'_> {
    /// The identity keys of the item, each with the other key of the item. A key without another
    /// has the same meaning next to any key.
    fn keys(&self) -> Vec<(String, Option<String>)> {
        let named = self.owner.user.clone();
        match &self.item.what {
            What::Identify { traits, once } => {
                let address = email_key(traits, once);
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

/// Splits identity items into rounds. The items of a round are stored in parallel. Two items that
/// name the same key with different other keys go into different rounds, because the meaning of the
/// second depends on the first.
///
/// # Errors
/// `too_many_events` if more than `ROUNDS_MAX` rounds are needed.
pub(crate) fn into_rounds(identity_items: Vec<IdentityItem<'_>>) -> Result<Vec<Vec<IdentityItem<'_>>>, Problem> {
    let mut latest = HashMap::<String, (usize, Option<String>)>::new();
    let mut rounds: Vec<Vec<IdentityItem<'_>>> = Vec::new();
    for item in identity_items {
        let keys = item.keys();
        let after = |(key, other): &(String, Option<String>)| match latest.get(key) {
            Some((round, Some(before))) if other.as_ref().is_some_and(|other| other != before) => round + 1,
            Some((round, _)) => *round,
            None => 0,
        };
        let round = keys.iter().map(after).max().unwrap_or_default();
        if round >= ROUNDS_MAX {
            let message = format!(
                "a request names one person with at most {ROUNDS_MAX} others, one after the other; \
                 send the rest in further requests"
            );
            return Err(Problem::field(Code::TooManyEvents, "batch", message));
        }
        for (key, other) in keys {
            let (last, before) = latest.entry(key).or_insert((round, None));
            if *last < round || before.is_none() {
                *before = other.or_else(|| before.take());
            }
            *last = round;
        }
        if rounds.len() <= round {
            rounds.resize_with(round + 1, Vec::new);
        }
        if let Some(identity_items) = rounds.get_mut(round) {
            identity_items.push(item);
        }
    }
    Ok(rounds)
}

/// A message id for an item that has a timestamp and no id, made of its content as sent. The key by
/// which the person is found is no part of it, because a repeat may find them by another.
pub(crate) fn content_message_id(owner: &ItemOwner, item: &Item<'_>) -> Option<String> {
    let ms = item.timestamp.as_ref().and_then(clock::parse)?.to_string();
    let content = match &item.what {
        What::Identify { traits, once } => serde_json::to_string(&(traits, once)).ok()?,
        What::Alias { previous, .. } => previous.clone(),
        What::Event { .. } => return None,
    };
    let [user, session] = [&owner.user, &owner.session].map(|id| id.as_deref().unwrap_or_default());
    Some(content_id(&[user, session, &ms, &content]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item_of(user: &str, what: What<'static>) -> IdentityItem<'static> {
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
        IdentityItem { index: 0, owner: ItemOwner { user, session: None }, item, message_id: String::new() }
    }

    fn identify(user: &str, email: Option<&str>) -> IdentityItem<'static> {
        let traits = email.map(|email| ("email".to_owned(), json!(email))).into_iter().collect();
        item_of(user, What::Identify { traits, once: compat::Traits::new() })
    }

    fn alias(user: &str, previous: &str) -> IdentityItem<'static> {
        item_of(user, What::Alias { previous: previous.to_owned(), is_either: false })
    }

    fn sizes(identity_items: Vec<IdentityItem<'static>>) -> Vec<usize> {
        into_rounds(identity_items).unwrap().iter().map(Vec::len).collect()
    }

    #[test]
    fn only_items_that_name_a_key_with_two_different_others_go_into_different_rounds() {
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
    fn items_that_need_more_rounds_than_the_limit_are_refused() {
        let identity_items = |count: usize| (0..count).map(|n| identify("u", Some(&format!("{n}@x.io")))).collect();
        assert_eq!(sizes(identity_items(ROUNDS_MAX)), [1; ROUNDS_MAX]);
        assert_eq!(
            into_rounds(identity_items(ROUNDS_MAX + 1)).err().map(|problem| problem.code),
            Some(Code::TooManyEvents)
        );
    }
}
