//! The operations on a company's settings, keys, tracking plan, figures and event names.

use serde_json::{Value, json};
use trackmate_wire::api::{InferredPlan, PlanAnswer, PlanChecked, SettingsAnswer, SettingsChange};
use trackmate_wire::problem::Code;

use crate::domain::stats::Interval;
use crate::http::admin::{catalog, keys, plan, stats};
use crate::openapi::json::reference;
use crate::openapi::operation::{Group, Operation, Who};
use crate::openapi::operator::key;
use crate::openapi::schemas::SuccessAnswer;

pub(crate) fn group() -> Group {
    Group {
        name: "Company",
        text: "What a company decides for itself, its keys, its figures, and the names of its events, with a key of \
            scope `admin`.",
        who: Who::Admin,
        operations: vec![
            Operation::new("get", "/api/admin/settings", "getSettings", "Read the settings")
                .gives::<SettingsAnswer>(answer()),
            Operation::new("patch", "/api/admin/settings", "changeSettings", "Change the settings")
                .text(
                    "A type added to the revenue events counts from then on; one taken off stops counting at once. \
                     `webhook_enabled`, `crm_webhook_url` and `webhook_secret` set the funnel's webhook. Switching \
                     `identityVerification` on where there is no secret, and `rotateIdentitySecret`, make an \
                     `identitySecret`, shown in that answer alone.",
                )
                .takes::<SettingsChange>(json!({
                    "allowedOrigins": ["https://shop.example"], "logRetentionDays": 30, "eventRetentionDays": 730,
                    "identityVerification": "off", "webhook_enabled": true,
                    "crm_webhook_url": "https://crm.example/hooks/funnel", "webhook_secret": "one's own",
                }))
                .gives::<SettingsAnswer>(answer())
                .fails(&[Code::InvalidField, Code::InvalidUrl, Code::MissingField]),
            Operation::new("get", "/api/admin/keys", "listOwnKeys", "List the company's keys")
                .text(
                    "Those that are not revoked first. `current` is the one that asks. `lastUsedAt` is noted at most \
                     once an hour.",
                )
                .gives::<keys::OwnKeyList<'_>>({
                    let mut key = key("admin", false);
                    key["current"] = true.into();
                    json!({"success": true, "keys": [key]})
                }),
            Operation::new("post", "/api/admin/keys", "addOwnKey", "Make another key")
                .text("The key itself is in this answer alone. At most 100 are live at a time.")
                .takes::<keys::KeyRequest>(json!({"scope": "server", "name": "backend"}))
                .gives::<keys::KeyAnswer<'_>>(json!({"success": true, "key": key("server", true)}))
                .fails(&[Code::MissingField, Code::InvalidField, Code::LimitReached]),
            Operation::new("delete", "/api/admin/keys/{id}", "revokeOwnKey", "Revoke a key")
                .text(
                    "It stops working at once. The key that asks is not revoked (`conflict`): nobody shuts \
                     themselves out.",
                )
                .gives::<SuccessAnswer>(json!({"success": true}))
                .fails(&[Code::NotFound, Code::Conflict]),
            Operation::new("get", "/api/admin/plan", "getPlan", "Read the tracking plan, and what violated it")
                .text(
                    "Violations are counted by event, field and reason, to 200 kinds, since the plan was set; \
                     repeats of an event count again. Counts are some seconds behind.",
                )
                .gives::<PlanAnswer>(current_plan()),
            Operation::new("put", "/api/admin/plan", "setPlan", "Set the tracking plan, or its mode alone")
                .text(
                    "In force, at both doors, for every request that comes after the answer. What TrackMate itself \
                     emits and what identifies somebody is exempt. A null in an event is as good as a field left \
                     out.",
                )
                .takes::<plan::PlanChange>(json!({"mode": "report", "events": planned(), "additionalEvents": true}))
                .gives::<PlanAnswer>(current_plan())
                .fails(&[Code::MissingField, Code::InvalidField]),
            Operation::new(
                "post",
                "/api/admin/plan/infer",
                "inferPlan",
                "Propose a tracking plan from the events there are",
            )
            .text(
                "Made of a sample: of 10000 events of each door, in the order of their ids, the 50 latest of each \
                 name, without those over 4 KB. All of these fit it. Nothing is stored.",
            )
            .gives::<InferredPlan>(json!({
                "success": true, "plan": {"events": planned(), "additionalEvents": false}, "sampled": 50,
            })),
            Operation::new("post", "/api/admin/plan/check", "checkPlan", "Say what a tracking plan would refuse")
                .text("The given plan, or else the company's, if its mode were `reject`. Nothing is stored or counted.")
                .takes::<plan::PlanCheck>(json!({
                    "events": [{"eventType": "paid", "eventData": {"amount": "5"}}], "plan": {"events": planned()},
                }))
                .gives::<PlanChecked>(json!({
                    "success": true, "checked": 1,
                    "refused": [
                        {
                            "index": 0, "eventType": "paid",
                            "violations": [
                                {
                                    "field": "eventData.amount", "reason": "wrong_type",
                                    "message": "eventData.amount is of type string; the company's tracking plan has \
                                        number",
                                },
                            ],
                        },
                    ],
                }))
                .fails(&[Code::MissingField, Code::InvalidField, Code::TooManyEvents]),
            Operation::new("get", "/api/admin/stats", "getStats", "Read the figures of a range of time")
                .text(
                    "Events count when they happened, as timelines and exports have them: `totals.events` are the \
                     rows of an export of events with the same `from` and `to`. Deliveries to the webhooks there are \
                     count when they were written, by their state of now. Spans count from `from`; a day has 24 \
                     hours. By the hour a range has at most 31 days, by the day 400.",
                )
                .query("from", reference("Time"), "Of it; a day (by the hour) or 30 days before `to` unless given.")
                .query("to", reference("Time"), "Not of it; the end of this hour or day in UTC unless given.")
                .query(
                    "zone",
                    json!({"type": "string", "examples": ["America/Toronto"]}),
                    "Whose clocks the days are told by; UTC unless given.",
                )
                .query(
                    "interval",
                    json!({"type": "string", "enum": Interval::ALL.map(Interval::as_str)}),
                    "Of the spans: `hour`, or `day` where more than two days are asked for, unless given.",
                )
                .gives::<stats::StatsAnswer<'_>>(figures())
                .fails(&[Code::InvalidField, Code::InvalidTimestamp, Code::LimitReached]),
            Operation::new("get", "/api/admin/events/catalog", "getCatalog", "List the event names there are")
                .text(
                    "Those that TrackMate knows, then the company's own, the last seen first: 500 that its pages \
                     have sent and 500 that its servers have. When the list of a door is full (`hasMore`), a new \
                     name takes the place of one that was not seen for 30 days. How often an event was sent, `GET \
                     /api/admin/stats` tells.",
                )
                .gives::<catalog::Catalog<'_>>(json!({
                    "success": true, "hasMore": false,
                    "events": [
                        {
                            "name": "payment_processed", "description": "A payment came in; counts as revenue.",
                            "builtin": true, "lastSeenAt": "2025-10-18T10:10:00.000Z",
                            "example": {
                                "event": "payment_processed", "timestamp": "2026-03-01T10:00:00.000Z",
                                "data": {"amount": 79.99, "currency": "USD", "orderId": "o-1"},
                                "metadata": {"source": "webhook", "action": "payment_processed"},
                            },
                        },
                    ],
                })),
        ],
    }
}

fn planned() -> Value {
    json!({
        "paid": {
            "required": ["amount"],
            "properties": {"amount": {"type": "number"}, "note": {"type": ["string", "boolean"]}},
        },
    })
}

fn current_plan() -> Value {
    let at = "2025-10-18T10:00:00.000Z";
    json!({
        "success": true, "plan": {"mode": "report", "events": planned(), "additionalEvents": true, "updatedAt": at},
        "violations": [
            {
                "event": "paid", "field": "eventData.amount", "reason": "wrong_type", "count": 3, "firstAt": at,
                "lastAt": at,
            },
        ],
    })
}

fn figures() -> Value {
    let at = "2025-10-18T10:00:00.000Z";
    json!({
        "success": true, "from": at, "to": "2025-10-18T11:00:00.000Z", "interval": "hour",
        "totals": {
            "events": 7, "browserEvents": 5, "serverEvents": 2, "people": 1, "activePeople": 1, "newPeople": 1,
            "sessions": 1, "deliveries": 2, "delivered": 1, "failed": 1, "pending": 0, "held": 0, "dismissed": 0,
        },
        "series": [{"at": at, "events": 7, "newPeople": 1, "deliveries": 2, "delivered": 1, "failed": 1}],
        "topEvents": [{"name": "page_view", "count": 4}], "latencyMs": {"p50": 120, "p90": 120, "p99": 120},
        "successRate": 0.5,
        "webhooks": [
            {
                "id": "wh_5f1c0a9b8d7e6f5a4b3c2d1e", "name": "CRM", "active": true,
                "circuit": {"state": "closed", "nextProbeAt": null}, "held": 0, "failed": 1, "disabledReason": null,
            },
        ],
    })
}

fn answer() -> Value {
    json!({
        "success": true,
        "settings": {
            "company_id": "TM-SHOP99", "name": "Shop", "allowedOrigins": ["https://shop.example"],
            "revenueEvents": ["payment_processed"], "webhooksEnabled": true, "logRetentionDays": 30,
            "eventRetentionDays": 730, "identityVerification": "off", "identitySecretSet": false,
            "webhook_enabled": true, "crm_webhook_url": "https://crm.example/hooks/funnel", "webhook_secret_set": true,
        },
    })
}
