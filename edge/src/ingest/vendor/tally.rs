//! Counts the results of the items of a vendor's request.

use trackmate_wire::problem::{Code, Problem};

use crate::error::Error;
use crate::ingest::answer::IngestResult;

/// How many items were accepted, were duplicates, or were rejected (with position and problem).
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

    /// Counts `count` events with the result of storing them.
    pub(crate) fn add(&mut self, count: usize, result: IngestResult) {
        self.accepted += result.new;
        self.duplicates += count.saturating_sub(result.new + result.rejected.len());
        self.rejected.extend(result.rejected);
    }

    /// Counts a rejected item.
    ///
    /// # Errors
    /// The error itself, if it concerns the whole request.
    pub(crate) fn reject(&mut self, index: usize, error: Error) -> Result<(), Error> {
        match error {
            Error::Problem(problem) if !matters_to_all(problem.code) => {
                self.rejected.push((index, problem));
                Ok(())
            }
            error @ (Error::Problem(_) | Error::Internal(_) | Error::Down(_) | Error::Full(_)) => Err(error),
        }
    }
}

/// Whether a problem concerns the whole request and not one item.
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
