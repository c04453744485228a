//! Checks events against their company's tracking plan.
//!
//! An isolate caches plans by company and version. Every request learns the version in force
//! without a query of its own: in the batch that stores the events, or, if a server's request needs
//! two round trips, together with its key. That batch stores nothing if the events were checked
//! against another version. So a plan applies to every request that begins after it was set, a
//! company without a plan costs nothing, and an outdated cache does no harm.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use trackmate_wire::limits::PLANS_CACHED_MAX;
use trackmate_wire::problem::Problem;

use crate::domain::clock;
use crate::domain::event::Row;
use crate::domain::plan::{self, Mode, Plan, Violation};
use crate::error::Error;
use crate::ingest::admission::admit;
use crate::ingest::context::IngestContext;
use crate::ingest::violation_counts;
use crate::store::ingest::{self, Stored};
use crate::store::plans;
use crate::store::request::{Admission, IngestRequest};

/// Checks of one request: each follows a change of the plan during the previous one.
const CHECKS_MAX: usize = 3;

/// A plan in force.
struct ActivePlan {
    version: i64,
    mode: Mode,
    plan: Plan,
}

thread_local! {
    /// By company.
    static ACTIVE: RefCell<BTreeMap<String, Rc<ActivePlan>>> = const { RefCell::new(BTreeMap::new()) };
}

fn cached(company: &str) -> Option<Rc<ActivePlan>> {
    ACTIVE.with_borrow(|plans| plans.get(company).cloned())
}

/// Reads a company's plan into the cache; `None` if the company has no plan in force.
async fn load(cx: &IngestContext, company: &str) -> Result<Option<Rc<ActivePlan>>, Error> {
    let stored = plans::find(cx.db(company)?, company).await?;
    let active = match stored.filter(|stored| stored.mode != Mode::Off) {
        Some(s) => Some(Rc::new(ActivePlan { version: s.version, mode: s.mode, plan: serde_json::from_str(&s.plan)? })),
        None => None,
    };
    ACTIVE.with_borrow_mut(|plans| {
        plans.remove(company);
        if plans.len() >= PLANS_CACHED_MAX {
            plans.pop_first();
        }
        if let Some(active) = &active {
            plans.insert(company.to_owned(), Rc::clone(active));
        }
    });
    Ok(active)
}

/// A request's events after the check.
pub(crate) struct CheckedBatch<'a> {
    /// The events to store.
    pub(crate) rows: Cow<'a, [Row]>,
    /// The events that the plan rejects, and why.
    pub(crate) rejected: Vec<(Row, Problem)>,
    violations: Vec<(String, Violation)>,
}

impl<'a> CheckedBatch<'a> {
    fn of(active: Option<&ActivePlan>, rows: &'a [Row]) -> Self {
        let Some(active) = active else {
            return Self { rows: Cow::Borrowed(rows), rejected: Vec::new(), violations: Vec::new() };
        };
        let plan::CheckedEvents { rows, rejected, violations } = plan::check(rows.to_vec(), &active.plan, active.mode);
        Self { rows: Cow::Owned(rows), rejected, violations }
    }

    /// Counts the violations once the answer is sent.
    pub(crate) fn count(&mut self, cx: &IngestContext, company: &str) {
        if violation_counts::count(company, std::mem::take(&mut self.violations), cx.now_ms()) {
            cx.after_answer(violation_counts::write_counts(cx.env().clone()));
        }
    }

    /// Counts the violations and logs the rejected events, once the others are stored. → The
    /// rejected events: position in the request, and why.
    pub(crate) fn finish(mut self, cx: &IngestContext, company: &str) -> Vec<(usize, Problem)> {
        self.count(cx, company);
        if !self.rejected.is_empty() {
            cx.log().rejected_valid_events(self.rejected.iter().map(|(row, problem)| (row, problem)));
        }
        self.rejected.into_iter().map(|(row, problem)| (clock::place(row.ts), problem)).collect()
    }
}

/// Checks a browser's events, and stores those that the company's plan accepts. → The checked
/// events, and the result.
///
/// # Errors
/// Those of [`admit`]; D1's.
pub(crate) async fn check_and_store<'a>(
    cx: &IngestContext,
    request: IngestRequest<'_>,
    rows: &'a [Row],
) -> Result<(CheckedBatch<'a>, Stored), Error> {
    let company = request.company;
    let mut active = cached(company);
    for _ in 0..CHECKS_MAX {
        let request = IngestRequest { plan: Some(active.as_ref().map_or(0, |active| active.version)), ..request };
        let checked = CheckedBatch::of(active.as_deref(), rows);
        let (admission, stored) = ingest::browser(cx.db(company)?, &request, &checked.rows).await?;
        if admission == Admission::Replanned {
            active = load(cx, company).await?;
            continue;
        }
        admit(cx, admission)?;
        return Ok((checked, stored));
    }
    Err(Error::Internal(format!("the company's plan changed {CHECKS_MAX} times during one request")))
}

/// Checks a server's events. `version` is that of the plan in force, as it was last read with the
/// key; 0 for no plan.
///
/// # Errors
/// D1's.
pub(crate) async fn check_server_events<'a>(
    cx: &IngestContext,
    company: &str,
    version: i64,
    rows: &'a [Row],
) -> Result<CheckedBatch<'a>, Error> {
    let active = match cached(company).filter(|active| active.version == version) {
        _ if version == 0 => None,
        Some(active) => Some(active),
        None => load(cx, company).await?,
    };
    Ok(CheckedBatch::of(active.as_deref(), rows))
}
