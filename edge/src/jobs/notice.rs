//! Operational events: what happens to a subscription is itself an event in the company's pipe.
//!
//! `webhook.failing` (the first delivery given up), `webhook.exhausted` (one's attempts are spent), `webhook.recovered`, `webhook.disabled`. One about
//! a subscription is not held back by that subscription's trouble, and trouble with delivering one makes no further ones: there is no loop.

use serde_json::json;
use serde_json::value::RawValue;
use worker::Env;

use super::wake::{self, Wake};
use crate::domain::clock;
use crate::domain::delivery::Next;
use crate::domain::event::Row;
use crate::entropy;
use crate::http::now_ms;
use crate::store::deliveries::{Delivery, Noted};
use crate::store::ingest::{self, Request, Subject};
use crate::store::{self, Db};

/// What the names of operational events begin with.
const PREFIX: &str = "webhook.";

/// Says what an attempt meant for its subscription, if it meant anything.
pub(super) async fn after(
    env: &Env,
    db: &Db,
    company: &str,
    delivery: &Delivery,
    next: Next,
    noted: &Noted,
) -> store::Result<()> {
    if delivery.event.starts_with(PREFIX) {
        return Ok(());
    }
    let names: &[&str] = match next {
        Next::Retry(_) => &[],
        Next::Delivered if delivery.failures > 0 => &["webhook.recovered"],
        Next::Delivered => &[],
        Next::Exhausted | Next::FailedPermanent if noted.active == 0 && noted.disabled_reason.is_some() => {
            &["webhook.disabled"]
        }
        Next::Exhausted if noted.failures == 1 => &["webhook.failing", "webhook.exhausted"],
        Next::Exhausted => &["webhook.exhausted"],
        Next::FailedPermanent if noted.failures == 1 => &["webhook.failing"],
        Next::FailedPermanent => &[],
    };
    if names.is_empty() {
        return Ok(());
    }
    let now = now_ms();
    let data = json!({
        "webhookId": delivery.subscription,
        "deliveryId": delivery.id,
        "event": delivery.event,
        "failures": noted.failures,
        "reason": noted.disabled_reason,
    });
    let data = RawValue::from_string(data.to_string())?;
    let row = |(place, name): (usize, &&str)| Row {
        id: entropy::message_id(),
        ts: clock::event_ts(now, place),
        name: (*name).to_owned(),
        data: data.clone(),
        revenue: None,
        original_ms: None,
    };
    let rows: Vec<Row> = names.iter().enumerate().map(row).collect();
    let request = Request {
        company,
        from_server: true,
        session: "",
        number: entropy::number(),
        sent_ms: None,
        received_ms: now,
        context: None,
        origin: None,
    };
    if let Some(stored) = ingest::server(db, &request, &rows, Subject::None).await? {
        let wakes: Vec<Wake> = stored.deliveries.into_iter().map(|id| Wake::new(company.to_owned(), id)).collect();
        wake::send(env, &wakes, 0).await;
    }
    Ok(())
}
