//! One attempt at one delivery: load, claim, send, settle.

use futures_util::future::join_all;
use trackmate_wire::limits::{EARLY_MS_MAX, FIRST_ATTEMPTS_MAX, LEASE_MARGIN_MS};
use trackmate_wire::signature::{hex_signature, standard_signature};
use worker::{Env, console_error};

use super::wake::{self, Wake};
use crate::domain::delivery::{Next, Outcome, Policy, after_attempt};
use crate::domain::payload::{self, Fact};
use crate::http::now_ms;
use crate::outbound::{self, Message};
use crate::store::deliveries::{self, Delivery, Settled};
use crate::store::{self, Db};

/// Makes the first attempts at new deliveries, as many as one invocation affords; the queue takes the others.
pub async fn first_attempts(env: Env, company: String, mut ids: Vec<String>) {
    let later = ids.split_off(ids.len().min(FIRST_ATTEMPTS_MAX));
    let wakes: Vec<Wake> = later.into_iter().map(|id| Wake::new(company.clone(), id)).collect();
    let queued = async {
        if !wakes.is_empty() {
            wake::send(&env, &wakes, 0).await;
        }
    };
    let attempts = join_all(ids.iter().map(|id| attempt(&env, &company, id)));
    futures_util::future::join(queued, attempts).await;
}

/// Attempts a delivery if it is due and nobody else is at it. Never fails: what goes wrong is logged, and the sweep tries again.
pub async fn attempt(env: &Env, company: &str, id: &str) {
    if let Err(error) = try_attempt(env, company, id).await {
        console_error!("delivery {id} was interrupted: {}", error.to_string().lines().next().unwrap_or_default());
    }
}

async fn try_attempt(env: &Env, company: &str, id: &str) -> store::Result<()> {
    let db = store::database(env, Some(company))?;
    let Some(delivery) = deliveries::load(&db, company, id).await? else { return Ok(()) };
    let now = now_ms();
    if delivery.state == "pending" && delivery.due_at > now + EARLY_MS_MAX {
        // Woken before its time; a wake-up that did nothing must leave another behind.
        let delay_s = u32::try_from((delivery.due_at - now) / 1000 + 1).unwrap_or_default();
        wake::send(env, &[Wake::new(company.to_owned(), id.to_owned())], delay_s).await;
        return Ok(());
    }
    let Some(body) = claim(&db, company, &delivery, now).await? else { return Ok(()) };
    let generation = delivery.generation + 1;
    let message = Message {
        url: &delivery.url,
        body: &body,
        headers: signatures(&delivery, now / 1000, &body),
        timeout_ms: u32::try_from(delivery.timeout_ms).unwrap_or_default(),
        loopback: outbound::allows_loopback(env),
    };
    let exchange = outbound::post(&message).await;
    let ended = now_ms();
    let policy = Policy {
        attempts: u32::try_from(delivery.retry_attempts).unwrap_or(1),
        delay_s: u32::try_from(delivery.retry_delay_s).unwrap_or_default(),
    };
    let next = after_attempt(&exchange.outcome, u32::try_from(delivery.attempts + 1).unwrap_or(u32::MAX), policy);
    let (state, due_ms, finished_ms) = match next {
        Next::Delivered => ("delivered", ended, Some(ended)),
        Next::FailedPermanent => ("failed_permanent", ended, Some(ended)),
        Next::Exhausted => ("exhausted", ended, Some(ended)),
        Next::Retry(delay_s) => ("pending", ended + i64::from(delay_s) * 1000, None),
    };
    let settled = Settled {
        at_ms: now,
        url: &delivery.url,
        status: if let Outcome::Answered(status) = exchange.outcome { Some(status) } else { None },
        error: exchange.error.as_deref(),
        answer: exchange.answer.as_deref(),
        duration_ms: ended - now,
        state,
        due_ms,
        finished_ms,
    };
    deliveries::settle(&db, company, id, generation, &settled).await?;
    if let Next::Retry(delay_s) = next {
        wake::send(env, &[Wake::new(company.to_owned(), id.to_owned())], delay_s).await;
    }
    Ok(())
}

/// Builds the body and leases the delivery; the bytes to send, or `None` if it is not ours to attempt.
async fn claim(db: &Db, company: &str, delivery: &Delivery, now: i64) -> store::Result<Option<String>> {
    let fact = Fact {
        event: &delivery.event,
        ts: delivery.ts,
        data: &delivery.data,
        from_server: delivery.source == 1,
        message_id: &delivery.message_id,
        session: &delivery.session,
        profile: delivery.profile.as_deref(),
    };
    let body =
        payload::body(fact).ok_or_else(|| worker::Error::RustError("an event's stored data are not JSON".into()))?;
    let lease = now + delivery.timeout_ms + LEASE_MARGIN_MS;
    // A pending delivery may be claimed a moment early; a lease of somebody else's must really have run out.
    let due_by = if delivery.state == "pending" { now + EARLY_MS_MAX } else { now };
    deliveries::claim(db, company, &delivery.id, delivery.generation, due_by, lease, &body).await
}

fn signatures(delivery: &Delivery, now_s: i64, body: &str) -> Vec<(&'static str, String)> {
    vec![
        ("x-webhook-signature", hex_signature(&delivery.secret, body.as_bytes())),
        ("webhook-id", delivery.id.clone()),
        ("webhook-timestamp", now_s.to_string()),
        ("webhook-signature", standard_signature(&delivery.secret, &delivery.id, now_s, body.as_bytes())),
    ]
}
