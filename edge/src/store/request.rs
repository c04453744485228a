//! What all statements of one ingest request share, and whether the company takes it.

use serde::Deserialize;

use super::{Answers, Batch, Db, Result, Slot, sql};
use crate::domain::origin::fitting;

/// What all events of a request share.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Whose they are.
    pub company: &'a str,
    /// Whether they came through the server door.
    pub from_server: bool,
    /// Their session; empty for server events without a person.
    pub session: &'a str,
    /// A random number that marks what this request stored.
    pub number: i64,
    /// The sender's clock at sending, ms.
    pub sent_ms: Option<i64>,
    /// Our clock, ms.
    pub received_ms: i64,
    /// JSON object stored with each event.
    pub context: Option<&'a str>,
    /// The page's origin.
    pub origin: Option<&'a str>,
    /// Whether a machine sent it, by its own word.
    pub bot: bool,
    /// Whether this identifies somebody without proof.
    pub unproved: bool,
    /// The version of the tracking plan that the events were checked against, 0 for none. If
    /// another one is in force, nothing is stored. `None`: a plan does not apply, or the events of
    /// a server were checked against the version that came with its key.
    pub plan: Option<i64>,
    /// Of an identify, what tells it from another with its message id.
    pub claim: Option<i64>,
    /// What this invocation can attempt itself.
    pub lease_budget: &'a LeaseBudget,
}

impl<'a> Request<'a> {
    /// A request of a page, without the optional fields. `received_ms` is our clock.
    #[must_use]
    pub const fn of_page(company: &'a str, session: &'a str, received_ms: i64, lease_budget: &'a LeaseBudget) -> Self {
        Self {
            company,
            from_server: false,
            session,
            number: 0,
            sent_ms: None,
            received_ms,
            context: None,
            origin: None,
            bot: false,
            unproved: false,
            plan: None,
            claim: None,
            lease_budget,
        }
    }

    /// A request of a server, without the optional fields and without a session.
    #[must_use]
    pub const fn of_server(company: &'a str, received_ms: i64, lease_budget: &'a LeaseBudget) -> Self {
        Self { from_server: true, ..Self::of_page(company, "", received_ms, lease_budget) }
    }
}

/// The deliveries that an invocation may lease when it stores events.
#[derive(Debug)]
pub struct LeaseBudget {
    /// Deliveries of so many events; 0 for nothing.
    pub events: i64,
    /// Nothing for these, a JSON array of subscriptions.
    pub busy: String,
}

/// Whether a public request may be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The company exists and its pages may send from this origin.
    Open {
        /// Whether somebody watches what comes in.
        watched: bool,
    },
    /// No such company.
    UnknownCompany,
    /// The company's list of origins does not hold this one.
    WrongOrigin,
    /// The company wants proof of who is identified, and none was sent.
    Unproved,
    /// The events are to be held against this version of the company's plan.
    Replanned(i64),
}

#[derive(Deserialize)]
pub(super) struct Allowed {
    allowed: i64,
    strict: i64,
    watched: i64,
    plan: i64,
}

/// `select … from companies`: whether the company exists, allows the origin, and has this plan. It
/// refuses nothing itself: `events.insert.sql` repeats the conditions and inserts nothing.
pub(super) fn check(db: &Db, batch: &mut Batch, request: &Request<'_>) -> Result<Slot<Allowed>> {
    let origin = request.origin.map(fitting);
    let params = [request.company.into(), origin.as_deref().into(), request.received_ms.into()];
    Ok(batch.read(db.bind(sql::COMPANY_CHECK, &params)?))
}

/// The answer of [`check`].
pub(super) fn door(answers: &Answers, slot: &Slot<Allowed>, request: &Request<'_>) -> Result<Door> {
    Ok(match answers.first(slot)? {
        None => Door::UnknownCompany,
        Some(Allowed { allowed: 0, .. }) => Door::WrongOrigin,
        Some(Allowed { strict: 1, .. }) if request.unproved => Door::Unproved,
        Some(Allowed { plan, .. }) if request.plan.is_some_and(|held| held != plan) => Door::Replanned(plan),
        Some(Allowed { watched, .. }) => Door::Open { watched: watched == 1 },
    })
}
