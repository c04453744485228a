//! The operations that clients of other vendors call. Their paths and formats are the vendors'.
//! docs/clients says how to configure each client.

use serde_json::{Value, json};
use trackmate_wire::problem::Code;

use crate::ingest::answer::BatchAnswer;
use crate::openapi::operation::{Group, Operation, Who};

/// An operation that takes a message or a batch in a vendor's format.
fn message(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    form: &'static str,
    example: Value,
) -> Operation {
    Operation::new("post", path, id, summary)
        .takes_named(form, example)
        .gives::<BatchAnswer>(json!({"success": true, "accepted": 1, "duplicates": 0, "rejected": []}))
        .fails(&[
            Code::MissingKey,
            Code::InvalidKey,
            Code::WrongScope,
            Code::OriginNotAllowed,
            Code::IdentityUnproved,
            Code::MissingField,
            Code::InvalidField,
            Code::TooManyEvents,
            Code::EventTooLarge,
            Code::JsonTooDeep,
            Code::PlanViolation,
            Code::InvalidSession,
            Code::PlaceholderId,
            Code::InvalidTimestamp,
            Code::UnknownUser,
            Code::ErasedUser,
            Code::Conflict,
            Code::Busy,
            Code::LimitReached,
        ])
}

/// An operation that answers the configuration that a vendor's clients load.
fn configuration(
    method: &'static str,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    example: Value,
) -> Operation {
    Operation::new(method, path, id, summary).gives_named("VendorSettings", example)
}

pub(crate) fn group() -> Group {
    let track = json!({
        "writeKey": "TM-SHOP99", "type": "track", "userId": "u-1001", "event": "Order Completed",
        "properties": {"total": 79.99}, "timestamp": "2025-10-18T10:00:00.000Z",
    });
    let capture = json!({
        "api_key": "TM-SHOP99", "event": "order completed", "distinct_id": "u-1001", "properties": {"total": 79.99},
        "timestamp": "2025-10-18T10:00:00.000Z",
    });
    let segment = |path, id, summary| message(path, id, summary, "SegmentMessage", track.clone());
    let posthog = |path, id| message(path, id, "Store what PostHog's clients send", "PostHogMessage", capture.clone());
    let flags = json!({"flags": {}, "featureFlags": {}});
    Group {
        name: "Other clients",
        text: "Other vendors' clients, pointed here; docs/clients has a page for each family. The write key is the \
            company id, which may do what a page may, or a key of scope `server`, which may do what a server may and \
            is refused where a page sends it. It is read from `Authorization: Basic key:`, `X-Write-Key`, \
            `Authorization: Bearer` and the body.",
        who: Who::Anyone,
        operations: vec![
            segment("/v1/{kind}", "segment", "Store what Segment's clients send").text(
                "One message, or with `batch` many, which name their kind themselves. Good items are stored when \
                 others are bad; one that stands alone and is bad is refused.",
            ),
            configuration(
                "get",
                "/v1/projects/{key}/settings",
                "segmentSettings",
                "Tell analytics.js and Customer.io's client where to send",
                json!({"integrations": {"Segment.io": {"apiKey": "TM-SHOP99"}}}),
            ),
            message(
                "/beacon/v1/batch",
                "rudderstackBeacon",
                "Store what RudderStack's client sends by beacon",
                "SegmentMessage",
                json!({"writeKey": "TM-SHOP99", "batch": [track.clone()]}),
            )
            .query("writeKey", json!({"type": "string"}), "The write key: the company id."),
            configuration(
                "get",
                "/sourceConfig",
                "rudderstackConfig",
                "Tell RudderStack's clients that their source is on",
                json!({"source": {"id": "TM-SHOP99", "enabled": true, "config": {}, "destinations": []}}),
            )
            .query("writeKey", json!({"type": "string"}), "The write key: the company id."),
            posthog("/batch", "posthogBatch"),
            posthog("/capture", "posthogCapture"),
            posthog("/e", "posthogEvent"),
            posthog("/i/v0/e", "posthogIngest"),
            configuration(
                "post",
                "/flags",
                "posthogFlags",
                "Tell PostHog's clients that there are no flags",
                flags.clone(),
            ),
            configuration("post", "/decide", "posthogDecide", "Tell older ones", flags.clone()),
            configuration("get", "/array/{key}/config", "posthogConfig", "Tell them what to record: nothing", flags),
            segment("/api/s/{kind}", "jitsu", "Store what Jitsu's clients send"),
            segment("/api/s/s2s/{kind}", "jitsuServer", "Store what Jitsu's clients on a server send"),
        ],
    }
}
