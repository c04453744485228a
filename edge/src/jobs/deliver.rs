//! One attempt at one delivery: load, claim, send, settle.

use std::collections::BTreeMap;

use futures_util::future::join;
use futures_util::stream::{self, StreamExt};
use trackmate_wire::limits::{
    CONNECTIONS_MAX, EARLY_MS_MAX, FIRST_ATTEMPTS_MAX, LEASE_MARGIN_MS, QUEUE_DELAY_S_MAX, TAIL_TIMEOUT_MS_MAX,
};
use trackmate_wire::signature::{hex_signature, standard_signature};
use worker::{Env, console_error};

use super::notice;
use super::wake::{self, Wake};
use crate::domain::delivery::{Next, Outcome, Policy, after_attempt};
use crate::domain::payload::{self, Fact};
use crate::entropy;
use crate::http::now_ms;
use crate::outbound::{self, Exchange, Message};
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
    let attempts =
        stream::iter(&ids).for_each_concurrent(CONNECTIONS_MAX, |id| attempt(&env, &company, id, Place::Tail));
    join(queued, attempts).await;
}

/// Attempts these deliveries, a few at a time.
pub async fn attempt_all(env: &Env, wakes: &[Wake]) {
    stream::iter(wakes)
        .for_each_concurrent(CONNECTIONS_MAX, |w| attempt(env, &w.company, &w.delivery, Place::Consumer))
        .await;
}

/// Where an attempt runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Behind the answer to a request, which the runtime cuts off after 30 seconds.
    Tail,
    /// In a queue consumer, which has minutes.
    Consumer,
}

/// Attempts a delivery if it is due and nobody else is at it. Never fails: what goes wrong is logged, and the sweep tries again.
async fn attempt(env: &Env, company: &str, id: &str, place: Place) {
    if let Err(error) = try_attempt(env, company, id, place).await {
        console_error!("delivery {id} was interrupted: {}", error.to_string().lines().next().unwrap_or_default());
    }
}

async fn try_attempt(env: &Env, company: &str, id: &str, place: Place) -> store::Result<()> {
    let db = store::database(env, Some(company))?;
    let Some(delivery) = deliveries::load(&db, company, id).await? else { return Ok(()) };
    let now = now_ms();
    let pending = delivery.state == "pending";
    if pending && delivery.open == 0 {
        return deliveries::hold(&db, company, id, delivery.generation).await;
    }
    if pending && delivery.due_at > now + EARLY_MS_MAX {
        // Woken before its time; a wake-up that did nothing must leave another behind.
        wake_later(env, company, id, (delivery.due_at - now) / 1000 + 1).await;
        return Ok(());
    }
    if place == Place::Tail && delivery.timeout_ms > i64::from(TAIL_TIMEOUT_MS_MAX) {
        wake_later(env, company, id, 0).await;
        return Ok(());
    }
    let Some(body) = claim(&db, company, &delivery, now).await? else { return Ok(()) };
    let exchange = send(env, &delivery, &body, now).await;
    let next = after_attempt(
        &exchange.outcome,
        u32::try_from(delivery.tries + 1).unwrap_or(u32::MAX),
        policy(&delivery),
        entropy::unit(),
    );
    let noted = settle(&db, company, &delivery, &exchange, next, now).await?;
    if let Next::Retry(delay_s) = next {
        wake_later(env, company, id, i64::from(delay_s)).await;
    }
    if let Some(noted) = noted {
        notice::after(env, &db, company, &delivery, next, &noted).await?;
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

async fn send(env: &Env, delivery: &Delivery, body: &str, now: i64) -> Exchange {
    let old_secret =
        delivery.old_secret.as_deref().filter(|_| delivery.old_secret_until.is_some_and(|until| until > now));
    let message = Message {
        url: &delivery.url,
        body,
        headers: headers(&delivery.headers, &delivery.id, now / 1000, body, &delivery.secret, old_secret),
        timeout_ms: u32::try_from(delivery.timeout_ms).unwrap_or_default(),
        loopback: outbound::allows_loopback(env),
    };
    outbound::post(&message).await
}

fn policy(delivery: &Delivery) -> Policy {
    Policy {
        attempts: u32::try_from(delivery.retry_attempts).unwrap_or(1),
        delay_s: u32::try_from(delivery.retry_delay_s).unwrap_or_default(),
        timeout_ms: u32::try_from(delivery.timeout_ms).unwrap_or_default(),
        standard: delivery.preset.as_deref() == Some("standard"),
    }
}

async fn settle(
    db: &Db,
    company: &str,
    delivery: &Delivery,
    exchange: &Exchange,
    next: Next,
    began: i64,
) -> store::Result<Option<deliveries::Noted>> {
    let ended = now_ms();
    let (state, due_ms, finished_ms) = match next {
        Next::Delivered => ("delivered", ended, Some(ended)),
        Next::FailedPermanent => ("failed_permanent", ended, Some(ended)),
        Next::Exhausted => ("exhausted", ended, Some(ended)),
        Next::Retry(delay_s) => ("pending", ended + i64::from(delay_s) * 1000, None),
    };
    let settled = Settled {
        at_ms: began,
        url: &delivery.url,
        status: if let Outcome::Answered(status, _) = exchange.outcome { Some(status) } else { None },
        error: exchange.error.as_deref(),
        answer: exchange.answer.as_deref(),
        duration_ms: ended - began,
        state,
        due_ms,
        finished_ms,
    };
    deliveries::settle(db, company, &delivery.id, &delivery.subscription, delivery.generation + 1, &settled).await
}

/// Sets the queue's alarm. It takes no more than half a day at once; woken early, the delivery sets it again.
async fn wake_later(env: &Env, company: &str, id: &str, delay_s: i64) {
    let delay_s = u32::try_from(delay_s).unwrap_or_default().min(QUEUE_DELAY_S_MAX);
    wake::send(env, &[Wake::new(company.to_owned(), id.to_owned())], delay_s).await;
}

/// The owner's headers, then ours, which no header of the owner's may replace. While a rotated secret lives on, the Standard Webhooks
/// header holds both signatures, and the plain one, which can hold only one, has the old secret's beside it.
pub fn headers(
    own: &str,
    id: &str,
    now_s: i64,
    body: &str,
    secret: &str,
    old_secret: Option<&str>,
) -> Vec<(String, String)> {
    let own: BTreeMap<String, String> = serde_json::from_str(own).unwrap_or_default();
    let mut headers: Vec<(String, String)> = own.into_iter().collect();
    headers.extend([("webhook-id".to_owned(), id.to_owned()), ("webhook-timestamp".to_owned(), now_s.to_string())]);
    if secret.is_empty() {
        return headers; // A funnel's webhook without a secret: there is nothing to sign with.
    }
    let mut standard = standard_signature(secret, id, now_s, body.as_bytes());
    if let Some(old) = old_secret {
        standard = format!("{standard} {}", standard_signature(old, id, now_s, body.as_bytes()));
        headers.push(("x-webhook-signature-previous".to_owned(), hex_signature(old, body.as_bytes())));
    }
    headers.extend([
        ("x-webhook-signature".to_owned(), hex_signature(secret, body.as_bytes())),
        ("webhook-signature".to_owned(), standard),
    ]);
    headers
}
