//! The user object, and which layer of traits it shows.

use crate::domain::person::*;
use serde_json::{Value, json};

fn shown(claimed: &Value, trusted: &Value) -> Value {
    let person = Person {
        claimed_traits: traits(&claimed.to_string()).unwrap(),
        trusted_traits: traits(&trusted.to_string()).unwrap(),
        ..Person::default()
    };
    serde_json::to_value(person.user()).unwrap()
}

#[test]
fn what_was_said_lies_over_what_was_claimed_and_a_null_hides_it() {
    let user = shown(
        &json!({"phone": "+1", "city": "Oslo", "gender": "x", "firstName": "Eve", "fullName": "Eve E"}),
        &json!({"phone": "+2", "gender": null, "firstName": "Ada", "lastName": "L"}),
    );
    assert_eq!(user["phone"], "+2");
    assert_eq!(user["gender"], Value::Null);
    assert_eq!(user["fullName"], "Ada L", "a name that was said is not mixed with one that was claimed");
    assert_eq!(user["traits"]["city"], "Oslo");
    assert!(user["traits"].get("gender").is_none());
}

#[test]
fn a_known_trait_that_is_no_text_stays_a_trait_only() {
    let user = shown(&json!({"phone": 47, "big": 1}), &json!({}));
    assert_eq!((&user["phone"], &user["traits"]["phone"]), (&Value::Null, &json!(47)));
}

#[test]
fn names_come_whole_or_from_their_parts() {
    assert_eq!(shown(&json!({"firstName": "Ada"}), &json!({}))["fullName"], "Ada");
    assert_eq!(shown(&json!({"name": "Ada L"}), &json!({}))["name"], "Ada L");
    assert_eq!(shown(&json!({"name": "Ada L"}), &json!({"fullName": null}))["name"], Value::Null);
}
