//! The body of a delivery: `{event, timestamp, data, metadata}` (seeds 002–004). It is made
//! by an attempt. Once an attempt is settled, its bytes are stored, and later ones send the same.

use serde::Serialize;
use serde_json::value::RawValue;

use super::source::Source;
use super::{clock, json};

/// The event that a delivery is about.
#[derive(Debug, Clone, Copy)]
pub struct PayloadEvent<'a> {
    /// The event's name for the subscriber.
    pub name: &'a str,
    /// When it happened, as a `ts`.
    pub ts: i64,
    /// `eventData`, as sent.
    pub data: &'a str,
    /// The API through which it came.
    pub source: Source,
    /// Its id, the same in every delivery and retry.
    pub message_id: &'a str,
    /// Its session. Empty if it has none.
    pub session: &'a str,
    /// The person it belonged to when the body was made.
    pub profile: Option<&'a str>,
    /// The page, the campaign and the browser, as sent: a JSON object.
    pub context: Option<&'a str>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "DeliveryBody"))]
pub(crate) struct Body<'a> {
    event: &'a str,
    timestamp: String,
    data: &'a RawValue,
    metadata: Metadata<'a>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "DeliveryMetadata"))]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    source: &'static str,
    action: &'a str,
    message_id: &'a str,
    session_id: Option<&'a str>,
    user_id: Option<&'a str>,
    /// Only where the sender told one.
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'a RawValue>,
}

/// The body. `None` if the stored data are not JSON, which validation rules out.
#[must_use]
pub fn body(event: PayloadEvent<'_>) -> Option<String> {
    let data = json::normalised(event.data);
    let data: &RawValue = serde_json::from_str(&data).ok()?;
    let context = event.context.map(json::normalised);
    let context = context.as_deref().and_then(|context| serde_json::from_str::<&RawValue>(context).ok());
    serde_json::to_string(&Body {
        event: event.name,
        timestamp: clock::iso(clock::ts_ms(event.ts)),
        data,
        metadata: Metadata {
            source: event.source.name(),
            action: event.name.rsplit('.').next().unwrap_or(event.name),
            message_id: event.message_id,
            session_id: Some(event.session).filter(|s| !s.is_empty()),
            user_id: event.profile,
            context: context.filter(|context| !matches!(context.get(), "{}" | "null")),
        },
    })
    .ok()
}

/// The body of a test of a webhook. It has the form of all deliveries, but comes from TrackMate and
/// concerns no person.
#[must_use]
pub fn test(webhook: &str, delivery: &str, now_ms: i64) -> Option<String> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Data<'a> {
        webhook_id: &'a str,
        message: &'static str,
    }
    let data = Data { webhook_id: webhook, message: "This is a test delivery from TrackMate." };
    let data = serde_json::value::to_raw_value(&data).ok()?;
    let metadata = Metadata {
        source: "trackmate",
        action: "test",
        message_id: delivery,
        session_id: None,
        user_id: None,
        context: None,
    };
    let body = Body { event: "webhook.test", timestamp: clock::iso(now_ms), data: &data, metadata };
    serde_json::to_string(&body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_delivery_has_the_form_of_all_deliveries() {
        assert_eq!(
            test("wh_1", "d1", 1_764_513_045_123).unwrap(),
            r#"{"event":"webhook.test","timestamp":"2025-11-30T14:30:45.123Z","data":{"webhookId":"wh_1","message":"This is a test delivery from TrackMate."},"metadata":{"source":"trackmate","action":"test","messageId":"d1","sessionId":null,"userId":null}}"#
        );
    }

    #[test]
    fn a_delivery_body_has_its_documented_form_and_the_data_as_sent() {
        let event = PayloadEvent {
            name: "booking.created",
            ts: clock::event_ts(1_764_513_045_123, 0),
            data: r#"{"amount":79.990}"#,
            source: Source::Server,
            message_id: "m1",
            session: "",
            profile: None,
            context: None,
        };
        assert_eq!(
            body(event).unwrap(),
            r#"{"event":"booking.created","timestamp":"2025-11-30T14:30:45.123Z","data":{"amount":79.990},"metadata":{"source":"webhook","action":"created","messageId":"m1","sessionId":null,"userId":null}}"#
        );
    }

    #[test]
    fn a_delivery_body_has_the_context_of_its_event() {
        let event = PayloadEvent {
            name: "page_view",
            ts: clock::event_ts(1_764_513_045_123, 0),
            data: "{}",
            source: Source::Browser,
            message_id: "m1",
            session: "s1",
            profile: None,
            context: Some(r#"{"campaign":{"source":"mail"}}"#),
        };
        let end = r#""userId":null,"context":{"campaign":{"source":"mail"}}}}"#;
        assert!(body(event).unwrap().ends_with(end));
        for nothing in ["{}", "null", "no JSON"] {
            assert!(
                body(PayloadEvent { context: Some(nothing), ..event }).unwrap().ends_with(r#""userId":null}}"#),
                "{nothing}"
            );
        }
    }
}
