//! Schemas that no single type has.

use serde_json::{Map, Value, json};
use trackmate_wire::catalogue::{self, Explanation};
use trackmate_wire::limits::{
    BATCH_EVENTS_MAX, EMAIL_BYTES_MAX, FIELD_CHARS_MAX, FIELDS_MAX, NAME_CHARS_MAX, TAGS_MAX, URL_BYTES_MAX,
};
use trackmate_wire::problem::ALL;

use crate::domain::person::{KNOWN, PLATFORMS};
use crate::http::problem;
use crate::openapi::json::{email, merged, message_id, reference, time};

/// An export as JSON: these members, and the members that all exports have.
fn export(members: &[(&str, Value)]) -> Value {
    let mut whole = json!({
        "type": "object",
        "properties": {
            "success": {"type": "boolean", "const": true}, "exportId": {"type": "string"},
            "snapshot": {"type": "string", "format": "date-time"}, "rows": {"type": "integer"},
            "changedDuring": {
                "type": "integer",
                "description": "Users that changed since the snapshot, as far as this is about them.",
            },
            "after": {"type": ["string", "null"], "description": "Where the next part begins, if this ended early."},
        },
    });
    for (name, schema) in members {
        whole["properties"][name] = schema.clone();
    }
    let names = members.iter().map(|(name, _)| *name);
    let all = ["success", "exportId", "snapshot"].into_iter().chain(names).chain(["rows", "changedDuring", "after"]);
    whole["required"] = all.collect();
    whole
}

/// An id of a vendor's client: a text or a number.
fn client_id() -> Value {
    json!({"type": ["string", "number", "null"], "maxLength": EMAIL_BYTES_MAX})
}

fn any_object() -> Value {
    json!({"type": ["object", "null"]})
}

/// The fields that TrackMate reads of a message or a batch of Segment's clients.
fn segment() -> Value {
    let text = || json!({"type": ["string", "null"]});
    let item = json!({"type": "object", "description": "A message, with its `type`."});
    json!({
        "type": "object",
        "properties": {
            "writeKey": {
                "type": ["string", "null"],
                "description": "The company id, or a key of scope `server`; it may stand in a header instead.",
            },
            "type": {"type": ["string", "null"], "description": "Where the path does not say it, as in a batch."},
            "userId": client_id(), "anonymousId": client_id(), "previousId": client_id(), "groupId": client_id(),
            "event": text(), "name": text(), "category": text(), "properties": any_object(), "traits": any_object(),
            "context": any_object(), "timestamp": time(), "originalTimestamp": time(), "sentAt": time(),
            "messageId": merged(&message_id(), &text()),
            "batch": {"type": ["array", "null"], "maxItems": BATCH_EVENTS_MAX, "items": item},
        },
    })
}

/// The fields that TrackMate reads of an event or a batch of PostHog's clients.
fn posthog() -> Value {
    let text = || json!({"type": ["string", "null"]});
    let item = json!({"type": "object", "description": "An event."});
    json!({
        "type": "object",
        "properties": {
            "api_key": {"type": ["string", "null"], "description": "The company id, or a key of scope `server`."},
            "event": text(), "distinct_id": client_id(), "properties": any_object(), "$set": any_object(),
            "$set_once": any_object(), "timestamp": time(), "sent_at": time(), "uuid": merged(&message_id(), &text()),
            "batch": {"type": ["array", "null"], "maxItems": BATCH_EVENTS_MAX, "items": item},
        },
    })
}

/// All schemas that no single type has, by their names.
pub(crate) fn components() -> Vec<(&'static str, Value)> {
    let text = |most: usize| json!({"type": ["string", "null"], "minLength": 1, "maxLength": most});
    let mut edit = Map::from_iter(
        KNOWN.map(|name| (name.to_owned(), text(if name == "profilePic" { URL_BYTES_MAX } else { NAME_CHARS_MAX }))),
    );
    let opted = Map::from_iter(PLATFORMS.map(|name| (name.to_owned(), json!({"type": "boolean"}))));
    let names = json!({
        "type": "array", "maxItems": TAGS_MAX, "items": {"type": "string", "minLength": 1, "maxLength": NAME_CHARS_MAX},
    });
    let more = json!({
        "email": merged(&email(), &json!({"type": "string"})), "traits": {"type": "object"},
        "optIns": {"type": "object", "properties": opted, "additionalProperties": false},
        "exportConsent": {
            "anyOf": [
                {"type": "boolean"},
                {
                    "type": "object", "required": ["given"],
                    "properties": {
                        "given": {"type": "boolean"}, "at": reference("Time"), "source": text(NAME_CHARS_MAX),
                    },
                },
            ],
        },
        "customFields": reference("CustomFields"),
        "tags": {
            "type": "object", "properties": {"add": names, "remove": names}, "additionalProperties": false,
            "description": "`remove` takes ids too.",
        },
    });
    edit.extend(more.as_object().unwrap().clone());
    let columns = |whole: &str| {
        json!({
            "anyOf": [
                reference(whole), {"type": "object", "description": "With `fields`: an object of these columns."},
            ],
        })
    };
    let events = json!({"type": "array", "items": columns("ExportedEvent")});
    let meanings = ALL.map(|code| {
        let Explanation { cause, fix } = catalogue::of(code);
        json!({
            "code": code.as_str(), "title": catalogue::title(code), "cause": cause, "mend": fix,
            "status": problem::status(code),
        })
    });
    vec![
        ("SegmentMessage", segment()),
        ("PostHogMessage", posthog()),
        (
            "VendorSettings",
            json!({
                "type": "object", "description": "What the vendor's clients look for.", "additionalProperties": true,
            }),
        ),
        (
            "Time",
            json!({
                "type": ["string", "number", "null"],
                "description": "ISO 8601, with any offset or none (UTC), a date alone too; or epoch milliseconds or \
                    seconds.",
                "examples": ["2025-10-18T10:00:00Z", 1_760_781_600_000_i64],
            }),
        ),
        (
            "Problem",
            json!({
                "type": "object", "description": "Why a request was refused; also a problem of RFC 9457.",
                "required": ["success", "code", "message", "requestId", "type", "title", "status", "detail"],
                "x-codes": meanings.as_slice(),
                "properties": {
                    "success": {"type": "boolean", "const": false},
                    "code": {
                        "type": "string", "enum": ALL.map(|code| code.as_str()).as_slice(),
                        "description": "What clients match on.",
                    },
                    "message": {"type": "string", "description": "For people; may change."},
                    "requestId": {"type": "string", "description": "As in `x-request-id`."},
                    "field": {"type": "string", "description": "The request's field that it is about."},
                    "type": {
                        "type": "string", "format": "uri-reference",
                        "description": "The page about the code, relative to the request's URL.",
                    },
                    "title": {"type": "string", "description": "What the code means."},
                    "status": {"type": "integer", "description": "The status of the answer."},
                    "detail": {"type": "string", "description": "As `message`."},
                },
                "example": {
                    "success": false, "code": "missing_field", "message": "sessionId is missing",
                    "requestId": "9b2e6d1c0f3a4857", "field": "sessionId",
                    "type": "/docs/problems/#missing_field", "title": "A field is missing", "status": 400,
                    "detail": "sessionId is missing",
                },
            }),
        ),
        (
            "UserEdit",
            json!({
                "type": "object", "properties": edit, "additionalProperties": true,
                "description": "What is to be said of a user. Any other name is a trait; null hides a trait. \
                    `interactions`, `stats` and `timestamps` cannot be set here.",
            }),
        ),
        (
            "Record",
            json!({
                "type": "object", "description": "What was told of a thing, with what is known of it.",
                "required": ["id", "kind", "status", "createdAt", "updatedAt"],
                "properties": {
                    "id": {"type": "string"}, "kind": {"type": "string"},
                    "status": {"description": "As told, by default the verb of its last event; or null."},
                    "createdAt": {"description": "Of its first event, unless the company told its own."},
                    "updatedAt": {"description": "Of its last event, unless the company told its own."},
                    "scans": {"type": "integer", "description": "Of a QR code."},
                },
                "additionalProperties": true,
            }),
        ),
        ("UsersExport", export(&[("users", json!({"type": "array", "items": columns("UserWith")}))])),
        ("EventsExport", export(&[("events", events.clone())])),
        (
            "UserExport",
            export(&[
                ("user", reference("User")),
                ("summary", reference("Summary")),
                ("groups", json!({"type": "array", "items": reference("GroupOf")})),
                ("records", json!({"type": "array", "items": reference("Record")})),
                (
                    "hasMoreOf",
                    json!({
                        "type": "array", "items": {"type": "string"},
                        "description": "Kinds of which the list of records has more.",
                    }),
                ),
                ("events", events),
            ]),
        ),
        (
            "CustomFields",
            json!({
                "type": "object", "maxProperties": FIELDS_MAX,
                "propertyNames": {"minLength": 1, "maxLength": NAME_CHARS_MAX},
                "additionalProperties": {"type": ["string", "number", "boolean", "null"], "maxLength": FIELD_CHARS_MAX},
                "description": "Numbers and booleans are kept as their text; null takes a field away.",
            }),
        ),
    ]
}
