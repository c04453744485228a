//! Operational events: what happens to a subscription is itself an event in the company's pipe,
//! stored in the batch that makes it true.
//!
//! `webhook.failing` (the first delivery given up), `webhook.exhausted` (one's attempts are spent),
//! `webhook.recovered`, `webhook.disabled`. One about a subscription is not held back by that
//! subscription's trouble, and trouble with delivering one makes no further ones: there is no loop.

use serde_json::json;

use crate::delivery::attempt_result::AttemptResult;
use crate::domain::clock;
use crate::domain::delivery::Next;
use crate::runtime::random;
use crate::store::settle::Notice;

/// What the names of operational events begin with.
const PREFIX: &str = "webhook.";

/// The operational events that these outcomes may make true; `notice.insert.sql` decides.
pub(crate) fn possible(done: &[AttemptResult], now_ms: i64) -> Vec<Notice> {
    let mut notices: Vec<Notice> = Vec::new();
    for d in done.iter().filter(|d| !d.event.starts_with(PREFIX)) {
        let names: &[&'static str] = match d.next {
            Next::Delivered if d.failures > 0 => &["webhook.recovered"],
            Next::Delivered | Next::Retry(_) => &[],
            Next::Exhausted => &["webhook.failing", "webhook.exhausted", "webhook.disabled"],
            Next::FailedPermanent => &["webhook.failing", "webhook.disabled"],
        };
        for name in names {
            // What became of a subscription is said once a settling; each delivery that is
            // exhausted, for itself.
            let said = |n: &Notice| n.name == *name && n.subscription == d.subscription;
            if *name != "webhook.exhausted" && notices.iter().any(said) {
                continue;
            }
            notices.push(Notice {
                id: random::message_id(),
                ts: clock::event_ts(now_ms, notices.len()),
                name,
                subscription: d.subscription.clone(),
                delivery: d.ended.id.clone(),
                data: json!({"webhookId": d.subscription, "deliveryId": d.ended.id, "event": d.event}),
            });
        }
    }
    notices
}
