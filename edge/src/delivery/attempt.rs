//! Attempts at leased deliveries: build the body, sign it, send it, pass the result to
//! [`super::settle`]. Their leases are renewed meanwhile. An attempt that loses its lease is
//! aborted, so two attempts at one delivery never run at the same time.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, join_all, select};
use trackmate_wire::limits::{ATTEMPT_MS_MAX, CONNECTIONS_MAX, LEASE_MS, RENEW_MS};
use worker::{Delay, Env, console_error};

use crate::delivery::attempt_result::AttemptResult;
use crate::delivery::client::{self, Exchange, Message};
use crate::delivery::concurrency;
use crate::delivery::settle;
use crate::delivery::sign::{Unsigned, headers};
use crate::delivery::wakeup::{self, Wakeup};
use crate::domain::delivery::{Outcome, Policy, after_attempt};
use crate::domain::json;
use crate::domain::payload::{self, PayloadEvent};
use crate::domain::source::Source;
use crate::domain::vault::Unopened;
use crate::runtime::clock::now_ms;
use crate::runtime::random;
use crate::store::deliveries::{self, DeliveryKey, Lease, Leased, Target};
use crate::store::settle::AttemptRow;
use crate::store::{self, people};
use crate::vars::Vars;

/// The open leases of a run by delivery: the generation, and what aborts its attempt.
type LiveLeases = BTreeMap<DeliveryKey, (i64, Option<web_sys::AbortController>)>;

/// The deliveries that an invocation has leased, while it attempts them.
struct Run<'a> {
    env: &'a Env,
    company: &'a str,
    /// Deliveries without an attempt yet, each with its position in the order.
    waiting: RefCell<VecDeque<(Leased, u64)>>,
    live: RefCell<LiveLeases>,
    /// Whether an attempt has begun since the leases were last renewed.
    has_progress: Cell<bool>,
}

/// Attempts leased deliveries, a few at a time, `spacing_ms` apart. No attempt begins that could
/// last past `ends_ms`. If every connection hangs, the deliveries still waiting go to the queue.
pub async fn run(env: &Env, company: &str, leased: Vec<Leased>, ends_ms: i64, spacing_ms: u64) {
    let Some(lease_ends_ms) = leased.iter().map(|d| d.lease_ends_ms).min() else { return };
    let live = leased.iter().map(|d| (d.key.clone(), (d.generation, None))).collect();
    let waiting = RefCell::new(leased.into_iter().zip(0_u64..).collect());
    let run = Run { env, company, waiting, live: RefCell::new(live), has_progress: Cell::new(true) };
    let began = now_ms();
    let attempt_waiting = async |run: &Run<'_>| loop {
        let next = run.waiting.borrow_mut().pop_front();
        let Some((d, place)) = next else { return };
        let elapsed = u64::try_from(now_ms() - began).unwrap_or_default();
        let wait_ms = (place * spacing_ms).saturating_sub(elapsed);
        if wait_ms > 0 {
            Delay::from(Duration::from_millis(wait_ms)).await;
        }
        run.has_progress.set(true);
        run.attempt(d, ends_ms).await;
    };
    let attempts = join_all((0..CONNECTIONS_MAX).map(|_| attempt_waiting(&run)));
    select(pin!(attempts), pin!(run.renew_leases(lease_ends_ms))).await;
}

impl Run<'_> {
    /// Renews leases until it is dropped. An attempt is aborted if its lease is lost or cannot be
    /// renewed in time.
    async fn renew_leases(&self, mut lease_ends_ms: i64) {
        let Self { env, company, live, .. } = self;
        loop {
            Delay::from(Duration::from_millis(RENEW_MS)).await;
            self.return_waiting().await;
            let lease =
                |(key, (generation, _)): (&DeliveryKey, &(i64, _))| Lease { key: key.clone(), generation: *generation };
            let leases: Vec<Lease> = live.borrow().iter().map(lease).collect();
            if leases.is_empty() {
                continue;
            }
            let now = now_ms();
            let left = Duration::from_millis(u64::try_from(lease_ends_ms - now).unwrap_or_default());
            let renewal =
                async { deliveries::renew(&store::database(env, Some(company))?, company, &leases, now).await };
            let renewed = match select(pin!(renewal), pin!(Delay::from(left))).await {
                Either::Left((Ok(renewed), _)) => {
                    lease_ends_ms = now + LEASE_MS;
                    renewed
                }
                Either::Left((Err(error), _)) => {
                    console_error!("leases were not renewed: {}", store::brief(&error));
                    continue;
                }
                Either::Right(_) => Vec::new(),
            };
            for Lease { key, .. } in leases {
                if !renewed.contains(&key)
                    && let Some((_, Some(aborter))) = live.borrow_mut().remove(&key)
                {
                    aborter.abort();
                }
            }
        }
    }

    /// Passes waiting deliveries on to the queue if no attempt began since the last renewal: then
    /// all receivers under way hang.
    async fn return_waiting(&self) {
        if self.has_progress.replace(false) {
            return;
        }
        let stuck = self.waiting.take().into_iter().map(|(d, _)| d);
        let stuck = stuck.filter(|d| self.live.borrow_mut().remove(&d.key).is_some()).collect();
        return_and_wake(self.env, self.company, stuck, 0).await;
    }

    async fn attempt(&self, d: Leased, ends_ms: i64) {
        let Self { env, company, live, .. } = self;
        let began = now_ms();
        if began + i64::from(timeout_ms(&d.target)) > ends_ms {
            // The time of this invocation is over. The queue starts another.
            if live.borrow_mut().remove(&d.key).is_some() {
                return_and_wake(env, company, vec![d], 0).await;
            }
            return;
        }
        let Ok(aborter) = web_sys::AbortController::new() else { return };
        match live.borrow_mut().get_mut(&d.key) {
            Some((_, slot)) => *slot = Some(aborter.clone()),
            None => return, // The lease was lost while the delivery waited.
        }
        let ongoing = concurrency::begin(company, &d.key.subscription, began);
        let (body, exchange) = exchange(env, company, &d, began, &aborter.signal()).await;
        ongoing.end(now_ms());
        if live.borrow_mut().remove(&d.key).is_none() {
            return; // The lease was lost: the invocation that has it now settles the delivery.
        }
        settle::add_and_settle(env, attempt_result(company, d, body, exchange, began)).await;
    }
}

/// Most milliseconds of an attempt at this target.
pub fn timeout_ms(target: &Target) -> u32 {
    target.timeout_ms.min(ATTEMPT_MS_MAX)
}

/// Builds the body, signs and sends it. → The body, if it could be built, and the result.
async fn exchange(
    env: &Env,
    company: &str,
    d: &Leased,
    began: i64,
    abort_signal: &web_sys::AbortSignal,
) -> (Option<String>, Exchange) {
    let Some(event) = &d.event else {
        return (None, Exchange::failed(Outcome::NotSendable, "its event is gone"));
    };
    let with_user = match data_with_user(env, company, d, event).await {
        Ok(data) => data,
        Err(error) => {
            console_error!("a user was not read for delivery {}: {}", d.key.id, store::brief(&error));
            return (None, Exchange::failed(Outcome::Unreachable, "TrackMate could not read the user"));
        }
    };
    let payload_event = PayloadEvent {
        name: &d.event_name,
        ts: event.ts,
        data: with_user.as_deref().unwrap_or(&event.data),
        source: event.source,
        message_id: &d.message_id,
        session: &event.session,
        profile: d.profile.as_deref(),
        context: event.context.as_deref(),
    };
    let Some(body) = d.body.clone().or_else(|| payload::body(payload_event)) else {
        return (None, Exchange::failed(Outcome::NotSendable, "the event's stored data are not JSON"));
    };
    let (DeliveryKey { subscription, id }, target) = (&d.key, &d.target);
    let unsigned = Unsigned { company, subscription, target, id, now_ms: began, body: &body };
    let headers = match headers(env, unsigned) {
        Ok(headers) => headers,
        Err(Unopened) => {
            console_error!("the secrets of webhook {subscription} could not be opened: is SECRETS_KEY the right one?");
            return (
                Some(body),
                Exchange::failed(Outcome::Unreachable, "its secret could not be read; TrackMate's operator was told"),
            );
        }
    };
    let message = Message {
        url: &target.url,
        body: &body,
        headers,
        timeout_ms: timeout_ms(target),
        loopback: Vars::of(env).allows_loopback,
        abort_signal: Some(abort_signal),
    };
    let exchange = client::post(&message).await;
    (Some(body), exchange)
}

/// Adds the whole user to the data of a `user.updated` that an identify caused; `None` for other
/// events. The user is read here, so that the identify does not pay for it.
async fn data_with_user(
    env: &Env,
    company: &str,
    d: &Leased,
    event: &deliveries::DeliveredEvent,
) -> store::Result<Option<String>> {
    let (Some(id), None, Source::Server, "", "user.updated") =
        (&d.profile, &d.body, event.source, event.session.as_str(), d.event_name.as_str())
    else {
        return Ok(None);
    };
    let mut data = json::value(&event.data);
    let Some(user) = data.get_mut("user").filter(|user| user.get("timestamps").is_none()) else { return Ok(None) };
    let Some(profile) = people::profile(&store::database(env, Some(company))?, company, id).await? else {
        return Ok(None);
    };
    *user = serde_json::to_value(profile.person(company)?.user())?;
    Ok(Some(data.to_string()))
}

fn attempt_result(company: &str, d: Leased, body: Option<String>, exchange: Exchange, began: i64) -> AttemptResult {
    let policy = Policy {
        attempts: d.target.attempts,
        delay_s: d.target.delay_s,
        timeout_ms: d.target.timeout_ms,
        standard: d.target.preset.as_deref() == Some("standard"),
    };
    let next = after_attempt(&exchange.outcome, d.tries + 1, policy, random::unit());
    let ended = now_ms();
    let (state, due_ms) = next.standing(ended);
    AttemptResult {
        company: company.to_owned(),
        event_name: d.event_name,
        failures: d.target.failures,
        next,
        ended: AttemptRow {
            key: d.key,
            generation: d.generation,
            state: state.as_str(),
            due_ms,
            finished_ms: state.is_final().then_some(ended),
            body,
            began_ms: began,
            url: d.target.url,
            status: if let Outcome::Answered(status, _) = exchange.outcome { Some(status) } else { None },
            error: exchange.error,
            answer: exchange.answer,
            duration_ms: ended - began,
        },
    }
}

/// Returns the leases of these deliveries, and sends wake-ups for them after `delay_s` seconds.
pub async fn return_and_wake(env: &Env, company: &str, leased: Vec<Leased>, delay_s: u32) {
    if return_leases(env, company, &leased).await {
        let wakeups: Vec<Wakeup> = leased.into_iter().map(|d| Wakeup::delivery(company, d.key)).collect();
        wakeup::send(env, &wakeups, delay_s).await;
    }
}

/// Returns leases. → Whether D1 did so; otherwise they run out.
pub async fn return_leases(env: &Env, company: &str, leased: &[Leased]) -> bool {
    if leased.is_empty() {
        return false;
    }
    let leases: Vec<Lease> = leased.iter().map(|d| Lease { key: d.key.clone(), generation: d.generation }).collect();
    let returned =
        async { deliveries::return_leases(&store::database(env, Some(company))?, company, &leases, now_ms()).await };
    let returned = returned.await;
    if let Err(error) = &returned {
        console_error!("leases were not returned and run out: {}", store::brief(error));
    }
    returned.is_ok()
}
