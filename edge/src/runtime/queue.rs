//! Sends a message to a queue.

use wasm_bindgen::JsValue;
use worker::{Env, QueueContentType, RawMessageBuilder, Result};

/// Sends a text after `delay_s` seconds. The crate turns structured values into empty objects
/// (workers-rs #1013).
///
/// # Errors
/// The queue's; also if the deployment has no such binding.
pub(crate) async fn send_text(env: &Env, queue: &str, text: &str, delay_s: u32) -> Result<()> {
    let message = RawMessageBuilder::new(JsValue::from_str(text))
        .delay_seconds(delay_s)
        .build_with_content_type(QueueContentType::Text);
    env.queue(queue)?.send_raw(message).await
}
