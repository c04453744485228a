//! The consumer of the outage buffer: stores buffered requests once D1 is back. Each message is
//! stored, and acknowledged or retried, by itself: a message whose database is down delays no
//! other. While D1 is down the wait between retries grows, but stays below a minute, so recovery is
//! noticed soon. A message that expires, or crashes its invocation every time, goes to [`give_up`].
//!
//! Queues guarantee no order. None is needed: an event's person and position follow from times that
//! were fixed at arrival.

use std::rc::Rc;

use futures_util::{StreamExt, stream};
use trackmate_wire::limits::{
    BUFFER_DAYS_MAX, BUFFER_RENEW_MIN, BUFFER_RETRY_S_MAX, CONNECTIONS_MAX, GIVEN_UP_RETRY_S,
};
use worker::{Context, Env, MessageExt, QueueRetryOptionsBuilder, RawMessage, console_error};

use crate::domain::metrics::{self, Counts};
use crate::ingest::outage_buffer::{self, BufferedMessage, StoreOutcome};
use crate::runtime::clock::now_ms;
use crate::runtime::counters;
use crate::store;

/// The suffix of the name of the outage buffer's dead-letter queue.
pub(crate) const GIVEN_UP: &str = "-dead";

/// A message as received from the queue.
pub(crate) struct QueueItem {
    /// To be acknowledged or retried.
    pub(crate) message: RawMessage,
    /// The text of the message.
    pub(crate) text: String,
    /// The request in it.
    pub(crate) buffered: BufferedMessage,
}

/// Stores the requests of these messages, and acknowledges or retries each.
pub(crate) async fn store(env: &Env, context: &Rc<Context>, items: Vec<QueueItem>) {
    let each = |item: QueueItem| async move {
        let outcome = item.buffered.store(env, context).await;
        acknowledge(env, item, outcome).await;
    };
    stream::iter(items).for_each_concurrent(CONNECTIONS_MAX, each).await;
}

/// Reports messages of the dead-letter queue as lost. The company sees them in its list of rejected
/// items, without their values; the operator sees them in the log. A copy goes to the queue `LOST`,
/// where the operator can read and replay it.
pub(crate) async fn give_up(env: &Env, messages: Vec<(String, RawMessage)>) {
    let mut lost = 0;
    for (text, message) in messages {
        match report_lost(env, &text).await {
            Ok(true) => {
                lost += 1;
                message.ack();
            }
            // The company's list is full for this minute.
            Ok(false) => retry(&message, GIVEN_UP_RETRY_S),
            Err(error) => {
                console_error!("a lost request was not reported and is retried: {}", store::brief(&error));
                retry(&message, GIVEN_UP_RETRY_S);
            }
        }
    }
    count_lost(env, lost).await;
}

/// Counts lost messages for the metrics and the operator's alerts. At once, as an isolate may lose
/// what it counts in memory.
async fn count_lost(env: &Env, lost: u64) {
    let mut counts = Counts::new();
    metrics::add(&mut counts, &metrics::LOST, &[], lost);
    if counts.is_empty() {
        return;
    }
    let counted = async { store::metrics::add(&store::database(env, None)?, &counts).await };
    if let Err(error) = counted.await {
        console_error!("{lost} lost requests were not counted: {}", store::brief(&error));
    }
}

async fn report_lost(env: &Env, text: &str) -> store::Result<bool> {
    let buffered = BufferedMessage::read(text);
    let is_reported = match &buffered {
        Some(buffered) => buffered.give_up(env).await?,
        None => {
            console_error!("A QUEUED MESSAGE of an unknown form was given up (docs/deploy.md)");
            true
        }
    };
    if is_reported {
        let queue = buffered.map_or_else(|| "LOST".to_owned(), |buffered| buffered.queue("LOST"));
        outage_buffer::send(env, &queue, text, 0).await?;
    }
    Ok(is_reported)
}

fn retry(message: &RawMessage, wait_s: u32) {
    message.retry_with_options(&QueueRetryOptionsBuilder::new().with_delay_seconds(wait_s).build());
}

async fn acknowledge(env: &Env, QueueItem { message, text, buffered }: QueueItem, outcome: StoreOutcome) {
    let now = now_ms();
    let sent = i64::try_from(message.timestamp().as_millis()).unwrap_or_default();
    let wait = wait_s(now - sent);
    if matches!(outcome, StoreOutcome::Stored | StoreOutcome::Rejected) {
        counters::add(&metrics::DRAINED, &[], 1);
    }
    match outcome {
        StoreOutcome::Stored | StoreOutcome::Rejected => message.ack(),
        // Queues limit the retries of a message, so it is sent again before it reaches that limit.
        StoreOutcome::Down
            if needs_resend(now, sent, buffered.at_ms())
                && resend(env, &buffered.queue("SPILL"), &text, wait).await =>
        {
            message.ack()
        }
        StoreOutcome::Down | StoreOutcome::Failed => {
            retry(&message, wait);
        }
    }
}

/// Seconds until the next try of a message of this age.
fn wait_s(age_ms: i64) -> u32 {
    u32::try_from((age_ms / 4000).clamp(1, BUFFER_RETRY_S_MAX)).unwrap_or(1)
}

const fn needs_resend(now_ms: i64, sent_ms: i64, at_ms: i64) -> bool {
    now_ms - sent_ms > BUFFER_RENEW_MIN * 60_000 && now_ms - at_ms < BUFFER_DAYS_MAX * 86_400_000
}

async fn resend(env: &Env, queue: &str, text: &str, wait_s: u32) -> bool {
    let sent = outage_buffer::send(env, queue, text, wait_s).await;
    if let Err(error) = &sent {
        console_error!("a queued message was not sent again and is retried: {error}");
    }
    sent.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_sent_again_before_queues_have_retried_it_as_often_as_they_may() {
        let (mut at, mut retries) = (0, 0);
        while !needs_resend(at, 0, 0) {
            let wait = i64::from(wait_s(at));
            assert!((1..=BUFFER_RETRY_S_MAX).contains(&wait));
            at += wait * 1000;
            retries += 1;
        }
        assert!(retries < 90, "{retries} of the 100 that wrangler.toml allows");
        assert!(!needs_resend(BUFFER_DAYS_MAX * 86_400_000, 0, 0), "after four days it goes to the dead-letter queue");
    }
}
