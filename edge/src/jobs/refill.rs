//! What the spill queue kept while D1 was down is stored once it is back. Each message is acknowledged or retried for itself; while D1 stays down each waits
//! some seconds, longer with time, but never so long that recovery would go by unnoticed for a minute.
//!
//! A page's session is stored in the order of arrival as far as one batch holds it; across batches Queues promise no order. None is needed for whose an
//! event is and where it stands, which follow from times that were fixed at arrival.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::{StreamExt, stream};
use trackmate_wire::limits::{CONNECTIONS_MAX, SPILL_DAYS_MAX, SPILL_RENEW_MIN, SPILL_RETRY_S_MAX};
use worker::{Context, Env, MessageExt, QueueRetryOptionsBuilder, RawMessage, console_error};

use crate::http::now_ms;
use crate::http::spill::{self, End, Kept};

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
pub(crate) async fn store(env: &Env, context: &Rc<Context>, mut spilled: Vec<Spilled>) {
    spilled.sort_by_key(|s| s.kept.at_ms());
    let mut places: BTreeMap<String, Vec<Spilled>> = BTreeMap::new();
    for (n, s) in spilled.into_iter().enumerate() {
        places.entry(s.kept.place().unwrap_or_else(|| n.to_string())).or_default().push(s);
    }
    // One that finds D1 down spares the others the trip.
    let is_down = Cell::new(false);
    let in_order = |spilled: Vec<Spilled>| {
        let is_down = &is_down;
        async move {
            for s in spilled {
                let end = if is_down.get() { End::Down } else { s.kept.store(env, context).await };
                is_down.set(is_down.get() || end == End::Down);
                settle(env, s, end).await;
            }
        }
    };
    stream::iter(places.into_values()).for_each_concurrent(CONNECTIONS_MAX, in_order).await;
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
            message.retry_with_options(&QueueRetryOptionsBuilder::new().with_delay_seconds(wait).build());
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
    let sent = spill::send(env, text, wait_s).await;
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
