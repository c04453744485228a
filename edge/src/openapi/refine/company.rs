//! Refinements of the types about a company: settings, keys, tracking plan, catalogue and figures.

use serde_json::{Value, json};
use trackmate_wire::limits::{
    BATCH_EVENTS_MAX, EVENT_DAYS_MAX, EVENT_NAME_CHARS_MAX, LOG_DAYS_MAX, NAME_CHARS_MAX, ORIGINS_MAX,
    REVENUE_EVENTS_MAX, SECRET_BYTES_MAX, STATS_NAMES, URL_BYTES_MAX,
};

use crate::domain::plan::Reason;
use crate::domain::stats::Interval;
use crate::openapi::json::{chars, company, count, merged, plan_events, reference};

pub(super) fn refinements() -> Vec<(&'static str, Value)> {
    let name = json!({"minLength": 1, "maxLength": NAME_CHARS_MAX});
    let rows = json!({"items": {"type": "array", "items": {"type": ["string", "integer", "null"]}}});
    vec![
        ("BackupPage", json!({"properties": {"rows": rows}})),
        ("RestoreBatch", json!({"properties": {"rows": rows}})),
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
                    "failed": {"description": "Ever given up."}, "held": {"description": "Counted to 1000."},
                },
            }),
        ),
        ("KeyRequest", json!({"required": ["scope"], "properties": {"name": chars(NAME_CHARS_MAX)}})),
    ]
}
