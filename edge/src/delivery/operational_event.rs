//! Operational events: a change of a subscription's health is itself an event of the company. It is
//! stored in the same batch as the change.
//!
//! `webhook.failing` (the first delivery given up), `webhook.exhausted` (a delivery has no attempts
//! left), `webhook.recovered`, `webhook.disabled`. The failing subscription does not hold them
//! back. An operational event that cannot be delivered causes no further ones, so there is no loop.

use serde_json::json;

use crate::delivery::attempt_result::AttemptResult;
use crate::domain::clock;
use crate::domain::delivery::Next;
use crate::runtime::random;
use crate::store::deliveries::DeliveryKey;
use crate::store::settle::OperationalEvent;

/// The prefix of the names of operational events.
const PREFIX: &str = "webhook.";

/// The operational events that these results may cause. `notice.insert.sql` stores those that are
/// true.
pub(crate) fn possible(results: &[AttemptResult], now_ms: i64) -> Vec<OperationalEvent> {
    let mut operational_events: Vec<OperationalEvent> = Vec::new();
    for d in results.iter().filter(|d| !d.event_name.starts_with(PREFIX)) {
        let names: &[&'static str] = match d.next {
            Next::Delivered if d.failures > 0 => &["webhook.recovered"],
            Next::Delivered | Next::Retry(_) => &[],
            Next::Exhausted => &["webhook.failing", "webhook.exhausted", "webhook.disabled"],
            Next::FailedPermanent => &["webhook.failing", "webhook.disabled"],
        };
        for name in names {
            let DeliveryKey { subscription, id } = &d.ended.key;
            // One event of a kind per subscription and batch, but one for each exhausted delivery.
            let is_same = |n: &OperationalEvent| n.name == *name && n.subscription == *subscription;
            if *name != "webhook.exhausted" && operational_events.iter().any(is_same) {
                continue;
            }
            operational_events.push(OperationalEvent {
                id: random::message_id(),
                ts: clock::event_ts(now_ms, operational_events.len()),
                name,
                subscription: subscription.clone(),
                delivery: id.clone(),
                data: json!({"webhookId": subscription, "deliveryId": id, "event": d.event_name}),
            });
        }
    }
    operational_events
}
