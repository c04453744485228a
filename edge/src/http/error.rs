//! What can go wrong in a handler, and the one place where problem codes become statuses.

use serde::Serialize;
use trackmate_wire::limits::{RATE_PERIOD_S, UNAVAILABLE_S};
use trackmate_wire::problem::{Code, Problem};

use crate::store;

/// Why a handler has no answer.
#[derive(Debug)]
pub(super) enum Error {
    /// The caller can mend it.
    Problem(Problem),
    /// We failed; the text is for the log alone.
    Internal(String),
    /// D1 cannot be reached, or takes no more; the text is for the log alone.
    Down(String),
}

impl Error {
    /// The problem's code.
    pub(super) const fn code(&self) -> Code {
        match self {
            Self::Problem(problem) => problem.code,
            Self::Internal(_) => Code::Internal,
            Self::Down(_) => Code::Unavailable,
        }
    }

    /// What the caller is told.
    pub(super) fn problem(self) -> Problem {
        match self {
            Self::Problem(problem) => problem,
            Self::Internal(_) => {
                Problem::new(Code::Internal, "TrackMate failed; nothing of this request was stored. Try again.")
            }
            Self::Down(_) => Problem::new(
                Code::Unavailable,
                "the database cannot be reached just now; nothing of this request was stored. Try again later.",
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
        if store::is_down(&error) {
            return Self::Down(store::brief(&error));
        }
        // D1's message is many lines with a stack; the first says what happened.
        Self::Internal(error.to_string().lines().take(2).collect::<Vec<_>>().join(" "))
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(format!("an answer could not be written: {error}"))
    }
}

/// The HTTP status of a problem.
pub(super) const fn status(code: Code) -> u16 {
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
        Code::MissingKey | Code::InvalidKey => 401,
        Code::OriginNotAllowed | Code::IdentityUnproved | Code::WrongScope | Code::WrongCompany => 403,
        Code::UnknownCompany | Code::UnknownUser | Code::NotFound => 404,
        Code::MethodNotAllowed => 405,
        Code::Conflict | Code::LimitReached => 409,
        Code::ErasedUser => 410,
        Code::BodyTooLarge | Code::TooManyEvents => 413,
        Code::RateLimited => 429,
        Code::Internal => 500,
        Code::Unavailable => 503,
    }
}

/// The value of `Retry-After` for what passes by itself.
pub(super) fn retry_after_s(code: Code) -> Option<u32> {
    [(Code::RateLimited, RATE_PERIOD_S), (Code::Unavailable, UNAVAILABLE_S)]
        .into_iter()
        .find_map(|(c, s)| (c == code).then_some(s))
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
pub(super) fn json(problem: &Problem, request_id: &str) -> String {
    let body = Body {
        success: false,
        code: problem.code.as_str(),
        message: &problem.message,
        request_id,
        field: problem.place(),
    };
    serde_json::to_string(&body).unwrap_or_else(|_| r#"{"success":false,"code":"internal"}"#.to_owned())
}
