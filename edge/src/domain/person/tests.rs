//! The user object, and the layer of traits that it shows.

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
fn trusted_traits_of_a_person_override_claimed_ones_and_a_null_hides_a_claim() {
    let user = shown(
        &json!({"phone": "+1", "city": "Oslo", "gender": "x", "firstName": "Eve", "fullName": "Eve E"}),
        &json!({"phone": "+2", "gender": null, "firstName": "Ada", "lastName": "L"}),
    );
    assert_eq!(user["phone"], "+2");
    assert_eq!(user["gender"], Value::Null);
    assert_eq!(user["fullName"], "Ada L", "a trusted name is not mixed with a claimed one");
    assert_eq!(user["traits"]["city"], "Oslo");
    assert!(user["traits"].get("gender").is_none());
}

#[test]
fn a_known_trait_that_is_not_a_text_appears_among_the_traits_only() {
    let user = shown(&json!({"phone": 47, "big": 1}), &json!({}));
    assert_eq!((&user["phone"], &user["traits"]["phone"]), (&Value::Null, &json!(47)));
}

#[test]
fn a_full_name_comes_from_the_whole_name_or_from_its_parts() {
    assert_eq!(shown(&json!({"firstName": "Ada"}), &json!({}))["fullName"], "Ada");
    assert_eq!(shown(&json!({"name": "Ada L"}), &json!({}))["name"], "Ada L");
    assert_eq!(shown(&json!({"name": "Ada L"}), &json!({"fullName": null}))["name"], Value::Null);
}
