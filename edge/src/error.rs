//! Why a command or a handler has no result. Knows no HTTP: `http/problem.rs` turns codes into
//! statuses.

use std::cell::Cell;

use trackmate_wire::problem::{Code, Problem};
use worker::console_error;

use crate::domain::outage::{self, Failure};
use crate::store;

thread_local! {
    /// Whether this isolate has said that the database is full.
    static FULL_TOLD: Cell<bool> = const { Cell::new(false) };
}

/// Why a handler has no answer.
#[derive(Debug)]
pub(crate) enum Error {
    /// The caller can mend it.
    Problem(Problem),
    /// We failed; the text is for the log alone.
    Internal(String),
    /// D1 cannot be reached just now; the text is for the log alone.
    Down(String),
    /// The database is full; the text is for the log alone.
    Full(String),
}

impl Error {
    /// The problem's code.
    pub(crate) const fn code(&self) -> Code {
        match self {
            Self::Problem(problem) => problem.code,
            Self::Internal(_) => Code::Internal,
            Self::Down(_) => Code::Unavailable,
            Self::Full(_) => Code::StorageFull,
        }
    }

    /// Says in the log what went wrong, unless that is the caller's matter. A full database is told
    /// once an isolate: every request would say the same.
    pub(crate) fn log(&self, what: &str) {
        match self {
            Self::Problem(_) => {}
            Self::Internal(detail) | Self::Down(detail) => console_error!("{what} failed: {detail}"),
            Self::Full(detail) if !FULL_TOLD.replace(true) => console_error!(
                "THE DATABASE IS FULL. Nothing more is stored until there is room (docs/deploy.md). {what} failed: {detail}"
            ),
            Self::Full(_) => {}
        }
    }

    /// What the caller is told.
    pub(crate) fn problem(self) -> Problem {
        match self {
            Self::Problem(problem) => problem,
            Self::Internal(_) => {
                Problem::new(Code::Internal, "TrackMate failed; this request may not have been stored. Try again.")
            }
            Self::Down(_) => Problem::new(
                Code::Unavailable,
                "the database cannot be reached just now; this request may not have been stored. Try again later.",
            ),
            Self::Full(_) => Problem::new(
                Code::StorageFull,
                "the database is full; nothing of this request was stored. The operator of this deployment has to make room.",
            ),
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<worker::Error> for Error {
    fn from(error: worker::Error) -> Self {
        match outage::failure(&error.to_string()) {
            Failure::Passing => Self::Down(store::brief(&error)),
            Failure::Full => Self::Full(store::brief(&error)),
            // D1's message is many lines with a stack; the first says what happened.
            Failure::Lasting => Self::Internal(error.to_string().lines().take(2).collect::<Vec<_>>().join(" ")),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(format!("an answer could not be written: {error}"))
    }
}
