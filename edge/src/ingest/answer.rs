//! The answer to a request with events: how many were accepted, which were rejected, and warnings.

use serde::Serialize;
use trackmate_wire::api::Warning;
use trackmate_wire::problem::Problem;

use crate::domain::event::{LeftOut, Row};
use crate::domain::revenue;

/// The result of storing valid events.
pub(crate) struct IngestResult {
    /// How many are new.
    pub(crate) new: usize,
    /// Events that the tracking plan rejects: position in the request, and why.
    pub(crate) rejected: Vec<(usize, Problem)>,
}

/// What became of a batch.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Receipt"))]
pub(crate) struct BatchAnswer {
    pub(crate) success: bool,
    pub(crate) accepted: usize,
    pub(crate) duplicates: usize,
    pub(crate) rejected: Vec<Rejected>,
    /// Only while the database is down: what is accepted is stored once it is back, and duplicates
    /// are told apart then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, schemars(default))]
    pub(crate) queued: bool,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Rejected {
    index: usize,
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

impl Rejected {
    pub(crate) fn new(index: usize, problem: Problem) -> Self {
        let field = problem.path_or_field().map(str::to_owned);
        Self { index, code: problem.code.as_str(), message: problem.message, field }
    }
}

impl BatchAnswer {
    /// The answer to `count` valid events and to the items that were left out. `result` is `None`
    /// if the request was buffered.
    pub(crate) fn new(left_out: LeftOut, count: usize, result: Option<IngestResult>) -> Self {
        let queued = result.is_none();
        let IngestResult { new: accepted, rejected: by_plan } =
            result.unwrap_or(IngestResult { new: count, rejected: Vec::new() });
        let duplicates = count.saturating_sub(accepted + by_plan.len()) + left_out.repeated.len();
        let mut rejected = left_out.rejected;
        rejected.extend(by_plan);
        rejected.sort_by_key(|(index, _)| *index);
        Self {
            success: true,
            accepted,
            duplicates,
            rejected: rejected.into_iter().map(|(index, problem)| Rejected::new(index, problem)).collect(),
            queued,
        }
    }
}

/// A warning if an event has an amount that cannot be read.
pub(crate) fn amount_unread(rows: &[Row]) -> Option<Warning> {
    let is_unread = |row: &Row| row.revenue.is_none() && revenue::is_unread(row.data.get());
    rows.iter().any(is_unread).then(Warning::amount_unread)
}
