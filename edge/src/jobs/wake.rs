//! The queue's messages: `{"v":1,"c":company,"d":delivery}`, sent as text. Ids only: a message may lie around for days.

use serde::{Deserialize, Serialize};
use trackmate_wire::limits::QUEUE_BATCH_MAX;
use wasm_bindgen::JsValue;
use worker::{BatchMessageBuilder, Env, QueueContentType, RawMessageBuilder, SendMessage};

/// The version of the form.
const VERSION: u8 = 1;

/// A hint that a delivery may be due.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Wake {
    v: u8,
    /// The company.
    #[serde(rename = "c")]
    pub company: String,
    /// The delivery.
    #[serde(rename = "d")]
    pub delivery: String,
}

impl Wake {
    /// A hint about this delivery.
    #[must_use]
    pub const fn new(company: String, delivery: String) -> Self {
        Self { v: VERSION, company, delivery }
    }

    /// Reads a message; `None` for one of another version or none of ours.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str::<Self>(text).ok().filter(|w| w.v == VERSION)
    }

    fn message(&self, delay_s: u32) -> worker::Result<SendMessage<JsValue>> {
        // As text: the crate turns structured values into empty objects on their way (workers-rs #1013).
        let text = serde_json::to_string(self)?;
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
    let queue = env.queue("DELIVERIES")?;
    for chunk in wakes.chunks(QUEUE_BATCH_MAX) {
        let messages = chunk.iter().map(|w| w.message(delay_s)).collect::<worker::Result<Vec<_>>>()?;
        queue.send_raw_batch(BatchMessageBuilder::new().messages(messages).build()).await?;
    }
    Ok(())
}
