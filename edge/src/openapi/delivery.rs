//! The request that a webhook's URL receives. It is the only request of the document that TrackMate
//! sends.

use serde_json::{Value, json};

use crate::domain::payload;
use crate::openapi::operation::Who;
use crate::openapi::schemas::Schemas;

const ID: &str = "delivery";

/// The tag of the delivery. No other operation has it: generators write one file for a tag, and the
/// delivery would overwrite the calls of the API.
const TAG: &str = "Deliveries";

/// The tag, as an entry of the document's `tags`.
pub(crate) fn tag() -> Value {
    json!({"name": TAG, "description": "The requests that your server receives.", "x-operations": []})
}

/// The delivery, as an entry of the document's `webhooks`.
pub(crate) fn render(schemas: &mut Schemas) -> Value {
    let header = |name: &str, required: bool, text: &str| {
        json!({
            "name": name, "in": "header", "required": required, "description": text, "schema": {"type": "string"},
        })
    };
    let example = json!({
        "event": "payment_processed", "timestamp": "2025-10-18T10:10:00.000Z",
        "data": {"amount": 79.99, "currency": "USD", "orderId": "o-1001"},
        "metadata": {
            "source": "webhook", "action": "payment_processed", "messageId": "m_0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f",
            "sessionId": "webhook_1760781600_5f1c0a9b8d7e6f5a4b3c2d1e0f9a8b7c", "userId": "5f1c0a9b8d7e6f5a4b3c2d1e",
        },
    });
    json!({
        ID: {
            "post": {
                "operationId": ID, "tags": [TAG], "summary": "What a webhook's URL receives",
                "description": "Sent to the `url`, with the webhook's own `headers`. `webhook-id` is the same in \
                    every attempt: a receiver that keeps the ids it has seen is safe from the rare repeat. No answer \
                    in time, 408, 425, 429 and 5xx are tried again; any other answer but 2xx is final, and 410 \
                    switches the webhook off.",
                "security": crate::openapi::operation::security(Who::Anyone),
                "parameters": [
                    header("X-Webhook-Signature", false, "Lower-case hex HMAC-SHA256 of the body's bytes; the key is \
                        the whole secret. Left out where there is no secret."),
                    header("X-Webhook-Signature-Previous", false, "The same by the old secret, while a rotated one \
                        lives on."),
                    header("webhook-id", true, "Standard Webhooks: the delivery's id."),
                    header("webhook-timestamp", true, "Standard Webhooks: when it was sent, Unix seconds."),
                    header("webhook-signature", false, "Standard Webhooks: `v1,` and the signature, base64; two \
                        while a rotated secret lives on."),
                    header("User-Agent", true, "`TrackMate/` and the version."),
                ],
                "requestBody": {
                    "required": true,
                    "content": {
                        "application/json": {"schema": schemas.written::<payload::Body<'_>>(), "example": example},
                    },
                },
                "responses": {"2XX": {"description": "It is delivered, whatever the body says."}},
            },
        },
    })
}
