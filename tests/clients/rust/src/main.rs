//! The clients for Rust: sends the calls of CALLS with the crate that is named, in one batch.
//! A batch of `rudderanalytics` has one time, so its event with another time is sent alone.

use rudderanalytics::client::RudderAnalytics;
use rudderanalytics::retry::RetryConfig;
use segment::Client;
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

fn env(name: &str) -> String {
    std::env::var(name).unwrap()
}

/// A call as a message in the form that both crates take. They have no message ids: TrackMate
/// recognises a message by its content and time.
fn message(call: &Map<String, Value>, time: &str) -> Value {
    let began = OffsetDateTime::parse(&env("BEGAN"), &Rfc3339).unwrap();
    let at = match call.get("at") {
        Some(text) => text.as_str().unwrap().replace(' ', "T") + "Z",
        None => (began + Duration::milliseconds(call["n"].as_i64().unwrap())).format(&Rfc3339).unwrap(),
    };
    let mut message = json!({"type": call["kind"], time: at, "properties": {}, "traits": {}});
    let names = [("user", "userId"), ("anonymous", "anonymousId"), ("group", "groupId"), ("previous", "previousId")];
    for (name, value) in call {
        let same = ["event", "name", "properties", "traits"].contains(&name.as_str()).then_some(name.as_str());
        if let Some(name) = names.iter().find(|(ours, _)| ours == name).map(|(_, theirs)| *theirs).or(same) {
            message[name] = value.clone();
        }
    }
    // Rust has these numbers; its JSON has null for them.
    for part in ["properties", "traits"] {
        for value in message[part].as_object_mut().into_iter().flat_map(Map::values_mut) {
            match value.as_str() {
                Some("@1e400" | "@-Infinity") => *value = json!(f64::INFINITY),
                Some("@NaN") => *value = json!(f64::NAN),
                _ => {}
            }
        }
    }
    message
}

/// It does not send again by itself, so this does, as its users must.
async fn with_segment(batch: Vec<Value>) {
    let client = segment::HttpClient::new(Default::default(), env("URL"));
    let batch: segment::message::Batch = serde_json::from_value(json!({ "batch": batch })).unwrap();
    for _ in 0..20 {
        if client.send(env("KEY"), segment::message::Message::Batch(batch.clone())).await.is_ok() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("not sent");
}

fn with_rudderanalytics(batch: Vec<Value>) {
    use rudderanalytics::message::{Batch, Message, Track};
    let retries = RetryConfig { max_retries: 8, ..RetryConfig::default() };
    let client = RudderAnalytics::load_with_retry_config(env("KEY"), env("URL"), retries);
    let (dated, batch): (Vec<Value>, Vec<Value>) = batch.into_iter().partition(|m| m["event"] == "Dated");
    let batch: Batch = serde_json::from_value(json!({"batch": batch, "originalTimestamp": env("BEGAN")})).unwrap();
    client.send(&Message::Batch(batch)).unwrap();
    for message in dated {
        client.send(&Message::Track(serde_json::from_value::<Track>(message).unwrap())).unwrap();
    }
}

fn main() {
    let calls: Vec<Map<String, Value>> = serde_json::from_str(&std::fs::read_to_string(env("CALLS")).unwrap()).unwrap();
    let batch = |time: &str| calls.iter().map(|call| message(call, time)).collect();
    match std::env::args().nth(1).as_deref() {
        Some("segment") => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(with_segment(batch("timestamp")));
        }
        _ => with_rudderanalytics(batch("originalTimestamp")),
    }
}
