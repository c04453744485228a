//! Edits: which are valid, and what they change.

use trackmate_wire::limits::NAME_CHARS_MAX;

use crate::domain::edit::read::refused;
use crate::domain::edit::*;
use crate::domain::person::traits;
use crate::domain::secret::Scope;
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
fn an_edit_emits_old_and_new_values_and_repeating_it_emits_nothing() {
    let edit = json!({"email": " New@b.c ", "phone": "+2", "plan": {"a": 1},
        "optIns": {"whatsapp": true}, "exportConsent": true,
        "tags": {"add": ["vip"], "remove": ["gone"]}, "customFields": {"points": 150, "no": null}});
    let edit = Edit::read(&edit.to_string(), Scope::Admin, key).unwrap();
    let mut person = Person { claimed_traits: traits(r#"{"phone":"+1"}"#).unwrap(), ..Person::default() };
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
fn an_invalid_part_beside_an_event_is_left_out_and_the_rest_applies() {
    let long = "x".repeat(NAME_CHARS_MAX + 1);
    let user = json!({"email": "nonsense", "phone": 47, "firstName": "", "lastName": "Lee\n",
        "fullName": long, "gender": {},
        "traits": null, "city": "Oslo",
        "optIns": {"fax": true, "whatsapp": true, "telegram": null}, "exportConsent": "yes", "stats": {},
        "tags": {"add": ["vip", 5], "remove": null}, "customFields": {"a": [], "b": 1}});
    let address = |email: &str| key(email).and_then(|_| Err(refused("email", "no address")));
    let (edit, left_out) = Edit::read_leniently(&user.to_string(), Scope::Server, address);
    let read: BTreeMap<_, _> = edit.trusted_traits.iter().map(|(name, raw)| (name.as_str(), value(raw))).collect();
    let whole = json!({"phone": "47", "lastName": "Lee", "fullName": "x".repeat(NAME_CHARS_MAX), "city": "Oslo"});
    assert_eq!(serde_json::to_value(read).unwrap(), whole);
    assert_eq!((edit.email, edit.tags.len(), edit.fields.len()), (None, 1, 1));
    assert_eq!(edit.opt_ins, BTreeMap::from([("whatsapp".to_owned(), true)]));
    assert_eq!(left_out.len(), 8, "{left_out:?}");
    for no_object in ["5", "[]", "\"x\""] {
        assert_eq!(Edit::read_leniently(no_object, Scope::Server, key).1.len(), 1);
    }
    let nulls = json!({"traits": null, "optIns": {"whatsapp": null},
        "customFields": null, "tags": {"add": null}, "exportConsent": null});
    assert!(Edit::read(&nulls.to_string(), Scope::Admin, key).is_ok());
}

#[test]
fn an_edit_with_an_invalid_part_is_rejected() {
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
        assert_eq!(Edit::read(&body.to_string(), Scope::Admin, key).unwrap_err().code, Code::InvalidField, "{body}");
    }
    let many: serde_json::Map<String, Value> = (0..=FIELDS_MAX).map(|n| (n.to_string(), json!("x"))).collect();
    let edit = Edit::of_fields(&Value::Object(many).to_string()).unwrap();
    assert_eq!(edit.apply(&mut Person::default(), 1).unwrap_err().code, Code::LimitReached);
    let large = Edit::read(&json!({"a": "x".repeat(TRAITS_BYTES_MAX)}).to_string(), Scope::Admin, key).unwrap();
    assert_eq!(large.apply(&mut Person::default(), 1).unwrap_err().code, Code::EventTooLarge);
    let many: serde_json::Map<String, Value> = (0..=TRAITS_MEMBERS_MAX).map(|n| (n.to_string(), json!(1))).collect();
    let edit = Edit::read(&json!({ "nested": many }).to_string(), Scope::Admin, key).unwrap();
    assert_eq!(edit.apply(&mut Person::default(), 1).unwrap_err().code, Code::EventTooLarge);
}
