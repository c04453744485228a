//! A company's settings and its event names.

use serde_json::{Value, json};
use trackmate_wire::problem::Code;

use super::super::{catalog, settings};
use super::operation::{Group, Operation, Who};

pub(super) fn group() -> Group {
    Group {
        name: "Company",
        text: "What a company decides for itself, and the names of its events, with a key of scope `admin`.",
        who: Who::Admin,
        operations: vec![
            Operation::new("get", "/api/admin/settings", "getSettings", "Read the settings").gives::<settings::Answer>(answer()),
            Operation::new("patch", "/api/admin/settings", "changeSettings", "Change the settings")
                .text("A type added to the revenue events counts from then on; one taken off stops counting at once. `webhook_enabled`, `crm_webhook_url` and `webhook_secret` set the funnel's webhook. Switching `identityVerification` on where there is no secret, and `rotateIdentitySecret`, make an `identitySecret`, shown in that answer alone.")
                .takes::<settings::Wanted>(json!({
                    "allowedOrigins": ["https://shop.example"], "logRetentionDays": 30, "eventRetentionDays": 730, "identityVerification": "off",
                    "webhook_enabled": true, "crm_webhook_url": "https://crm.example/hooks/funnel", "webhook_secret": "one's own",
                }))
                .gives::<settings::Answer>(answer())
                .fails(&[Code::InvalidField, Code::InvalidUrl, Code::MissingField]),
            Operation::new("get", "/api/admin/events/catalog", "getCatalog", "List the event names there are")
                .text("Those that TrackMate knows, then the company's own, to 1000. Counts are some seconds behind.")
                .gives::<catalog::Answer<'_>>(json!({
                    "success": true, "hasMore": false,
                    "events": [{
                        "name": "payment_processed", "description": "A payment came in; counts as revenue.", "builtin": true, "seen": 12, "lastSeenAt": "2025-10-18T10:10:00.000Z",
                        "example": {"event": "payment_processed", "timestamp": "2026-03-01T10:00:00.000Z", "data": {"amount": 79.99, "currency": "USD", "orderId": "o-1"},
                            "metadata": {"source": "webhook", "action": "payment_processed"}},
                    }],
                })),
        ],
    }
}

fn answer() -> Value {
    json!({"success": true, "settings": {
        "company_id": "TM-SHOP99", "name": "Shop", "allowedOrigins": ["https://shop.example"], "revenueEvents": ["payment_processed"],
        "webhooksEnabled": true, "logRetentionDays": 30, "eventRetentionDays": 730, "identityVerification": "off", "identitySecretSet": false,
        "webhook_enabled": true, "crm_webhook_url": "https://crm.example/hooks/funnel", "webhook_secret_set": true,
    }})
}
