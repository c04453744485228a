//! Refinements of the types of ingest: requests with events or an identify, and receipts.

use serde_json::{Value, json};
use trackmate_wire::limits::{BATCH_EVENTS_MAX, EVENT_NAME_CHARS_MAX, NAME_CHARS_MAX};

use crate::domain::incoming::Outcome;
use crate::domain::source::Source;
use crate::openapi::json::{chars, company, email, merged, message_id, reference, session, time, user_hash};

pub(super) fn refinements() -> Vec<(&'static str, Value)> {
    let sent_at = json!({
        "$ref": "#/components/schemas/Time",
        "description": "The sender's clock: times are corrected if it is off by 55 minutes or more.",
    });
    vec![
        (
            "Event",
            json!({
                "description": "One event.", "required": ["eventType"],
                "properties": {
                    "eventType": {"minLength": 1, "maxLength": EVENT_NAME_CHARS_MAX},
                    "eventData": {"type": ["object", "null"], "description": "At most 32 KB, nested 32 deep."},
                    "timestamp": time(), "messageId": message_id(), "identifier": null,
                },
            }),
        ),
        (
            "EventsRequest",
            json!({
                "required": ["company_id", "sessionId", "events"],
                "properties": {
                    "company_id": company(), "sessionId": session(), "sentAt": sent_at,
                    "context": {"type": ["object", "null"], "description": "Stored with each event; at most 4 KB."},
                    "events": {"maxItems": BATCH_EVENTS_MAX, "items": reference("Event")},
                },
            }),
        ),
        (
            "Receipt",
            json!({
                "description": "What became of the events.",
                "properties": {
                    "duplicates": {"description": "Known already; stored once."},
                    "rejected": {"description": "Those that were not stored, and why. The others were."},
                },
            }),
        ),
        (
            "Rejected",
            json!({
                "properties": {
                    "index": {"description": "Its place in the request."},
                    "code": {
                        "enum": [
                            "event_too_large", "invalid_field", "missing_field", "json_too_deep", "plan_violation",
                            "invalid_timestamp", "placeholder_id", "identity_unproved", "invalid_session",
                            "unknown_user", "erased_user", "conflict", "limit_reached",
                        ],
                    },
                },
            }),
        ),
        (
            "IdentifyRequest",
            json!({
                "description": "All other fields are traits, to 32 KB.",
                "required": ["company_id", "sessionId", "email"],
                "properties": {
                    "company_id": company(), "sessionId": session(), "email": email(), "timestamp": time(),
                    "sentAt": sent_at, "messageId": message_id(), "userHash": user_hash(),
                },
            }),
        ),
        (
            "ContactRequest",
            json!({
                "required": ["company_id", "email"],
                "properties": {
                    "company_id": company(), "sessionId": session(), "email": email(), "name": chars(NAME_CHARS_MAX),
                    "timestamp": time(), "sentAt": sent_at, "messageId": message_id(), "userHash": user_hash(),
                },
            }),
        ),
        ("Visitor", json!({"description": "What is left out is taken from the request."})),
        (
            "Identifier",
            json!({
                "description": "Whom an event is about: the first of `userId`, `email`, `sessionId` that is given.",
                "properties": {"email": email(), "sessionId": session(), "userId": {"minLength": 1}},
            }),
        ),
        (
            "ServerEventsRequest",
            json!({
                "description": "One event, or `events` with many. `identifier` and `user` are about all of them.",
                "anyOf": [{"required": ["eventType"]}, {"required": ["events"]}],
                "properties": {
                    "company_id": {
                        "pattern": company()["pattern"], "description": "The key says it; another one is refused.",
                    },
                    "events": {"maxItems": BATCH_EVENTS_MAX, "items": reference("Event")},
                    "eventType": {"type": "string", "minLength": 1, "maxLength": EVENT_NAME_CHARS_MAX},
                    "eventData": {"type": ["object", "null"]}, "timestamp": time(), "sentAt": sent_at,
                    "messageId": merged(&message_id(), &json!({"type": ["string", "null"]})),
                    "user": {"anyOf": [reference("UserEdit"), {"type": "null"}]},
                    "merge": {"description": "Makes one user of `userId` and `email`, both of which must be there."},
                },
            }),
        ),
        (
            "ServerEventsAnswer",
            json!({
                "properties": {
                    "messageId": {"description": "Of the one event."},
                    "profileId": {"description": "Whose events they are; null for nobody's."},
                    "linked": {"description": "Whether they are somebody's."},
                    "created": {"description": "Whether this made the user."},
                },
            }),
        ),
        (
            "Warning",
            json!({
                "properties": {
                    "code": {
                        "enum": [
                            "identity_conflict", "nobody_known", "alias_unknown", "alias_refused", "alias_skipped",
                            "left_out", "cut", "amount_unread",
                        ],
                    },
                },
            }),
        ),
        (
            "Incoming",
            json!({
                "description": "An item that came in.",
                "properties": {
                    "seq": {"description": "Ascends in the order in which they are noted."},
                    "door": {"enum": Source::DOORS},
                    "outcome": {"enum": Outcome::ALL.map(Outcome::as_str)},
                    "code": {"description": "A problem's, as `message` and `field`, of one that was rejected."},
                    "messageId": {"description": "null also where it looked like somebody's address or like a secret."},
                    "eventData": {
                        "type": ["object", "null"],
                        "description": "null over 4 KB; of one that was rejected its fields and the kinds of those.",
                    },
                },
            }),
        ),
        (
            "ReceivedEvent",
            json!({
                "properties": {
                    "door": {"enum": Source::DOORS}, "outcome": {"enum": ["stored", "rejected"]},
                    "eventData": {"type": ["object", "null"]}, "source": {"enum": ["browser", "webhook"]},
                    "duplicates": {"description": "Repeats that came in while somebody watched."},
                },
            }),
        ),
        (
            "ReceiptPerson",
            json!({
                "properties": {
                    "linkedBy": {
                        "description": "The identify that says whose it is; null where the event's server named them.",
                    },
                },
            }),
        ),
        (
            "ReceiptDelivery",
            json!({"properties": {"webhookName": {"description": "null once the webhook is deleted."}}}),
        ),
    ]
}
