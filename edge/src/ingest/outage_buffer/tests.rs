//! Requests in messages of the outage buffer.

use super::*;
use crate::domain::event::{Arrival, validate};

fn sent(events: usize, bytes: usize) -> BufferedRequest {
    let item = format!(r#"{{"eventType":"e","eventData":{{"text":"{}"}}}}"#, r#"é\""#.repeat(bytes / 4));
    let mut number = 0;
    let fresh = || {
        number += 1;
        format!("m_{number}")
    };
    let arrival = Arrival { subject: "s", sent_ms: None, received_ms: 1_760_788_800_000 };
    let rows = validate((0..events).map(|_| item.as_str()), arrival, fresh).rows;
    assert_eq!(rows.len(), events);
    let context = serde_json::from_str(r#"{"page":{"url":"https://shop.example"}}"#).unwrap();
    BufferedRequest::Browser(BrowserBatch {
        company: "TM-SHOP99".into(),
        session: "session_1".into(),
        context: Some(context),
        origin: None,
        bot: true,
        sent_ms: Some(5),
        rows,
    })
}

/// The messages of a request whose data stay in a jurisdiction.
fn split_up(request: BufferedRequest) -> Option<Vec<String>> {
    split(Message { v: VERSION, at: 7, jurisdiction: Some("eu".into()), request }).unwrap()
}

/// The rows of all messages. Asserts that each message fits.
fn rows(texts: &[String]) -> Vec<Row> {
    let part = |text: &String| {
        assert!(text.len() <= BUFFER_BYTES_MAX, "{} bytes", text.len());
        let message = BufferedMessage::read(text).unwrap();
        assert_eq!((message.queue("SPILL"), message.queue("LOST")), ("SPILL_EU".into(), "LOST_EU".into()));
        let BufferedMessage(Message { at, mut request, .. }) = message;
        assert_eq!((at, request.company_and_session()), (7, Some(("TM-SHOP99", "session_1"))));
        std::mem::take(request.rows_mut().unwrap())
    };
    texts.iter().flat_map(part).collect()
}

#[test]
fn a_buffered_request_is_split_into_as_many_messages_as_it_needs_and_loses_no_row() {
    for (events, bytes, messages) in [(1, 10, 1), (500, 10, 1), (20, 20_000, 4), (16, 30_000, 6), (0, 0, 1)] {
        let texts = split_up(sent(events, bytes)).unwrap();
        assert_eq!(texts.len(), messages, "{events} events of {bytes} bytes");
        let mut whole = sent(events, bytes);
        assert_eq!(
            serde_json::to_string(&rows(&texts)).unwrap(),
            serde_json::to_string(whole.rows_mut().unwrap()).unwrap()
        );
    }
}

#[test]
fn a_request_whose_context_alone_is_larger_than_a_message_is_not_buffered() {
    let mut request = sent(20, 20_000);
    if let BufferedRequest::Browser(sent) = &mut request {
        sent.context = Some(serde_json::value::to_raw_value(&"x".repeat(BUFFER_BYTES_MAX)).unwrap());
    }
    assert!(split_up(request).is_none());
}

#[test]
fn the_field_names_of_a_buffered_request_stay_as_messages_in_the_queue_have_them() {
    let identify = concat!(
        r#"{"v":1,"at":7,"work":{"claimed":{"company":"TM-1","session":"s","address":"a@x.io","email":"a@x.io","#,
        r#""trusted":false,"name":null,"traits":{},"user_hash":null,"origin":null,"bot":false,"sent_ms":null,"#,
        r#""row":{"i":"m","t":1,"n":"identify","d":{},"w":1}}}}"#
    );
    let server = concat!(
        r#"{"v":1,"at":7,"work":{"told":{"hash":"h","company_id":null,"about":{"who":{"address":"a@x.io","#,
        r#""email":"a@x.io","user":null,"session":null,"only_known":false},"at":1,"sent_ms":null},"#,
        r#""rows":[],"user":null,"merge":false,"single":false}}}"#
    );
    for text in [identify, server] {
        let BufferedMessage(message) = BufferedMessage::read(text).unwrap();
        assert_eq!(serde_json::to_string(&message).unwrap(), text);
    }
}

#[test]
fn a_message_of_another_version_or_form_is_not_read() {
    let text = split_up(sent(1, 1)).unwrap().remove(0);
    assert!(BufferedMessage::read(&text).is_some());
    assert!(BufferedMessage::read(&text.replacen(r#""v":1"#, r#""v":2"#, 1)).is_none());
    for text in ["", "{}", r#"{"v":1,"c":"TM-1","d":"x"}"#, r#"{"v":1,"at":1,"work":{"other":{}}}"#] {
        assert!(BufferedMessage::read(text).is_none(), "{text}");
    }
}
