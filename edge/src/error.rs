//! The error of commands and handlers. It knows no HTTP: `http/problem.rs` maps codes to statuses.

use std::cell::Cell;

use trackmate_wire::problem::{Code, Problem};
use worker::console_error;

use crate::domain::outage::{self, Failure};
use crate::store;

thread_local! {
    /// Whether this isolate has logged that the database is full.
    static FULL_LOGGED: Cell<bool> = const { Cell::new(false) };
    /// Whether the database was too full for a request of this isolate.
    static FULL_SEEN: Cell<bool> = const { Cell::new(false) };
}

/// Whether the database was too full for a request of this isolate since the last call.
pub(crate) fn take_full_seen() -> bool {
    FULL_SEEN.take()
}

/// Why a command or a handler failed.
#[derive(Debug)]
pub(crate) enum Error {
    /// The caller can fix it.
    Problem(Problem),
    /// TrackMate failed; the text is only for the log.
    Internal(String),
    /// D1 cannot be reached at the moment; the text is only for the log.
    Down(String),
    /// The database is full; the text is only for the log.
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

    /// Logs the error, unless the caller can fix it. A full database is logged once per isolate,
    /// because every request has the same error.
    pub(crate) fn log(&self, what: &str) {
        if matches!(self, Self::Full(_)) {
            FULL_SEEN.set(true);
        }
        match self {
            Self::Problem(_) => {}
            Self::Internal(detail) | Self::Down(detail) => console_error!("{what} failed: {detail}"),
            Self::Full(detail) if !FULL_LOGGED.replace(true) => console_error!(
                "THE DATABASE IS FULL. Nothing more is stored until there is room (docs/deploy.md). \
                 {what} failed: {detail}"
            ),
            Self::Full(_) => {}
        }
    }

    /// The problem that the caller gets.
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
                "the database is full; nothing of this request was stored. \
                 The operator of this deployment has to make room.",
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
            // D1's message has many lines with a stack; the first two say what happened.
            Failure::Lasting => Self::Internal(error.to_string().lines().take(2).collect::<Vec<_>>().join(" ")),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(format!("an answer could not be written: {error}"))
    }
}
