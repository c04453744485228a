//! Wake-ups, the messages of the delivery queue: `{"v":2,"c":company,"s":subscription,
//! "d":delivery}`, without `"d"` for a subscription with a free throttle slot; also `"w":ms` if a
//! sweep sent it. They are sent as text and hold ids only, because a message may wait for days.

use std::cell::Cell;

use serde::{Deserialize, Serialize};
use trackmate_wire::limits::QUEUE_BATCH_MAX;
use wasm_bindgen::JsValue;
use worker::{BatchMessageBuilder, Env, QueueContentType, RawMessageBuilder, SendMessage};

use crate::store::deliveries::DeliveryKey;

/// The version of the message.
const VERSION: u8 = 2;

/// A hint that a delivery may be due.
#[derive(Debug, Clone)]
pub struct Wakeup {
    /// The company.
    pub company: String,
    /// Which deliveries may be due.
    pub target: WakeupTarget,
    /// The time of the sweep that sent it, ms; `None` if no sweep did.
    pub swept_ms: Option<i64>,
}

thread_local! {
    /// The time of the latest sweep whose wake-ups this isolate has read, ms.
    static LATEST_SWEEP_MS: Cell<i64> = const { Cell::new(0) };
}

/// What a wake-up is about.
#[derive(Debug, Clone)]
pub enum WakeupTarget {
    /// This delivery may be due.
    Delivery(DeliveryKey),
    /// This subscription may have a free throttle slot.
    Subscription(String),
}

#[derive(Serialize, Deserialize)]
struct Message {
    v: u8,
    c: String,
    s: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    d: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    w: Option<i64>,
}

impl Wakeup {
    /// A wake-up for this delivery.
    #[must_use]
    pub fn delivery(company: &str, key: DeliveryKey) -> Self {
        Self { company: company.to_owned(), target: WakeupTarget::Delivery(key), swept_ms: None }
    }

    /// A wake-up for this subscription.
    #[must_use]
    pub fn subscription(company: &str, id: String) -> Self {
        Self { company: company.to_owned(), target: WakeupTarget::Subscription(id), swept_ms: None }
    }

    /// The same wake-up, sent by a sweep at this time (ms).
    #[must_use]
    pub fn swept(self, now_ms: i64) -> Self {
        Self { swept_ms: Some(now_ms), ..self }
    }

    /// Whether a later sweep has run. That sweep sent a new wake-up for everything still due, so
    /// this one can be dropped. Otherwise every sweep would add messages that circulate in the
    /// queue.
    #[must_use]
    pub fn is_superseded(&self) -> bool {
        self.swept_ms.is_some_and(|ms| ms < LATEST_SWEEP_MS.get())
    }

    /// Reads a message; `None` if it has another version or format. The sweep finds its deliveries.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let message: Message = serde_json::from_str(text).ok()?;
        if message.v != VERSION {
            return None;
        }
        let target = match message.d {
            Some(id) => WakeupTarget::Delivery(DeliveryKey { subscription: message.s, id }),
            None => WakeupTarget::Subscription(message.s),
        };
        LATEST_SWEEP_MS.set(LATEST_SWEEP_MS.get().max(message.w.unwrap_or_default()));
        Some(Self { company: message.c, target, swept_ms: message.w })
    }

    fn message(&self, delay_s: u32) -> worker::Result<SendMessage<JsValue>> {
        let (s, d) = match &self.target {
            WakeupTarget::Delivery(DeliveryKey { subscription, id }) => (subscription.clone(), Some(id.clone())),
            WakeupTarget::Subscription(id) => (id.clone(), None),
        };
        // As text: the crate turns structured values into empty objects (workers-rs #1013).
        let text = serde_json::to_string(&Message { v: VERSION, c: self.company.clone(), s, d, w: self.swept_ms })?;
        Ok(RawMessageBuilder::new(JsValue::from_str(&text))
            .delay_seconds(delay_s)
            .build_with_content_type(QueueContentType::Text))
    }
}

/// Sends wake-ups after `delay_s` seconds. If the queue fails, the sweep sends them again.
pub async fn send(env: &Env, wakeups: &[Wakeup], delay_s: u32) {
    if let Err(error) = try_send(env, wakeups, delay_s).await {
        worker::console_error!("{} wake-ups were not queued; the sweep will find them: {error}", wakeups.len());
    }
}

async fn try_send(env: &Env, wakeups: &[Wakeup], delay_s: u32) -> worker::Result<()> {
    if wakeups.is_empty() {
        return Ok(());
    }
    let queue = env.queue("DELIVERIES")?;
    for chunk in wakeups.chunks(QUEUE_BATCH_MAX) {
        let messages = chunk.iter().map(|w| w.message(delay_s)).collect::<worker::Result<Vec<_>>>()?;
        queue.send_raw_batch(BatchMessageBuilder::new().messages(messages).build()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_another_version_or_format_is_no_wakeup() {
        assert!(matches!(
            Wakeup::read(r#"{"v":2,"c":"TM-1","s":"y","d":"x"}"#),
            Some(Wakeup { target: WakeupTarget::Delivery(_), .. })
        ));
        assert!(matches!(
            Wakeup::read(r#"{"v":2,"c":"TM-1","s":"x"}"#),
            Some(Wakeup { target: WakeupTarget::Subscription(_), .. })
        ));
        for text in [
            r#"{"v":1,"c":"TM-1","d":"x"}"#,
            r#"{"v":1,"c":"TM-1","s":"y","d":"x"}"#,
            r#"{"v":2,"c":"TM-1"}"#,
            r#"{"v":2,"c":"TM-1","d":"x"}"#,
            r#"{"v":2,"c":"TM-1","s":7,"d":"x"}"#,
            "",
            "[]",
            "{",
        ] {
            assert!(Wakeup::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_sweeps_wakeup_is_superseded_by_a_later_sweep_and_other_wakeups_never_are() {
        let read = |text: &str| Wakeup::read(text).expect("a wake-up");
        let [own, first, same] = [
            r#"{"v":2,"c":"TM-1","s":"s","d":"x"}"#,
            r#"{"v":2,"c":"TM-1","s":"s","d":"x","w":5}"#,
            r#"{"v":2,"c":"TM-1","s":"s","d":"y","w":5}"#,
        ]
        .map(read);
        assert!([&own, &first, &same].iter().all(|wakeup| !wakeup.is_superseded()));
        let second = read(r#"{"v":2,"c":"TM-2","s":"s","d":"z","w":9}"#);
        assert!(first.is_superseded() && same.is_superseded());
        assert!(!own.is_superseded() && !second.is_superseded());
    }
}
