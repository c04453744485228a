//! Refinements of the types about webhooks and their deliveries.

use serde_json::{Value, json};
use trackmate_wire::limits::{
    DESCRIPTION_CHARS_MAX, DISABLE_FAILURES_MAX, DISABLE_HOURS_MAX, EVENT_NAME_CHARS_MAX, GRACE_H_MAX,
    HEADER_BYTES_MAX, HEADERS_MAX, NAME_CHARS_MAX, PATTERNS_MAX, RATE_LIMIT_MAX, RETRY_ATTEMPTS_MAX, RETRY_DELAY_S_MAX,
    TIMEOUT_MS_MAX, URL_BYTES_MAX,
};

use crate::http::admin::deliveries::{GIVEN_UP, STATES};
use crate::openapi::json::{chars, count, merged, time};

pub(super) fn refinements() -> Vec<(&'static str, Value)> {
    let name = json!({"minLength": 1, "maxLength": NAME_CHARS_MAX});
    vec![
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
    ]
}
