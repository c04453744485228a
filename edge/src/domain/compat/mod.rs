//! Requests of other vendors' clients, in TrackMate's words. Text in, [`Sent`] out. `ingest/vendor`
//! decides how it is stored, and whose it is.
//!
//! To add a client family: 1. a file here that reads its bodies into [`Sent`], 2. its variant of
//! `Family` in `ingest/vendor`, its rows in `http/routes.rs`, and `run_worker_first` in
//! wrangler.toml, 3. its page in docs/clients, and its client in tests/clients or, for pages, in
//! tests/browser/vendors.mjs.

pub mod jitsu;
pub mod pair;
pub mod posthog;
pub mod segment;

use std::borrow::Cow;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use trackmate_wire::ids::{derived_session, is_placeholder, is_public_session};
use trackmate_wire::limits::{BATCH_EVENTS_MAX, CONTEXT_BYTES_MAX, EVENT_BYTES_MAX};
use trackmate_wire::problem::{Code, Problem};

use super::event::{Mention, check_object};
use super::person;

/// Traits of a person.
pub type Traits = Map<String, Value>;

/// A request's body.
#[derive(Debug, Default)]
pub struct Sent<'a> {
    /// The key it names.
    pub key: Option<String>,
    /// The sender's clock when it sent.
    pub sent_at: Option<Value>,
    /// Its items in their order, each understood or not.
    pub items: Vec<Result<Item<'a>, Problem>>,
    /// Whether it is one item and not a list: then a bad item is a bad request.
    pub single: bool,
}

/// One item.
#[derive(Debug)]
pub struct Item<'a> {
    /// The company's own id of the person.
    pub user: Option<String>,
    /// The visitor's id, which takes the place of a session's.
    pub anonymous: Option<String>,
    /// What happened.
    pub what: What<'a>,
    /// When, in any form that is read.
    pub timestamp: Option<Value>,
    /// Its id.
    pub message_id: Option<String>,
    /// Its context, an object.
    pub context: Option<&'a RawValue>,
    /// The groups that it mentions beside what happened. Its person becomes a member of them.
    pub groups: Vec<Mention>,
    /// Whether its user is somebody only if they are known: it tells of a group, and makes nobody.
    pub only_known: bool,
}

/// What an item tells.
#[derive(Debug)]
pub enum What<'a> {
    /// An event.
    Event {
        /// Its name.
        name: String,
        /// Its data, JSON.
        data: Cow<'a, str>,
    },
    /// Who the person is.
    Identify {
        /// What is said of them.
        traits: Traits,
        /// What is said where nothing is known yet.
        once: Traits,
    },
    /// That two ids are one person's; the item's user is the other.
    Alias {
        /// The id that was used before.
        previous: String,
        /// Whether it may also be the other way round.
        is_either: bool,
    },
}

/// The session of an anonymous id: the id itself where it may be one, else a name made of it.
#[must_use]
pub fn session(anonymous: &str) -> String {
    if is_public_session(anonymous) {
        anonymous.to_owned()
    } else {
        derived_session("anonymous", &[anonymous.as_bytes()])
    }
}

/// The session of a user of whom no anonymous id is told.
#[must_use]
pub fn user_session(key: &str) -> String {
    derived_session("user", &[key.as_bytes()])
}

/// Items of a list, within the bound of a request.
fn bounded<T>(items: &[T]) -> Result<(), Problem> {
    if items.len() > BATCH_EVENTS_MAX {
        let message = format!("a request has at most {BATCH_EVENTS_MAX} events");
        return Err(Problem::field(Code::TooManyEvents, "batch", message));
    }
    Ok(())
}

/// Reads an item within the bound of an event.
fn item<'a, T: Deserialize<'a>>(raw: &'a str) -> Result<T, Problem> {
    if raw.len() > EVENT_BYTES_MAX {
        return Err(Problem::new(
            Code::EventTooLarge,
            format!("the event has {} bytes, over {EVENT_BYTES_MAX}", raw.len()),
        ));
    }
    serde_json::from_str(raw)
        .map_err(|_| Problem::new(Code::InvalidField, "this is not a message as the client's vendor documents it"))
}

/// An object that is no more than a context may be. A larger or deeper one is left out: it is no
/// reason to lose the event.
fn context(raw: Option<&RawValue>) -> Option<&RawValue> {
    raw.filter(|raw| raw.get().len() <= CONTEXT_BYTES_MAX && check_object(raw.get(), "context").is_ok())
}

/// An id as clients send it, a text or a number, which is its digits as they are written; blank
/// ones, and what broken clients send in place of one, are none.
pub(crate) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Some(raw) = Option::<&RawValue>::deserialize(deserializer)? else { return Ok(None) };
    let text = match raw.get().as_bytes() {
        [b'"', ..] => serde_json::from_str::<String>(raw.get()).map_err(D::Error::custom)?.trim().to_owned(),
        [b'-' | b'0'..=b'9', ..] => raw.get().to_owned(),
        _ => return Ok(None),
    };
    Ok(Some(text).filter(|text| !text.is_empty() && !is_placeholder(text)))
}

/// An event's data, with what stands beside them in a message; where nothing does, to the letter.
fn data<'a>(raw: &'a str, beside: Vec<(&str, Box<RawValue>)>) -> Result<Cow<'a, str>, Problem> {
    if beside.is_empty() {
        return Ok(Cow::Borrowed(raw));
    }
    let told = |_| Problem::field(Code::InvalidField, "properties", "properties is an object");
    let mut data: person::Traits = person::traits(raw).map_err(told)?;
    data.extend(beside.into_iter().map(|(name, value)| (name.to_owned(), value)));
    serde_json::to_string(&data).map(Cow::Owned).map_err(told)
}

/// Traits without those that are null. What is no object tells none.
fn traits(raw: Option<&RawValue>) -> Result<Traits, Problem> {
    let Some(raw) = raw.filter(|raw| raw.get().starts_with('{')) else { return Ok(Traits::new()) };
    check_object(raw.get(), "traits")?;
    let told = |_| Problem::field(Code::InvalidField, "traits", "traits is an object");
    let mut traits: Traits = serde_json::from_str(raw.get()).map_err(told)?;
    traits.retain(|_, value| !value.is_null());
    Ok(traits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use trackmate_wire::ids::is_session;

    #[test]
    fn an_id_that_is_a_number_keeps_all_its_digits() {
        #[derive(Deserialize)]
        struct Told {
            #[serde(default, deserialize_with = "id")]
            id: Option<String>,
        }
        let read = |raw: &str| serde_json::from_str::<Told>(&format!(r#"{{"id":{raw}}}"#)).unwrap().id;
        let digits = ["7", "-7", "18446744073709551617", "18446744073709551619", "9007199254740993.0", "1.50", "1e3"];
        for raw in digits {
            assert_eq!(read(raw).as_deref(), Some(raw));
        }
        assert_eq!(read(r#"" u-\u00e9 ""#).as_deref(), Some("u-é"));
        for nobody in ["null", "true", "[7]", "{}", "0", r#""""#, r#""null""#] {
            assert_eq!(read(nobody), None, "{nobody}");
        }
        assert_eq!(serde_json::from_str::<Told>("{}").unwrap().id, None);
    }

    #[test]
    fn an_anonymous_id_is_its_session_unless_it_may_not_be_one() {
        assert_eq!(session("0a1b-2c3d"), "0a1b-2c3d");
        for odd in ["webhook_1_2", "two words", "é", &"x".repeat(129), &user_session("u1"), &session("é")] {
            let name = session(odd);
            assert!(name.starts_with("anonymous_") && name == session(odd) && name != odd, "{odd}");
            assert!(is_session(&name) && !is_public_session(&name), "no caller can name it: {odd}");
        }
        assert_ne!(user_session("u1"), session("u1"));
    }
}
