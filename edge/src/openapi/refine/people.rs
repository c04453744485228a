//! Refinements of the types about people: users, records, identities, exports and the audit log.

use serde_json::{Value, json};
use trackmate_wire::limits::{EMAIL_BYTES_MAX, NAME_CHARS_MAX, TAGS_MAX, TOTAL_MAX};

use crate::domain::audit::ALL as ACTIONS;
use crate::openapi::json::{email, record};

pub(super) fn refinements() -> Vec<(&'static str, Value)> {
    vec![
        (
            "TagsRequest",
            json!({
                "properties": {
                    "tags": {
                        "type": "array", "maxItems": TAGS_MAX,
                        "items": {"type": "string", "minLength": 1, "maxLength": NAME_CHARS_MAX},
                    },
                },
            }),
        ),
        (
            "UserWith",
            json!({
                "description": "A user, with what was asked for of what is theirs.",
                "properties": {
                    "bookings": {"items": record()}, "qrCodes": {"items": record()},
                    "interactionHistory": {"items": record()}, "conversations": {"items": record()},
                    "records": {"additionalProperties": {"items": record()}},
                },
            }),
        ),
        ("RecordPage", json!({"properties": {"records": {"items": record()}}})),
        ("UndoAnswer", json!({"properties": {"undone": {"enum": ["identify", "merge"]}}})),
        ("MergeRequest", json!({"required": ["into", "from"]})),
        (
            "UndoRequest",
            json!({
                "properties": {
                    "messageId": {"description": "Of an identify."},
                    "profileId": {"description": "Of a profile that was merged into another."},
                },
            }),
        ),
        (
            "LiftRequest",
            json!({"properties": {"email": email(), "externalId": {"minLength": 1, "maxLength": EMAIL_BYTES_MAX}}}),
        ),
        (
            "ErasureReceipt",
            json!({
                "properties": {
                    "counts": {
                        "type": "object", "additionalProperties": {"type": "integer"},
                        "description": "How many of each were deleted.",
                    },
                },
            }),
        ),
        (
            "Export",
            json!({
                "properties": {
                    "kind": {"enum": ["users", "events", "user"]}, "format": {"enum": ["csv", "json", "ndjson"]},
                    "state": {"enum": ["running", "complete", "partial", "aborted"]}, "filters": {"type": "object"},
                    "fields": {"type": ["array", "null"], "items": {"type": "string"}, "description": "null for all."},
                    "marks": {"description": "Only where one export is read."},
                },
            }),
        ),
        (
            "AuditEntry",
            json!({
                "properties": {
                    "actor": {"enum": ["admin", "operator"]}, "action": {"enum": ACTIONS.map(|action| action.as_str())},
                    "outcome": {"description": "`ok` or the problem's code."},
                },
            }),
        ),
        (
            "ExportedEvent",
            json!({"properties": {"eventData": {"type": "object"}, "source": {"enum": ["browser", "webhook"]}}}),
        ),
        ("Total", json!({"description": format!("Exact to {TOTAL_MAX}, then at least that.")})),
        ("Money", json!({"properties": {"amount": {"type": "number"}}})),
        (
            "TimelineEvent",
            json!({"properties": {"eventData": {"type": "object"}, "source": {"enum": ["browser", "webhook"]}}}),
        ),
    ]
}
