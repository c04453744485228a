//! What becomes of the items of a vendor client's request.

use trackmate_wire::problem::{Code, Problem};

use crate::error::Error;
use crate::ingest::receipt::IngestResult;

/// What became of a body's items.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) accepted: usize,
    pub(crate) duplicates: usize,
    pub(crate) rejected: Vec<(usize, Problem)>,
}

impl Tally {
    pub(crate) const fn count(&mut self, is_new: bool) {
        if is_new {
            self.accepted += 1;
        } else {
            self.duplicates += 1;
        }
    }

    /// Counts events of which so many could be stored, or were refused then.
    pub(crate) fn add(&mut self, count: usize, result: IngestResult) {
        self.accepted += result.new;
        self.duplicates += count.saturating_sub(result.new + result.rejected.len());
        self.rejected.extend(result.rejected);
    }

    /// Notes an item that was refused; what is no matter of this one item is the request's failure.
    pub(crate) fn refuse(&mut self, index: usize, error: Error) -> Result<(), Error> {
        match error {
            Error::Problem(problem) if !matters_to_all(problem.code) => {
                self.rejected.push((index, problem));
                Ok(())
            }
            error @ (Error::Problem(_) | Error::Internal(_) | Error::Down(_) | Error::Full(_)) => Err(error),
        }
    }
}

/// Whether a problem is the request's and not one item's.
pub(crate) const fn matters_to_all(code: Code) -> bool {
    matches!(
        code,
        Code::UnknownCompany
            | Code::OriginNotAllowed
            | Code::MissingKey
            | Code::InvalidKey
            | Code::WrongScope
            | Code::Busy
    )
}
