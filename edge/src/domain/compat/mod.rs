//! Reads the requests of other vendors' clients into [`Sent`]. `ingest/vendor` decides how the
//! items are stored, and for which person.
//!
//! To add a client family: 1. Add a file here that reads its bodies into [`Sent`]. 2. Add its
//! variant of `VendorFormat` in `ingest/vendor`, its rows in `http/routes.rs`, and
//! `run_worker_first` in wrangler.toml. 3. Add its page in docs/clients, and its client in
//! tests/clients or, for pages, in tests/browser/vendors.mjs.

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
    /// The write key in the body.
    pub key: Option<String>,
    /// The sender's clock at sending.
    pub sent_at: Option<Value>,
    /// The items in their order, each read or rejected.
    pub items: Vec<Result<Item<'a>, Problem>>,
    /// Whether the body is one item and not a list. An invalid item then makes the request invalid.
    pub single: bool,
}

/// One item.
#[derive(Debug)]
pub struct Item<'a> {
    /// The company's user id of the person.
    pub user: Option<String>,
    /// The visitor's id, from which the session's id follows.
    pub anonymous: Option<String>,
    /// What the item does.
    pub what: What<'a>,
    /// When it happened, as sent.
    pub timestamp: Option<Value>,
    /// The message id.
    pub message_id: Option<String>,
    /// The context, an object.
    pub context: Option<&'a RawValue>,
    /// The groups that the item names besides its event. Its person becomes a member of them.
    pub groups: Vec<Mention>,
    /// Whether the user counts only if they are known. An item about a group must not create a
    /// person.
    pub only_known: bool,
}

/// What an item does.
#[derive(Debug)]
pub enum What<'a> {
    /// An event.
    Event {
        /// The event's name.
        name: String,
        /// The event's data, JSON.
        data: Cow<'a, str>,
    },
    /// Identifies the person.
    Identify {
        /// The traits of the person.
        traits: Traits,
        /// Traits that fill gaps only.
        once: Traits,
    },
    /// Merges two ids of one person. The other id is the item's user.
    Alias {
        /// The id that was used before.
        previous: String,
        /// Whether the two ids may also have the reverse order.
        is_either: bool,
    },
}

/// The session of an anonymous id: the id itself if it is a valid session id, otherwise a hash of
/// it.
#[must_use]
pub fn session(anonymous: &str) -> String {
    if is_public_session(anonymous) {
        anonymous.to_owned()
    } else {
        derived_session("anonymous", &[anonymous.as_bytes()])
    }
}

/// The session of a user without an anonymous id.
#[must_use]
pub fn user_session(key: &str) -> String {
    derived_session("user", &[key.as_bytes()])
}

/// Checks that a list has no more items than a request may have.
fn bounded<T>(items: &[T]) -> Result<(), Problem> {
    if items.len() > BATCH_EVENTS_MAX {
        let message = format!("a request has at most {BATCH_EVENTS_MAX} events");
        return Err(Problem::field(Code::TooManyEvents, "batch", message));
    }
    Ok(())
}

/// Reads an item that has no more bytes than an event may have.
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

/// The context, if it is an object within the limits of a context. A larger or deeper one is left
/// out, so that it does not cost the event.
fn context(raw: Option<&RawValue>) -> Option<&RawValue> {
    raw.filter(|raw| raw.get().len() <= CONTEXT_BYTES_MAX && check_object(raw.get(), "context").is_ok())
}

/// An id in the forms that clients send: a text, or a number, whose digits stay as written. A blank
/// id is none, nor is a placeholder of a broken client.
pub(crate) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Some(raw) = Option::<&RawValue>::deserialize(deserializer)? else { return Ok(None) };
    let text = match raw.get().as_bytes() {
        [b'"', ..] => serde_json::from_str::<String>(raw.get()).map_err(D::Error::custom)?.trim().to_owned(),
        [b'-' | b'0'..=b'9', ..] => raw.get().to_owned(),
        _ => return Ok(None),
    };
    Ok(Some(text).filter(|text| !text.is_empty() && !is_placeholder(text)))
}

/// An event's data, with the message's members that belong to them. Without such members the data
/// stay as sent.
fn data<'a>(raw: &'a str, beside: Vec<(&str, Box<RawValue>)>) -> Result<Cow<'a, str>, Problem> {
    if beside.is_empty() {
        return Ok(Cow::Borrowed(raw));
    }
    let invalid = |_| Problem::field(Code::InvalidField, "properties", "properties is an object");
    let mut data: person::Traits = person::traits(raw).map_err(invalid)?;
    data.extend(beside.into_iter().map(|(name, value)| (name.to_owned(), value)));
    serde_json::to_string(&data).map(Cow::Owned).map_err(invalid)
}

/// Traits without those that are null. A value that is no object has no traits.
fn traits(raw: Option<&RawValue>) -> Result<Traits, Problem> {
    let Some(raw) = raw.filter(|raw| raw.get().starts_with('{')) else { return Ok(Traits::new()) };
    check_object(raw.get(), "traits")?;
    let invalid = |_| Problem::field(Code::InvalidField, "traits", "traits is an object");
    let mut traits: Traits = serde_json::from_str(raw.get()).map_err(invalid)?;
    traits.retain(|_, value| !value.is_null());
    Ok(traits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use trackmate_wire::ids::is_session;

    #[test]
    fn an_id_sent_as_a_number_keeps_all_its_digits() {
        #[derive(Deserialize)]
        struct Holder {
            #[serde(default, deserialize_with = "id")]
            id: Option<String>,
        }
        let read = |raw: &str| serde_json::from_str::<Holder>(&format!(r#"{{"id":{raw}}}"#)).unwrap().id;
        let digits = ["7", "-7", "18446744073709551617", "18446744073709551619", "9007199254740993.0", "1.50", "1e3"];
        for raw in digits {
            assert_eq!(read(raw).as_deref(), Some(raw));
        }
        assert_eq!(read(r#"" u-\u00e9 ""#).as_deref(), Some("u-é"));
        for nobody in ["null", "true", "[7]", "{}", "0", r#""""#, r#""null""#] {
            assert_eq!(read(nobody), None, "{nobody}");
        }
        assert_eq!(serde_json::from_str::<Holder>("{}").unwrap().id, None);
    }

    #[test]
    fn a_valid_anonymous_id_is_the_session_id_and_an_invalid_one_is_hashed() {
        assert_eq!(session("0a1b-2c3d"), "0a1b-2c3d");
        for odd in ["webhook_1_2", "two words", "é", &"x".repeat(129), &user_session("u1"), &session("é")] {
            let name = session(odd);
            assert!(name.starts_with("anonymous_") && name == session(odd) && name != odd, "{odd}");
            assert!(is_session(&name) && !is_public_session(&name), "no caller can send this session id: {odd}");
        }
        assert_ne!(user_session("u1"), session("u1"));
    }
}
