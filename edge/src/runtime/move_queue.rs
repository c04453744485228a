//! The messages that start the steps of moves (`jobs/mover.rs`): `{"v":1,"m":company}` on the
//! delivery queue.

use serde::{Deserialize, Serialize};
use worker::{Env, console_error};

use crate::runtime::queue::send_text;

/// The version of the message.
const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
struct Message {
    v: u8,
    m: String,
}

/// Whether a message of the delivery queue starts a step.
#[must_use]
pub(crate) fn is_message(text: &str) -> bool {
    serde_json::from_str::<Message>(text).is_ok_and(|message| message.v == VERSION)
}

/// Starts the next step after `delay_s` seconds. If the queue fails, the sweep does.
pub(crate) async fn wake(env: &Env, company: &str, delay_s: u32) {
    let sent = async {
        let text = serde_json::to_string(&Message { v: VERSION, m: company.to_owned() })?;
        send_text(env, "DELIVERIES", &text, delay_s).await
    };
    if let Err(error) = sent.await {
        console_error!("the next step of a move was not queued; the sweep will start it: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_message_of_this_form_starts_a_step() {
        assert!(is_message(r#"{"v":1,"m":"TM-SHOP"}"#));
        for text in [r#"{"v":2,"c":"TM-1","s":"x"}"#, r#"{"v":2,"m":"TM-SHOP"}"#, r#"{"v":1}"#, "", "{"] {
            assert!(!is_message(text), "{text}");
        }
    }
}
