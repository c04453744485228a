//! The data that all statements of one ingest request share, and the check of its company.

use serde::Deserialize;

use super::{Answers, Batch, ChangeStamp, Db, Result, Slot, sql};
use crate::domain::origin::fitting;
use crate::domain::source::Source;

/// The data that all events of a request share.
#[derive(Debug, Clone, Copy)]
pub struct IngestRequest<'a> {
    /// Their company.
    pub company: &'a str,
    /// The API through which they came.
    pub source: Source,
    /// Their session; empty for server events without a person.
    pub session: &'a str,
    /// Whether the batch finds their session: the server session of a person. `session` is empty
    /// then.
    pub finds_session: bool,
    /// A random number that marks the rows of this request.
    pub marker: i64,
    /// When it was sent by the sender's clock, ms.
    pub sent_ms: Option<i64>,
    /// When it arrived by our clock, ms.
    pub received_ms: i64,
    /// JSON object stored with each event.
    pub context: Option<&'a str>,
    /// The page's origin.
    pub origin: Option<&'a str>,
    /// Whether the client says that it is a bot.
    pub bot: bool,
    /// Whether this is an identify without proof.
    pub unproved: bool,
    /// The version of the tracking plan that the events were checked against, 0 for none. If
    /// another version is in force, nothing is stored. `None` if no plan applies, or if a server's
    /// events were checked against the version that an earlier round trip read with their key.
    pub plan: Option<i64>,
    /// Only for an identify: a hash that tells it from another identify with the same message id.
    pub identify_hash: Option<i64>,
    /// The deliveries that this invocation may attempt itself.
    pub lease_budget: &'a LeaseBudget,
}

impl<'a> IngestRequest<'a> {
    /// A request of a browser, without the optional fields. `received_ms` is our clock.
    #[must_use]
    pub const fn of_browser(
        company: &'a str,
        session: &'a str,
        received_ms: i64,
        lease_budget: &'a LeaseBudget,
    ) -> Self {
        Self {
            company,
            source: Source::Browser,
            session,
            finds_session: false,
            marker: 0,
            sent_ms: None,
            received_ms,
            context: None,
            origin: None,
            bot: false,
            unproved: false,
            plan: None,
            identify_hash: None,
            lease_budget,
        }
    }

    /// Whether the events have a session.
    #[must_use]
    pub const fn has_session(&self) -> bool {
        self.finds_session || !self.session.is_empty()
    }

    /// The marker of the request and the time of its arrival.
    #[must_use]
    pub const fn stamp(&self) -> ChangeStamp {
        ChangeStamp { marker: self.marker, now_ms: self.received_ms }
    }

    /// A request of a server, without the optional fields and without a session.
    #[must_use]
    pub const fn of_server(company: &'a str, received_ms: i64, lease_budget: &'a LeaseBudget) -> Self {
        Self { source: Source::Server, ..Self::of_browser(company, "", received_ms, lease_budget) }
    }
}

/// The deliveries that an invocation may lease when it stores events.
#[derive(Debug)]
pub struct LeaseBudget {
    /// Deliveries of at most this number of events are leased; 0 leases none.
    pub events: i64,
    /// JSON array of subscriptions for which none is leased.
    pub busy: String,
}

/// Whether the company accepts a browser's request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The company exists and allows this origin.
    Admitted {
        /// Whether somebody watches what comes in.
        watched: bool,
    },
    /// There is no such company.
    UnknownCompany,
    /// The company does not allow this origin.
    WrongOrigin,
    /// The company requires proof of identifies, and this one has none.
    Unproved,
    /// Another version of the company's plan is in force.
    Replanned,
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
pub(super) fn read_company(db: &Db, batch: &mut Batch, request: &IngestRequest<'_>) -> Result<Slot<Allowed>> {
    let origin = request.origin.map(fitting);
    let params = [request.company.into(), origin.as_deref().into(), request.received_ms.into()];
    Ok(batch.read(db.bind(sql::COMPANY_CHECK, &params)?))
}

/// Decides by the answer of [`read_company`] whether the request is admitted.
pub(super) fn decide_admission(
    answers: &Answers,
    slot: &Slot<Allowed>,
    request: &IngestRequest<'_>,
) -> Result<Admission> {
    Ok(match answers.rows_as_text(slot)?.into_iter().next() {
        None => Admission::UnknownCompany,
        Some(Allowed { allowed: 0, .. }) => Admission::WrongOrigin,
        Some(Allowed { strict: 1, .. }) if request.unproved => Admission::Unproved,
        Some(Allowed { plan, .. }) if request.plan.is_some_and(|checked| checked != plan) => Admission::Replanned,
        Some(Allowed { watched, .. }) => Admission::Admitted { watched: watched == 1 },
    })
}
