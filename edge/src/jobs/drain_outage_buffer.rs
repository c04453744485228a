//! What the spill queue kept while D1 was down is stored once it is back. Each message is stored,
//! and acknowledged or retried, for itself: one that finds its database down or failing holds up no
//! other. While D1 stays down each waits some seconds, longer with time, but never so long that
//! recovery would go by unnoticed for a minute. What was not stored in all its days, or broke its
//! invocation every time, comes to [`give_up`].
//!
//! Queues promise no order, and none is needed for whose an event is and where it stands, which
//! follow from times that were fixed at arrival.

use std::rc::Rc;

use futures_util::{StreamExt, stream};
use trackmate_wire::limits::{CONNECTIONS_MAX, GIVEN_UP_RETRY_S, SPILL_DAYS_MAX, SPILL_RENEW_MIN, SPILL_RETRY_S_MAX};
use worker::{Context, Env, MessageExt, QueueRetryOptionsBuilder, RawMessage, console_error};

use crate::ingest::outage_buffer::{self, End, Kept};
use crate::runtime::clock::now_ms;
use crate::store;

/// How the name of the queue ends that has what the spill queue has given up.
pub(crate) const GIVEN_UP: &str = "-dead";

/// A message and what it says.
pub(crate) struct Spilled {
    /// To be acknowledged.
    pub(crate) message: RawMessage,
    /// Its text.
    pub(crate) text: String,
    /// What was kept.
    pub(crate) kept: Kept,
}

/// Stores what these messages kept.
pub(crate) async fn store(env: &Env, context: &Rc<Context>, spilled: Vec<Spilled>) {
    let each = |s: Spilled| async move {
        let end = s.kept.store(env, context).await;
        settle(env, s, end).await;
    };
    stream::iter(spilled).for_each_concurrent(CONNECTIONS_MAX, each).await;
}

/// Tells of messages that the spill queue has given up: the company in its list of rejected items,
/// which keeps no value, and the operator in the log. A copy waits in the last queue, for the
/// operator to read and replay.
pub(crate) async fn give_up(env: &Env, messages: Vec<(String, RawMessage)>) {
    for (text, message) in messages {
        match given_up(env, &text).await {
            Ok(true) => message.ack(),
            // The minute of the company's list is full.
            Ok(false) => retry(&message, GIVEN_UP_RETRY_S),
            Err(error) => {
                console_error!(
                    "what could not be stored was not told of either, and is retried: {}",
                    store::brief(&error)
                );
                retry(&message, GIVEN_UP_RETRY_S);
            }
        }
    }
}

async fn given_up(env: &Env, text: &str) -> store::Result<bool> {
    let noted = match Kept::read(text) {
        Some(kept) => kept.give_up(env).await?,
        None => {
            console_error!("A QUEUED MESSAGE of an unknown form was given up (docs/deploy.md)");
            true
        }
    };
    if noted {
        outage_buffer::send(env, "LOST", text, 0).await?;
    }
    Ok(noted)
}

fn retry(message: &RawMessage, wait_s: u32) {
    message.retry_with_options(&QueueRetryOptionsBuilder::new().with_delay_seconds(wait_s).build());
}

async fn settle(env: &Env, Spilled { message, text, kept }: Spilled, end: End) {
    let now = now_ms();
    let sent = i64::try_from(message.timestamp().as_millis()).unwrap_or_default();
    let wait = wait_s(now - sent);
    match end {
        End::Stored | End::Refused => message.ack(),
        // Queues would soon have retried it as often as they do.
        End::Down if is_to_be_renewed(now, sent, kept.at_ms()) && renewed(env, &text, wait).await => message.ack(),
        End::Down | End::Failed => {
            retry(&message, wait);
        }
    }
}

/// Seconds until the next try of what was sent so long ago.
fn wait_s(age_ms: i64) -> u32 {
    u32::try_from((age_ms / 4000).clamp(1, SPILL_RETRY_S_MAX)).unwrap_or(1)
}

const fn is_to_be_renewed(now_ms: i64, sent_ms: i64, at_ms: i64) -> bool {
    now_ms - sent_ms > SPILL_RENEW_MIN * 60_000 && now_ms - at_ms < SPILL_DAYS_MAX * 86_400_000
}

async fn renewed(env: &Env, text: &str, wait_s: u32) -> bool {
    let sent = outage_buffer::send(env, "SPILL", text, wait_s).await;
    if let Err(error) = &sent {
        console_error!("a queued message was not renewed and is retried: {error}");
    }
    sent.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_waited_out_within_the_retries_that_queues_allow() {
        let (mut at, mut retries) = (0, 0);
        while !is_to_be_renewed(at, 0, 0) {
            let wait = i64::from(wait_s(at));
            assert!((1..=SPILL_RETRY_S_MAX).contains(&wait));
            at += wait * 1000;
            retries += 1;
        }
        assert!(retries < 90, "{retries} of the 100 that wrangler.toml asks for");
        assert!(!is_to_be_renewed(SPILL_DAYS_MAX * 86_400_000, 0, 0), "after four days the dead-letter queue has it");
    }
}
