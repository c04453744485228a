//! The operations that show received events and their outcomes.

use serde_json::{Value, json};
use trackmate_wire::api::{EventReceipt, IncomingList, RejectedList};
use trackmate_wire::limits::{INCOMING_ITEMS_MAX, STREAM_S_MAX};
use trackmate_wire::problem::{ALL, Code};

use crate::domain::incoming::Outcome;
use crate::domain::source::Source;
use crate::openapi::operation::{Group, Operation, Who};

/// An example of the stream.
const STREAM: &str = "retry: 1000\n: watching\nid: 1760781500000000\n\nid: 1760781600000000\nevent: incoming\ndata: \
    {\"seq\":1760781600000000,\"at\":\"2025-10-18T10:00:00.000Z\",\"door\":\"browser\",\"outcome\":\"stored\",…}\n\n";

pub(crate) fn group() -> Group {
    let outcomes = json!({"type": "string", "enum": Outcome::ALL.map(Outcome::as_str)});
    let (doors, text) = (json!({"type": "string", "enum": Source::DOORS}), json!({"type": "string"}));
    let codes = json!({"type": "string", "enum": ALL.map(Code::as_str).as_slice()});
    let page = json!({"limit": 50, "hasMore": false, "nextCursor": null});
    Group {
        name: "Receipts",
        text: "What became of each item that came in, with a key of scope `admin`. Rejected ones are kept for 7 \
            days, without what was in them: their fields and the kinds of those. The others are listed as far as \
            they came in while somebody watched: to read the list or the stream is to watch, for two minutes.",
        who: Who::Admin,
        operations: vec![
            Operation::new("get", "/api/admin/events", "listIncoming", "List what came in, newest first")
                .paged(INCOMING_ITEMS_MAX)
                .query("outcome", outcomes.clone(), "Only those.")
                .query("eventType", text.clone(), "Only events of this name.")
                .query("door", doors.clone(), "Only what came in here.")
                .gives::<IncomingList>(json!({
                    "success": true, "events": [incoming(), rejected()], "pagination": page,
                })),
            Operation::new("get", "/api/admin/events/rejected", "listRejected", "List what was rejected, newest first")
                .paged(INCOMING_ITEMS_MAX)
                .query("code", codes, "Only what was rejected with this code.")
                .query("eventType", text.clone(), "Only events of this name.")
                .query("door", doors.clone(), "Only what came in here.")
                .gives::<RejectedList>(json!({"success": true, "rejected": [rejected()], "pagination": page})),
            Operation::new("get", "/api/admin/events/stream", "streamIncoming", "Follow what comes in")
                .text(
                    "Server-sent events, each an `Incoming`. The stream ends by itself after half a minute at the \
                     most; a reader that comes back with `Last-Event-ID` misses nothing that is still kept.",
                )
                .query("outcome", outcomes, "Only those.")
                .query("eventType", text, "Only events of this name.")
                .query(
                    "after",
                    json!({"type": "integer", "minimum": 0}),
                    "Goes on behind this `seq`, like the header `Last-Event-ID`. From now on unless given.",
                )
                .query(
                    "seconds",
                    json!({"type": "integer", "minimum": 0, "maximum": STREAM_S_MAX, "default": STREAM_S_MAX}),
                    "Ends after so many; with 0 it tells what there is.",
                )
                .streams(&[("text/event-stream", STREAM)])
                .fails(&[Code::InvalidField]),
            Operation::new("get", "/api/admin/events/{messageId}", "getReceipt", "Read what became of an event")
                .text(
                    "Whether it is stored or why not, whose it is and by which identify, and each delivery with its \
                     attempts. Where both doors have an event of this id, the server's, unless `door` chooses.",
                )
                .query("door", doors, "Where it came in.")
                .gives::<EventReceipt>(json!({
                    "success": true, "event": event(), "person": person(), "deliveries": [delivery()],
                }))
                .fails(&[Code::InvalidField, Code::NotFound]),
        ],
    }
}

fn incoming() -> Value {
    json!({
        "seq": 1_760_781_600_123_000_i64, "at": "2025-10-18T10:00:00.123Z", "door": "browser", "outcome": "stored",
        "code": null, "message": null, "field": null, "messageId": "m_0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f",
        "eventType": "page_view", "eventData": {"address": "https://shop.example/"},
        "timestamp": "2025-10-18T10:00:00.000Z", "sessionId": "session_1760781600_5f1c0a9b8d7e6f5a4b3c2d1e0f9a8b7c",
        "userId": null, "userName": null,
    })
}

fn rejected() -> Value {
    json!({
        "seq": 1_760_781_599_000_000_i64, "at": "2025-10-18T09:59:59.000Z", "door": "server", "outcome": "rejected",
        "code": "invalid_timestamp", "message": "timestamp is ISO 8601 or epoch milliseconds", "field": "timestamp",
        "messageId": "order-77", "eventType": "payment_processed",
        "eventData": {"amount": "number", "currency": "string(3)"}, "timestamp": null, "sessionId": null,
        "userId": null, "userName": null,
    })
}

fn event() -> Value {
    json!({
        "messageId": "m_0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f", "door": "browser", "outcome": "stored", "code": null,
        "message": null, "field": null, "eventType": "page_view", "eventData": {"address": "https://shop.example/"},
        "timestamp": "2025-10-18T10:00:00.000Z",
        "context": {"page": {"url": "https://shop.example/"}, "campaign": {"source": "newsletter"}},
        "originalTimestamp": "2025-10-18T10:00:00.000Z", "sentAt": null, "receivedAt": "2025-10-18T10:00:00.123Z",
        "sessionId": "session_1760781600_5f1c0a9b8d7e6f5a4b3c2d1e0f9a8b7c", "source": "browser",
    })
}

fn person() -> Value {
    json!({
        "id": "5f1c0a9b8d7e6f5a4b3c2d1e", "name": "Ada Lovelace", "email": "ada@example.com",
        "linkedBy": {
            "messageId": "m_9f8e7d6c5b4a39281706f5e4d3c2b1a0", "at": "2025-10-18T10:05:00.000Z",
            "sessionId": "session_1760781600_5f1c0a9b8d7e6f5a4b3c2d1e0f9a8b7c",
        },
    })
}

fn delivery() -> Value {
    let mut delivery = crate::openapi::webhooks::delivery();
    delivery["webhookId"] = "wh_5f1c0a9b8d7e6f5a4b3c2d1e".into();
    delivery["webhookName"] = "CRM".into();
    delivery
}
