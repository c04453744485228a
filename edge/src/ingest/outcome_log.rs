//! The outcome log: what became of each item of a request, written once the answer is sent. It has
//! every rejected item, and the accepted ones while somebody watches the event debugger. So it
//! costs nothing for a company that sends valid events and that nobody watches.
//!
//! To have an API log its items: 1. [`OutcomeLog::set_company`] once the company is known, 2.
//! [`OutcomeLog::invalid_events`] for what [`crate::domain::event::validate`] leaves out, 3.
//! [`OutcomeLog::accepted`] for the rest, 4. [`OutcomeLog::log_if_rejected`] around all of it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};

use trackmate_wire::limits::{COMPANIES_KNOWN_MAX, REJECTED_ISOLATE_MAX, REJECTED_MINUTE_MAX};
use trackmate_wire::problem::{Code, Problem};
use worker::console_error;

use crate::domain::event::Row;
use crate::domain::incoming::{Outcome, Receipt, named_company};
use crate::domain::metrics;
use crate::domain::source::Source;
use crate::error::Error;
use crate::runtime::context::Context;
use crate::runtime::counters;
use crate::store::{self, incoming};

/// Bytes of an unreadable body in which the company id is searched: clients mostly send it first.
const BODY_START_BYTES: usize = 1024;

/// The outcomes of a request's items so far.
#[derive(Default)]
pub(crate) struct OutcomeLog(RefCell<RequestOutcomes>);

#[derive(Default)]
struct RequestOutcomes {
    company: Option<String>,
    source: Source,
    session: Option<String>,
    watched: bool,
    /// The start of a body that cannot be read.
    body_start: Option<String>,
    /// Whether a rejection of the request is logged.
    has_rejection: bool,
    receipts: Vec<Receipt>,
    /// Events that were stored, and events that were duplicates.
    accepted: [usize; 2],
    /// Rejections by code.
    rejected: BTreeMap<&'static str, usize>,
}

impl RequestOutcomes {
    fn count_rejected<'a>(&mut self, problems: impl Iterator<Item = &'a Problem>) {
        for problem in problems {
            *self.rejected.entry(problem.code.as_str()).or_default() += 1;
        }
    }

    /// Adds what became of the items to the metrics.
    fn count(&self) {
        let source = self.source.door();
        for (outcome, n) in [Outcome::Stored, Outcome::Duplicate].iter().zip(self.accepted) {
            counters::add(&metrics::EVENTS, &[source, outcome.as_str()], n);
        }
        for (code, n) in &self.rejected {
            counters::add(&metrics::REJECTED, &[source, code], *n);
        }
    }
}

impl OutcomeLog {
    /// The request came through the server API. Its company may never be known: the key may be
    /// wrong.
    pub(crate) fn set_source_server(&self) {
        self.0.borrow_mut().source = Source::Server;
    }

    /// Sets the company of the request, and the API through which it came.
    pub(crate) fn set_company(&self, company: &str, source: Source) {
        let mut collected = self.0.borrow_mut();
        collected.company = Some(company.to_owned());
        collected.source = source;
    }

    /// Sets the start of a body that cannot be read to its end.
    pub(crate) fn set_body_start(&self, body: &[u8]) {
        let body_start = body.get(..BODY_START_BYTES).unwrap_or(body);
        self.0.borrow_mut().body_start = Some(String::from_utf8_lossy(body_start).into_owned());
    }

    /// Takes the company from the start of a public body that cannot be read to its end.
    pub(crate) fn set_company_from_body_start(&self) {
        let body_start = self.0.borrow_mut().body_start.take();
        if let Some(company) = body_start.as_deref().and_then(named_company) {
            self.set_company(company, Source::Browser);
        }
    }

    /// Sets the session of all items.
    pub(crate) fn set_session(&self, id: &str) {
        self.0.borrow_mut().session = Some(id.to_owned());
    }

    /// Sets whether somebody watches the company's events. Remembers that the company exists.
    pub(crate) fn set_watched(&self, watched: bool) {
        let mut collected = self.0.borrow_mut();
        collected.watched = watched;
        if let Some(company) = &collected.company {
            remember(company);
        }
    }

    /// Logs the invalid items of a batch. `items` are all items, as JSON texts. Does not set
    /// `has_rejection`: if the request then fails as a whole, that is logged too.
    pub(crate) fn invalid_events<'a>(&self, items: impl Iterator<Item = &'a str>, rejected: &[(usize, Problem)]) {
        if rejected.is_empty() {
            return;
        }
        let items: Vec<&str> = items.collect();
        let mut collected = self.0.borrow_mut();
        collected.count_rejected(rejected.iter().map(|(_, problem)| problem));
        let RequestOutcomes { session, receipts, .. } = &mut *collected;
        let most = usize::try_from(REJECTED_MINUTE_MAX).unwrap_or_default();
        let receipt = |(index, problem): &(usize, Problem)| {
            Receipt::rejected(items.get(*index).copied(), None, session.as_deref(), problem)
        };
        receipts.extend(rejected.iter().take(most).map(receipt));
    }

    /// Logs the rejected items of a vendor's request. `items` are all items, as JSON texts.
    /// Rejections by the tracking plan are logged by [`Self::rejected_valid_events`].
    pub(crate) fn rejected_vendor_items(&self, items: &[&str], rejected: &[(usize, Problem)]) {
        let mut collected = self.0.borrow_mut();
        let most = usize::try_from(REJECTED_MINUTE_MAX).unwrap_or_default();
        let ours = rejected.iter().filter(|(_, problem)| problem.code != Code::PlanViolation);
        collected.count_rejected(ours.clone().map(|(_, problem)| problem));
        let ours = ours.take(most);
        let before = collected.receipts.len();
        let receipts = ours.map(|(index, problem)| Receipt::rejected(items.get(*index).copied(), None, None, problem));
        collected.receipts.extend(receipts);
        collected.has_rejection |= collected.receipts.len() > before;
    }

    /// Counts stored events and duplicates, and logs them while somebody watches. `new` are the ids
    /// of the stored ones.
    pub(crate) fn accepted<'a>(&self, rows: impl Iterator<Item = &'a Row>, new: &[String]) {
        let mut collected = self.0.borrow_mut();
        let before = collected.receipts.len();
        let count = if collected.watched {
            let mut new: HashSet<&str> = new.iter().map(String::as_str).collect();
            // A repeat within the request is a duplicate too, so each id counts once.
            collected.receipts.extend(rows.map(|row| Receipt::accepted(row, new.remove(row.id.as_str()))));
            collected.receipts.len() - before
        } else {
            rows.count()
        };
        let [stored, duplicates] = &mut collected.accepted;
        *stored += new.len();
        *duplicates += count.saturating_sub(new.len());
    }

    /// Logs a request if it was rejected as a whole. → `handled`, unchanged. `name` stands for the
    /// event name if the body has none.
    pub(crate) fn log_if_rejected<T>(
        &self,
        body: &str,
        name: Option<&'static str>,
        handled: Result<T, Error>,
    ) -> Result<T, Error> {
        if let Err(Error::Problem(problem)) = &handled {
            let mut collected = self.0.borrow_mut();
            if collected.company.is_none() {
                collected.company = named_company(body).map(str::to_owned);
            }
            let receipt = Receipt::rejected(Some(body), name, collected.session.as_deref(), problem);
            collected.count_rejected(std::iter::once(problem));
            collected.receipts.push(receipt);
            collected.has_rejection = true;
        }
        handled
    }

    /// Logs valid events that were rejected after a database query: by the tracking plan, or as a
    /// buffered request.
    pub(crate) fn rejected_valid_events<'a>(&self, rows: impl Iterator<Item = (&'a Row, &'a Problem)>) {
        let mut collected = self.0.borrow_mut();
        let rows: Vec<_> = rows.collect();
        collected.count_rejected(rows.iter().map(|(_, problem)| *problem));
        let RequestOutcomes { session, receipts, has_rejection, .. } = &mut *collected;
        let most = usize::try_from(REJECTED_MINUTE_MAX).unwrap_or_default();
        let before = receipts.len();
        receipts
            .extend(rows.iter().take(most).map(|(row, problem)| Receipt::refused(row, session.as_deref(), problem)));
        *has_rejection |= receipts.len() > before;
    }

    /// Writes the outcomes of a request once the answer is sent.
    pub(crate) fn write<T>(&self, cx: &Context, handled: &Result<T, Error>) {
        let collected = self.0.take();
        collected.count();
        let RequestOutcomes { company: Some(company), source, session, has_rejection, mut receipts, .. } = collected
        else {
            return;
        };
        if let Err(Error::Problem(problem)) = handled {
            // An unknown company has no log. A rate-limited client sends the same items again.
            if matches!(problem.code, Code::UnknownCompany | Code::RateLimited) {
                return;
            }
            if !has_rejection {
                receipts.push(Receipt::rejected(None, None, session.as_deref(), problem));
            }
        }
        let now = cx.now_ms();
        if receipts.is_empty() || !is_within_minute(&company, source, &receipts, now) {
            return;
        }
        let env = cx.env().clone();
        cx.after_answer(async move {
            let written = async {
                incoming::add(&store::database(&env, Some(&company))?, &company, source, &receipts, now).await
            };
            match written.await {
                Ok(true) => remember(&company),
                Ok(false) => {}
                Err(error) => {
                    console_error!(
                        "the outcomes of {} items were not logged: {}",
                        receipts.len(),
                        store::brief(&error)
                    );
                }
            }
        });
    }
}

/// The number of rejected items that this isolate logged in a minute.
#[derive(Default)]
struct RejectedInMinute {
    minute: i64,
    /// By company and API, for companies that exist.
    each: BTreeMap<(String, Source), usize>,
    /// Of all other companies together: their ids may be invented, and must not use up the limits
    /// of real ones.
    others: usize,
}

thread_local! {
    static MINUTE: RefCell<RejectedInMinute> = RefCell::default();
    /// Companies that are known to exist.
    static KNOWN: RefCell<HashSet<String>> = RefCell::default();
}

/// Remembers that the company exists.
fn remember(company: &str) {
    KNOWN.with_borrow_mut(|known| {
        if !known.contains(company) {
            if known.len() >= COMPANIES_KNOWN_MAX {
                known.clear();
            }
            known.insert(company.to_owned());
        }
    });
}

/// Whether the outcomes are below the limit of this minute. A flood of invalid items ends here,
/// before it reaches D1.
fn is_within_minute(company: &str, source: Source, receipts: &[Receipt], now_ms: i64) -> bool {
    let rejected = receipts.iter().filter(|receipt| receipt.outcome == Outcome::Rejected).count();
    if rejected == 0 {
        return true;
    }
    MINUTE.with_borrow_mut(|m| {
        if m.minute != now_ms / 60_000 {
            *m = RejectedInMinute { minute: now_ms / 60_000, ..RejectedInMinute::default() };
        }
        let (logged, most) = if KNOWN.with_borrow(|known| known.contains(company)) {
            let each = m.each.entry((company.to_owned(), source)).or_default();
            (each, usize::try_from(REJECTED_MINUTE_MAX).unwrap_or_default())
        } else {
            (&mut m.others, REJECTED_ISOLATE_MAX)
        };
        if *logged >= most {
            return rejected < receipts.len();
        }
        *logged += rejected;
        true
    })
}
