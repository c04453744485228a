//! What serde cannot tell of the types: fields that must be there, bounds and closed lists, as JSON
//! merge patches by the schema's name. A patch of a field that the type has not got fails the
//! tests.

use serde_json::{Value, json};
use trackmate_wire::limits::{
    BATCH_EVENTS_MAX, DESCRIPTION_CHARS_MAX, DISABLE_FAILURES_MAX, DISABLE_HOURS_MAX, EMAIL_BYTES_MAX, EVENT_DAYS_MAX,
    EVENT_NAME_CHARS_MAX, GRACE_H_MAX, HEADER_BYTES_MAX, HEADERS_MAX, LOG_DAYS_MAX, NAME_CHARS_MAX, ORIGINS_MAX,
    PATTERNS_MAX, RATE_LIMIT_MAX, RETRY_ATTEMPTS_MAX, RETRY_DELAY_S_MAX, REVENUE_EVENTS_MAX, SECRET_BYTES_MAX,
    STATS_NAMES, TAGS_MAX, TIMEOUT_MS_MAX, TOTAL_MAX, URL_BYTES_MAX,
};

use crate::domain::audit::ALL as ACTIONS;
use crate::domain::incoming::Outcome;
use crate::domain::plan::Reason;
use crate::domain::stats::Interval;
use crate::http::admin::deliveries::{GIVEN_UP, STATES};
use crate::http::admin::events::DOORS;
use crate::openapi::json::{
    chars, company, count, email, merged, message_id, plan_events, record, reference, session, time, user_hash,
};

/// What serde cannot tell of the types, as merge patches by name.
pub(crate) fn refinements() -> Vec<(&'static str, Value)> {
    let sent_at = json!({
        "$ref": "#/components/schemas/Time",
        "description": "The sender's clock: times are corrected if it is off by 55 minutes or more.",
    });
    let name = json!({"minLength": 1, "maxLength": NAME_CHARS_MAX});
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
        (
            "Incoming",
            json!({
                "description": "An item that came in.",
                "properties": {
                    "seq": {"description": "Ascends in the order in which they are noted."}, "door": {"enum": DOORS},
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
                    "door": {"enum": DOORS}, "outcome": {"enum": ["stored", "rejected"]},
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
        ("Total", json!({"description": format!("Exact to {TOTAL_MAX}, then at least that.")})),
        ("Money", json!({"properties": {"amount": {"type": "number"}}})),
        (
            "TimelineEvent",
            json!({"properties": {"eventData": {"type": "object"}, "source": {"enum": ["browser", "webhook"]}}}),
        ),
        (
            "WebhookChange",
            json!({
                "properties": {
                    "name": name,
                    "url": {"format": "uri", "maxLength": URL_BYTES_MAX, "description": "https, a public host."},
                    "events": {
                        "minItems": 1, "maxItems": PATTERNS_MAX,
                        "items": {"type": "string", "minLength": 1, "maxLength": EVENT_NAME_CHARS_MAX},
                        "description": "Names, `prefix.*` or `*`.",
                    },
                    "description": chars(DESCRIPTION_CHARS_MAX),
                    "headers": {
                        "maxProperties": HEADERS_MAX, "description": "Sent with each delivery; null takes one away.",
                        "additionalProperties": {"maxLength": HEADER_BYTES_MAX},
                    },
                    "preset": {
                        "enum": ["funnel", "crm", "standard", null],
                        "description": "A retry policy; excludes the three fields of one's own.",
                    },
                    "retryAttempts": count(1, RETRY_ATTEMPTS_MAX),
                    "retryDelay": merged(&count(1, RETRY_DELAY_S_MAX), &json!({"description": "Seconds, doubled \
                        after each attempt."})),
                    "timeoutMs": merged(&count(100, TIMEOUT_MS_MAX), &json!({"description": "An attempt ends after \
                        25 s, also where more is asked for."})),
                    "rateLimit": merged(&count(0, RATE_LIMIT_MAX), &json!({"description": "Deliveries a second; 0 \
                        for no limit."})),
                    "disableAfterFailures": merged(&count(0, DISABLE_FAILURES_MAX), &json!({"description": "Given up \
                        in a row, it is switched off; 0 for never."})),
                    "disableAfterHours": count(0, DISABLE_HOURS_MAX),
                    "held": {
                        "enum": ["deliver", "dismiss", null],
                        "description": "What becomes of what was held, when it is switched on.",
                    },
                },
            }),
        ),
        (
            "Webhook",
            json!({
                "properties": {
                    "events": {"type": "array", "items": {"type": "string"}},
                    "headers": {"additionalProperties": {"const": "***"}},
                },
            }),
        ),
        ("Circuit", json!({"properties": {"state": {"enum": ["closed", "open"]}}})),
        (
            "WebhookAnswer",
            json!({
                "properties": {
                    "deliveries": {"description": "Only where one webhook is read: the last 50, newest first."},
                },
            }),
        ),
        (
            "RotateRequest",
            json!({
                "properties": {
                    "graceHours": merged(&count(0, GRACE_H_MAX), &json!({"description": "How long the old secret \
                        signs too; 24 unless given."})),
                },
            }),
        ),
        (
            "Delivery",
            json!({
                "properties": {
                    "status": {"enum": STATES},
                    "payload": {
                        "type": ["object", "null"], "description": "The body as sent, once an attempt has ended.",
                    },
                },
            }),
        ),
        (
            "DeliveryBody",
            json!({
                "description": "An event as it is sent.",
                "properties": {"data": {"type": "object", "description": "The event's data."}},
            }),
        ),
        (
            "DeliveryMetadata",
            json!({
                "properties": {
                    "source": {
                        "enum": ["browser", "webhook", "trackmate"],
                        "description": "A browser's claim, a server's word, or a test delivery.",
                    },
                    "context": {
                        "type": "object",
                        "description": "The page, the campaign and the browser; only where the sender told any.",
                    },
                    "action": {"description": "What stands behind the last dot of the event's name."},
                },
            }),
        ),
        ("Attempt", json!({"description": "One attempt.", "properties": {"success": {"const": null}}})),
        (
            "RecoverRequest",
            json!({
                "required": ["since"],
                "properties": {
                    "since": time(), "until": time(), "status": {"enum": [GIVEN_UP[0], GIVEN_UP[1], GIVEN_UP[2], null]},
                    "cursor": {"description": "The `nextCursor` of the call before."},
                },
            }),
        ),
        ("Requeued", json!({"properties": {"status": {"const": "pending"}}})),
        (
            "Settings",
            json!({
                "properties": {
                    "allowedOrigins": {
                        "type": ["array", "null"], "items": {"type": "string"}, "description": "null for every origin.",
                    },
                    "revenueEvents": {"type": "array", "items": {"type": "string"}},
                    "eventRetentionDays": {"description": "null for ever."},
                    "identityVerification": {"enum": ["off", "optional", "required"]},
                    "identitySecretSet": {"description": "Whether there is a secret; what it is, is not shown again."},
                    "identitySecret": {"description": "Where it was made just now."},
                    "webhook_enabled": {"description": "Whether the funnel's webhook is on."},
                },
            }),
        ),
        (
            "SettingsChange",
            json!({
                "properties": {
                    "name": name,
                    "allowedOrigins": {
                        "maxItems": ORIGINS_MAX, "items": {"format": "uri"},
                        "description": "Origins such as `https://shop.example`; null allows every origin.",
                    },
                    "revenueEvents": {
                        "maxItems": REVENUE_EVENTS_MAX, "items": {"minLength": 1, "maxLength": EVENT_NAME_CHARS_MAX},
                    },
                    "eventRetentionDays": merged(&count(1, EVENT_DAYS_MAX), &json!({"description": "null keeps \
                        events for ever."})),
                    "identityVerification": {
                        "enum": ["off", "optional", "required", null],
                        "description": "Whether pages must prove whom they identify: a `userHash` that is sent must \
                            be right, or must be there, too.",
                    },
                    "identitySecret": {"minLength": 1, "maxLength": SECRET_BYTES_MAX, "description": "One's own."},
                    "rotateIdentitySecret": {"description": "Makes another secret, shown in the answer."},
                    "logRetentionDays": count(1, LOG_DAYS_MAX),
                    "crm_webhook_url": {"format": "uri", "maxLength": URL_BYTES_MAX},
                    "webhook_secret": merged(&chars(SECRET_BYTES_MAX), &json!({"description": "Signs the funnel's \
                        deliveries; empty for none."})),
                },
            }),
        ),
        (
            "CatalogEntry",
            json!({
                "properties": {"example": {"type": ["object", "null"], "description": "The body of a delivery of it."}},
            }),
        ),
        (
            "CompanyRequest",
            json!({
                "required": ["name"],
                "properties": {
                    "name": name,
                    "companyId": merged(&company(), &json!({"description": "Made where it is left out."})),
                },
            }),
        ),
        ("Key", json!({"properties": {"scope": {"enum": ["server", "admin"]}}})),
        ("OwnKey", json!({"properties": {"scope": {"enum": ["server", "admin"]}}})),
        ("MadeKey", json!({"properties": {"scope": {"enum": ["server", "admin"]}}})),
        ("Plan", plan_events()),
        ("CurrentPlan", {
            let mut current = plan_events();
            current["properties"]["mode"] = json!({"enum": ["off", "report", "reject"]});
            current
        }),
        (
            "PlanSchema",
            json!({
                "description": "The form of a value: a small part of JSON Schema. What is left out is not looked at; \
                    a null is as good as a field left out.",
            }),
        ),
        (
            "PlanChange",
            json!({
                "required": ["mode"],
                "properties": {
                    "events": {
                        "description": "The form of each event's data, by its name; without them the plan stays as \
                            it is.",
                    },
                },
            }),
        ),
        (
            "PlanCheck",
            json!({
                "required": ["events"],
                "properties": {"events": {"maxItems": BATCH_EVENTS_MAX, "items": reference("PlannedEvent")}},
            }),
        ),
        ("ViolationCount", json!({"properties": {"reason": {"enum": Reason::ALL.map(Reason::as_str)}}})),
        ("Violation", json!({"properties": {"reason": {"enum": Reason::ALL.map(Reason::as_str)}}})),
        (
            "StatsAnswer",
            json!({
                "properties": {
                    "from": {"format": "date-time"}, "to": {"format": "date-time"},
                    "interval": {"enum": Interval::ALL.map(Interval::as_str)},
                    "topEvents": {"maxItems": STATS_NAMES, "description": "The names there are most of."},
                    "latencyMs": {
                        "description": "Nearest-rank percentiles of what was delivered: from the event's coming in \
                            to the end of the first attempt that succeeded.",
                    },
                    "successRate": {"minimum": 0, "maximum": 1, "description": "delivered / (delivered + failed)."},
                    "webhooks": {
                        "description": "Those for which something is held, that were switched off or left alone for \
                            their failures, or whose latest delivery was given up; as they are now.",
                    },
                },
            }),
        ),
        (
            "StatsTotals",
            json!({
                "properties": {
                    "serverEvents": {"description": "With those that TrackMate itself makes."},
                    "people": {"description": "All there are now, whatever the range."},
                    "activePeople": {"description": "With an event in the range."},
                    "sessions": {"description": "Of browsers, with an event of theirs in the range."},
                    "failed": {"description": "Given up: exhausted or failed_permanent."},
                    "pending": {"description": "Yet to be made, or to be made again."},
                },
            }),
        ),
        (
            "StatsWebhook",
            json!({
                "properties": {
                    "failed": {"description": "Ever given up."}, "held": {"description": "Counted to 10000."},
                },
            }),
        ),
        ("KeyRequest", json!({"required": ["scope"], "properties": {"name": chars(NAME_CHARS_MAX)}})),
    ]
}
