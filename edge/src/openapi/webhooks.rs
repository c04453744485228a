//! The operations on webhooks and their deliveries.

use serde_json::{Value, json};
use trackmate_wire::api::{
    DeliveryList, RecoverAnswer, RecoverRequest, ResendAnswer, RotateRequest, TestAnswer, WebhookAnswer, WebhookChange,
    WebhookList,
};
use trackmate_wire::limits::DELIVERIES_SHOWN_MAX;
use trackmate_wire::problem::Code;

use crate::http::admin::deliveries;
use crate::openapi::operation::{Group, Operation, Who};
use crate::openapi::schemas::SuccessAnswer;

pub(crate) fn group() -> Group {
    Group {
        name: "Webhooks",
        text: "Subscriptions to events, and their deliveries, with a key of scope `admin`. Deliveries are signed \
            (`X-Webhook-Signature`, and the Standard Webhooks headers) and tried again until they are made or given \
            up with a recorded reason.",
        who: Who::Admin,
        operations: vec![
            Operation::new("get", "/api/admin/webhooks", "listWebhooks", "List webhooks")
                .gives::<WebhookList>(json!({"success": true, "webhooks": [webhook()]})),
            Operation::new("post", "/api/admin/webhooks", "addWebhook", "Subscribe a URL to events")
                .text(
                    "The answer has the `secret`, shown this once. Without a policy it is `crm`'s: 3 attempts, 60 s \
                     doubling, 10 s timeout.",
                )
                .takes_named(
                    "WebhookRequest",
                    json!({
                        "name": "CRM", "url": "https://crm.example/hooks/trackmate",
                        "events": ["payment_processed", "user.*"],
                    }),
                )
                .gives::<WebhookAnswer>({
                    let mut webhook = webhook();
                    webhook["secret"] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into();
                    json!({"success": true, "webhook": webhook})
                })
                .makes("webhooks", "/webhook/id")
                .fails(&[Code::MissingField, Code::InvalidField, Code::InvalidUrl, Code::LimitReached]),
            Operation::new(
                "get",
                "/api/admin/webhooks/{id}",
                "getWebhook",
                "Read a webhook and its last 50 deliveries",
            )
            .gives::<WebhookAnswer>(json!({
                "success": true, "webhook": webhook(), "deliveries": [delivery()],
            }))
            .fails(&[Code::NotFound]),
            Operation::new(
                "patch",
                "/api/admin/webhooks/{id}",
                "changeWebhook",
                "Change a webhook, switch it off or on",
            )
            .text(
                "In `headers`, null takes one away. `\"active\": true` sends what was held, or dismisses it with \
                 `\"held\": \"dismiss\"`, and closes an open circuit.",
            )
            .takes::<WebhookChange>(json!({
                "active": true, "headers": {"Authorization": "Bearer of-the-crm"}, "rateLimit": 20,
            }))
            .gives::<WebhookAnswer>(json!({"success": true, "webhook": webhook()}))
            .fails(&[Code::InvalidField, Code::InvalidUrl, Code::NotFound]),
            Operation::new("delete", "/api/admin/webhooks/{id}", "deleteWebhook", "Delete a webhook")
                .text("What it leaves open is dismissed.")
                .gives::<SuccessAnswer>(json!({"success": true}))
                .fails(&[Code::NotFound]),
            Operation::new("post", "/api/admin/webhooks/{id}/test", "testWebhook", "Send a test delivery now")
                .text(
                    "Sends `webhook.test` once, signed, also to a webhook that is switched off, and says what came \
                     of it.",
                )
                .gives::<TestAnswer>(tested())
                .fails(&[Code::NotFound]),
            Operation::new("post", "/api/webhook/test", "testFunnel", "Send a test delivery to the funnel's webhook")
                .gives::<TestAnswer>(tested())
                .fails(&[Code::NotFound]),
            Operation::new(
                "post",
                "/api/admin/webhooks/{id}/rotate-secret",
                "rotateSecret",
                "Give a webhook a new secret",
            )
            .text(
                "The answer has the new secret, shown this once. The old one signs too until the grace ends; with 0 \
                 it is gone at once. While an earlier one is in its grace, only 0 is taken.",
            )
            .takes::<RotateRequest>(json!({"graceHours": 48}))
            .optional()
            .gives::<WebhookAnswer>({
                let mut webhook = webhook();
                webhook["secret"] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into();
                json!({"success": true, "webhook": webhook})
            })
            .fails(&[Code::InvalidField, Code::NotFound, Code::Conflict]),
            Operation::new(
                "get",
                "/api/admin/webhooks/{id}/deliveries",
                "listDeliveries",
                "List a webhook's deliveries, newest first",
            )
            .paged(DELIVERIES_SHOWN_MAX)
            .query("status", json!({"type": "string", "enum": deliveries::STATES}), "Only those.")
            .makes("deliveries", "/deliveries/0/id")
            .gives::<DeliveryList>(json!({
                "success": true, "deliveries": [delivery()],
                "pagination": {"limit": 50, "hasMore": false, "nextCursor": null},
            }))
            .fails(&[Code::NotFound]),
            Operation::new(
                "post",
                "/api/admin/webhooks/{id}/recover",
                "recoverDeliveries",
                "Send again what was given up in a window",
            )
            .text("500 a call; `nextCursor` goes on, past what failed again in the meantime.")
            .takes::<RecoverRequest>(json!({
                "since": "2025-10-18T00:00:00Z", "until": "2025-10-19T00:00:00Z", "status": "exhausted",
            }))
            .gives::<RecoverAnswer>(json!({
                "success": true, "requeued": 12, "hasMore": false, "nextCursor": null,
            }))
            .fails(&[
                Code::MissingField,
                Code::InvalidTimestamp,
                Code::InvalidField,
                Code::InvalidCursor,
                Code::NotFound,
            ]),
            Operation::new(
                "post",
                "/api/admin/webhooks/{id}/deliveries/{delivery}/resend",
                "resendDelivery",
                "Send a delivery again",
            )
            .text("One that has ended, with its id and bytes, of a webhook that is still there.")
            .gives::<ResendAnswer>(json!({
                "success": true, "delivery": {"id": "9b2e6d1c0f3a48575f1c0a9b8d7e6f5a", "status": "pending"},
            }))
            .fails(&[Code::NotFound]),
        ],
    }
}

fn webhook() -> Value {
    json!({
        "id": "wh_5f1c0a9b8d7e6f5a4b3c2d1e", "name": "CRM", "url": "https://crm.example/hooks/trackmate",
        "events": ["payment_processed", "user.*"], "description": null, "headers": {"authorization": "***"},
        "preset": null, "retryAttempts": 3, "retryDelay": 60, "timeoutMs": 10000, "rateLimit": 20,
        "disableAfterFailures": 20, "disableAfterHours": 24, "active": true, "disabledReason": null,
        "circuit": {"state": "closed", "nextProbeAt": null}, "createdAt": "2025-10-18T09:00:00.000Z",
        "stats": {
            "success": 1, "failed": 0, "held": 0, "lastStatus": 200, "lastError": null,
            "lastDeliveryAt": "2025-10-18T10:10:00.000Z",
        },
    })
}

pub(crate) fn delivery() -> Value {
    let at = "2025-10-18T10:10:00.000Z";
    json!({
        "id": "9b2e6d1c0f3a48575f1c0a9b8d7e6f5a", "event": "payment_processed",
        "messageId": "m_0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f", "status": "delivered", "createdAt": at,
        "nextAttemptAt": null, "finishedAt": at,
        "payload": {
            "event": "payment_processed", "timestamp": at, "data": {"amount": 79.99, "currency": "USD"},
            "metadata": {
                "source": "webhook", "action": "payment_processed", "messageId": "m_0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f",
                "sessionId": null, "userId": null,
            },
        },
        "attemptsMade": 1,
        "attempts": [
            {
                "attempt": 1, "at": at, "url": "https://crm.example/hooks/trackmate", "statusCode": 200,
                "success": true, "error": null, "responseBody": "ok", "durationMs": 84,
            },
        ],
    })
}

fn tested() -> Value {
    let body = concat!(
        r#"{"event":"webhook.test","timestamp":"2025-10-18T10:10:00.000Z","#,
        r#""data":{"webhookId":"wh_5f1c0a9b8d7e6f5a4b3c2d1e"},"metadata":{"source":"trackmate","action":"test"}}"#,
    );
    let headers = json!({
        "content-type": "application/json", "user-agent": "TrackMate/1.0.0", "authorization": "***",
        "webhook-id": "9b2e6d1c0f3a48575f1c0a9b8d7e6f5a",
    });
    let request = json!({"url": "https://crm.example/hooks/trackmate", "headers": headers, "body": body});
    json!({
        "success": true, "delivered": true, "request": request, "statusCode": 200, "error": null, "responseBody": "ok",
        "durationMs": 84,
    })
}
