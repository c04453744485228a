//! What can go wrong in a handler, and the one place where problem codes become statuses.

use std::cell::Cell;

use serde::Serialize;
use trackmate_wire::limits::{BUSY_S, RATE_PERIOD_S, STORAGE_FULL_S, UNAVAILABLE_S};
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

    /// Says in the log what went wrong, unless that is the caller's matter. A full database is told once an isolate: every request would say the same.
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
                Problem::new(Code::Internal, "TrackMate failed; nothing of this request was stored. Try again.")
            }
            Self::Down(_) => Problem::new(
                Code::Unavailable,
                "the database cannot be reached just now; nothing of this request was stored. Try again later.",
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

/// The HTTP status of a problem.
pub(crate) const fn status(code: Code) -> u16 {
    match code {
        Code::InvalidJson
        | Code::InvalidEncoding
        | Code::MissingField
        | Code::InvalidField
        | Code::EventTooLarge
        | Code::JsonTooDeep
        | Code::PlanViolation
        | Code::InvalidSession
        | Code::InvalidEmail
        | Code::PlaceholderId
        | Code::InvalidTimestamp
        | Code::InvalidCursor
        | Code::InvalidUrl => 400,
        Code::MissingKey | Code::InvalidKey | Code::WrongCompany => 401,
        Code::OriginNotAllowed | Code::IdentityUnproved | Code::WrongScope => 403,
        Code::UnknownCompany | Code::UnknownUser | Code::NotFound => 404,
        Code::MethodNotAllowed => 405,
        Code::Conflict | Code::LimitReached => 409,
        Code::ErasedUser => 410,
        Code::BodyTooLarge | Code::TooManyEvents => 413,
        Code::RateLimited => 429,
        Code::Internal | Code::NotStored => 500,
        Code::Unavailable | Code::Busy => 503,
        Code::StorageFull => 507,
    }
}

/// The value of `Retry-After` for what passes by itself.
pub(crate) fn retry_after_s(code: Code) -> Option<u32> {
    let all = [
        (Code::RateLimited, RATE_PERIOD_S),
        (Code::Unavailable, UNAVAILABLE_S),
        (Code::Busy, BUSY_S),
        (Code::StorageFull, STORAGE_FULL_S),
    ];
    all.into_iter().find_map(|(c, s)| (c == code).then_some(s))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    success: bool,
    code: &'static str,
    message: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
}

/// `{"success":false,"code","message","requestId","field"?}`.
pub(crate) fn json(problem: &Problem, request_id: &str) -> String {
    let body = Body {
        success: false,
        code: problem.code.as_str(),
        message: &problem.message,
        request_id,
        field: problem.place(),
    };
    serde_json::to_string(&body).unwrap_or_else(|_| r#"{"success":false,"code":"internal"}"#.to_owned())
}
