//! Parts that several schemas share, and JSON merge patches.

use serde_json::{Value, json};
use trackmate_wire::limits::{EMAIL_BYTES_MAX, MESSAGE_ID_BYTES_MAX, SESSION_ID_BYTES_MAX};

/// A reference to a schema of the document, by its name.
pub(crate) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Applies a JSON merge patch (RFC 7396).
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Some(members) = patch.as_object() else { return *target = patch.clone() };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in members {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(name);
        } else {
            merge(&mut target[name], value);
        }
    }
}

pub(crate) fn company() -> Value {
    json!({"pattern": "^TM-[A-Z0-9]{4,32}$"})
}

pub(crate) fn session() -> Value {
    json!({
        "pattern": format!("^[A-Za-z0-9_.:-]{{1,{SESSION_ID_BYTES_MAX}}}$"),
        "description": "Made by the SDK, `session_<unix s>_<random>`; one that begins with `webhook_` is a server's, \
            and `user_`, `anonymous_` or `contact_` with 32 hexadecimal digits is a name that TrackMate makes.",
    })
}

pub(crate) fn email() -> Value {
    json!({"format": "email", "maxLength": EMAIL_BYTES_MAX})
}

pub(crate) fn plan_events() -> Value {
    json!({
        "properties": {
            "events": {
                "additionalProperties": reference("PlanSchema"),
                "description": "The form of each event's data, by its name.",
            },
            "additionalEvents": {"description": "Whether there may be events of other names."},
        },
    })
}

pub(crate) fn time() -> Value {
    reference("Time")
}

pub(crate) fn message_id() -> Value {
    json!({
        "maxLength": MESSAGE_ID_BYTES_MAX, "description": "Makes a repeat harmless. One is made where it is left out.",
    })
}

pub(crate) fn user_hash() -> Value {
    json!({
        "description": "Proves the address: its HMAC-SHA256 with the company's identity secret, in hex, made on the \
            page's own server.",
    })
}

pub(crate) fn chars(most: usize) -> Value {
    json!({"maxLength": most})
}

pub(crate) fn count(least: u32, most: u32) -> Value {
    json!({"minimum": least, "maximum": most})
}

/// A patch that makes a record of any object.
pub(crate) fn record() -> Value {
    json!({"$ref": "#/components/schemas/Record", "type": null, "additionalProperties": null})
}

/// The value with a merge patch applied.
pub(crate) fn merged(one: &Value, other: &Value) -> Value {
    let mut both = one.clone();
    merge(&mut both, other);
    both
}
