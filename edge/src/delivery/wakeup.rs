//! The queue's messages: `{"v":1,"c":company,"d":delivery}`, or `"s":subscription` for one that has
//! a turn to take, and `"w":ms` if a sweep sent it, sent as text. Ids only: a message may lie
//! around for days.

use std::cell::Cell;

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
    /// When the sweep ran that sent it, ms.
    pub swept_ms: Option<i64>,
}

thread_local! {
    /// When the latest sweep ran of which this isolate has read a hint, ms.
    static LATEST_SWEEP_MS: Cell<i64> = const { Cell::new(0) };
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
    #[serde(skip_serializing_if = "Option::is_none")]
    w: Option<i64>,
}

impl Wake {
    /// A hint about this delivery.
    #[must_use]
    pub fn delivery(company: &str, id: String) -> Self {
        Self { company: company.to_owned(), what: What::Delivery(id), swept_ms: None }
    }

    /// A hint about this subscription.
    #[must_use]
    pub fn subscription(company: &str, id: String) -> Self {
        Self { company: company.to_owned(), what: What::Subscription(id), swept_ms: None }
    }

    /// The same, sent by a sweep that ran at this time.
    #[must_use]
    pub fn swept(self, now_ms: i64) -> Self {
        Self { swept_ms: Some(now_ms), ..self }
    }

    /// Whether a later sweep has looked since. What is still due was woken again then, so this hint
    /// need not wait for its turn any longer: or each sweep would add to what goes round.
    #[must_use]
    pub fn is_superseded(&self) -> bool {
        self.swept_ms.is_some_and(|ms| ms < LATEST_SWEEP_MS.get())
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
        LATEST_SWEEP_MS.set(LATEST_SWEEP_MS.get().max(form.w.unwrap_or_default()));
        Some(Self { company: form.c, what, swept_ms: form.w })
    }

    fn message(&self, delay_s: u32) -> worker::Result<SendMessage<JsValue>> {
        let (d, s) = match &self.what {
            What::Delivery(id) => (Some(id.clone()), None),
            What::Subscription(id) => (None, Some(id.clone())),
        };
        // As text: the crate turns structured values into empty objects on their way (workers-rs
        // #1013).
        let text = serde_json::to_string(&Form { v: VERSION, c: self.company.clone(), d, s, w: self.swept_ms })?;
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
    #[test]
    fn a_sweeps_hint_is_superseded_by_a_later_sweeps_and_no_other_is() {
        let read = |text: &str| Wake::read(text).expect("a hint");
        let [own, first, same] = [
            r#"{"v":1,"c":"TM-1","d":"x"}"#,
            r#"{"v":1,"c":"TM-1","d":"x","w":5}"#,
            r#"{"v":1,"c":"TM-1","d":"y","w":5}"#,
        ]
        .map(read);
        assert!([&own, &first, &same].iter().all(|wake| !wake.is_superseded()));
        let second = read(r#"{"v":1,"c":"TM-2","d":"z","w":9}"#);
        assert!(first.is_superseded() && same.is_superseded());
        assert!(!own.is_superseded() && !second.is_superseded());
    }
}
