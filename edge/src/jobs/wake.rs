//! The queue's messages: `{"v":1,"c":company,"d":delivery}`, or `"s":subscription` for one that has a turn to take, sent as text. Ids only: a message may
//! lie around for days.

use serde::{Deserialize, Serialize};
use trackmate_wire::limits::QUEUE_BATCH_MAX;
use wasm_bindgen::JsValue;
use worker::{BatchMessageBuilder, Env, QueueContentType, RawMessageBuilder, SendMessage};

/// The version of the form.
const VERSION: u8 = 1;

/// A hint that there may be something to do.
#[derive(Debug, Clone)]
pub struct Wake {
    /// The company.
    pub company: String,
    /// What may be to do.
    pub what: What,
}

/// What a hint is about.
#[derive(Debug, Clone)]
pub enum What {
    /// A delivery may be due.
    Delivery(String),
    /// A subscription may have a turn to take.
    Subscription(String),
}

#[derive(Serialize, Deserialize)]
struct Form {
    v: u8,
    c: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    d: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<String>,
}

impl Wake {
    /// A hint about this delivery.
    #[must_use]
    pub fn delivery(company: &str, id: String) -> Self {
        Self { company: company.to_owned(), what: What::Delivery(id) }
    }

    /// A hint about this subscription.
    #[must_use]
    pub fn subscription(company: &str, id: String) -> Self {
        Self { company: company.to_owned(), what: What::Subscription(id) }
    }

    /// Reads a message; `None` for one that is not of this version, whose work the sweep will find.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let form: Form = serde_json::from_str(text).ok()?;
        let what = match (form.v, form.d, form.s) {
            (VERSION, Some(id), None) => What::Delivery(id),
            (VERSION, None, Some(id)) => What::Subscription(id),
            _ => return None,
        };
        Some(Self { company: form.c, what })
    }

    fn message(&self, delay_s: u32) -> worker::Result<SendMessage<JsValue>> {
        let (d, s) = match &self.what {
            What::Delivery(id) => (Some(id.clone()), None),
            What::Subscription(id) => (None, Some(id.clone())),
        };
        // As text: the crate turns structured values into empty objects on their way (workers-rs #1013).
        let text = serde_json::to_string(&Form { v: VERSION, c: self.company.clone(), d, s })?;
        Ok(RawMessageBuilder::new(JsValue::from_str(&text))
            .delay_seconds(delay_s)
            .build_with_content_type(QueueContentType::Text))
    }
}

/// Sends hints. One that cannot be sent is the sweep's to make good.
pub async fn send(env: &Env, wakes: &[Wake], delay_s: u32) {
    if let Err(error) = try_send(env, wakes, delay_s).await {
        worker::console_error!("{} wake-ups were not queued; the sweep will find them: {error}", wakes.len());
    }
}

async fn try_send(env: &Env, wakes: &[Wake], delay_s: u32) -> worker::Result<()> {
    if wakes.is_empty() {
        return Ok(());
    }
    let queue = env.queue("DELIVERIES")?;
    for chunk in wakes.chunks(QUEUE_BATCH_MAX) {
        let messages = chunk.iter().map(|w| w.message(delay_s)).collect::<worker::Result<Vec<_>>>()?;
        queue.send_raw_batch(BatchMessageBuilder::new().messages(messages).build()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_another_version_or_form_says_nothing() {
        assert!(matches!(Wake::read(r#"{"v":1,"c":"TM-1","d":"x"}"#), Some(Wake { what: What::Delivery(_), .. })));
        assert!(matches!(Wake::read(r#"{"v":1,"c":"TM-1","s":"x"}"#), Some(Wake { what: What::Subscription(_), .. })));
        for text in [
            r#"{"v":2,"c":"TM-1","d":"x"}"#,
            r#"{"v":1,"c":"TM-1"}"#,
            r#"{"v":1,"c":"TM-1","d":"x","s":"y"}"#,
            "",
            "[]",
            "{",
        ] {
            assert!(Wake::read(text).is_none(), "{text}");
        }
    }
}
