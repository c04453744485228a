//! Sends what tests/clients asks every client to send, with the crate `segment`. It does not send again by itself, so this does, as its users must.

use std::time::Duration;

use segment::message::{Batch, BatchMessage, Group, Identify, Message, Page, Track, User};
use segment::{Client, HttpClient};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Neither a message id nor a time: what a message is known by again is its content, so the run's own time stands in each.
fn at(n: i64) -> Option<OffsetDateTime> {
    let began = OffsetDateTime::parse(&std::env::var("BEGAN").unwrap(), &Rfc3339).unwrap();
    Some(began + Duration::from_nanos(u64::try_from(n * 1_000_000 + 123_456).unwrap()))
}

async fn send(client: &HttpClient, message: Message) {
    for _ in 0..20 {
        if client.send(std::env::var("KEY").unwrap(), message.clone()).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("not sent");
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (url, user_id) = (std::env::var("URL").unwrap(), std::env::var("USER_ID").unwrap());
    let client = HttpClient::new(Default::default(), url);
    let user = || User::UserId { user_id: user_id.clone() };
    let traits = json!({"email": std::env::var("EMAIL").unwrap(), "name": "Ada Lovelace"});
    send(&client, Message::Identify(Identify { user: user(), traits, timestamp: at(0), ..Default::default() })).await;
    let track = |event: &str, n: i64, ms: i64| Track {
        user: user(),
        event: event.to_owned(),
        properties: json!({"n": n}),
        timestamp: at(ms),
        ..Default::default()
    };
    send(&client, Message::Track(track("Tracked", 1, 1))).await;
    let properties = json!({"url": "https://shop.example/"});
    send(
        &client,
        Message::Page(Page {
            user: user(),
            name: "Home".to_owned(),
            properties,
            timestamp: at(2),
            ..Default::default()
        }),
    )
    .await;
    let (group_id, traits) = ("acme".to_owned(), json!({"plan": "pro"}));
    send(&client, Message::Group(Group { user: user(), group_id, traits, timestamp: at(3), ..Default::default() }))
        .await;
    let batch: Vec<BatchMessage> = (0..250).map(|n| BatchMessage::Track(track("Batched", n, 10 + n))).collect();
    let (context, extra): (Option<Value>, _) = (Some(json!({"app": {"name": "tests"}})), Map::new());
    send(&client, Message::Batch(Batch { batch, context, integrations: None, extra })).await;
}
