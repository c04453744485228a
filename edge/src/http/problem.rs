//! Problems on the wire: the status of each code, `Retry-After`, and the body, which is also that
//! of RFC 9457.

use serde::Serialize;
use trackmate_wire::catalogue;
use trackmate_wire::limits::{BUSY_S, IDEMPOTENCY_WAIT_S, RATE_PERIOD_S, STORAGE_FULL_S, UNAVAILABLE_S};
use trackmate_wire::problem::{Code, Problem};

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
        Code::Conflict | Code::LimitReached | Code::IdempotencyKeyInUse => 409,
        Code::ErasedUser => 410,
        Code::BodyTooLarge | Code::TooManyEvents => 413,
        Code::IdempotencyKeyReused => 422,
        Code::RateLimited => 429,
        Code::Internal | Code::NotStored => 500,
        Code::Unavailable | Code::SchemaOutdated | Code::Busy => 503,
        Code::StorageFull => 507,
    }
}

/// The value of `Retry-After`, in seconds, for problems that pass without a change of the request.
pub(crate) fn retry_after_s(code: Code) -> Option<u32> {
    let all = [
        (Code::RateLimited, RATE_PERIOD_S),
        (Code::Unavailable, UNAVAILABLE_S),
        (Code::SchemaOutdated, UNAVAILABLE_S),
        (Code::Busy, BUSY_S),
        (Code::IdempotencyKeyInUse, IDEMPOTENCY_WAIT_S),
        (Code::StorageFull, STORAGE_FULL_S),
    ];
    all.into_iter().find_map(|(c, s)| (c == code).then_some(s))
}

/// The media type of a problem. Clients of other vendors are made for `application/json`.
pub(crate) const fn media_type(for_vendor: bool) -> &'static str {
    if for_vendor { "application/json" } else { "application/problem+json" }
}

/// TrackMate's members, and those of RFC 9457: `type`, `title`, `status` and `detail`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProblemBody<'a> {
    success: bool,
    code: &'static str,
    message: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    /// The page about the code, relative to the request's URL.
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
}

/// Writes the body of a problem: `{"success":false,"code","message","requestId","field"?,"type",
/// "title","status","detail"}`.
pub(crate) fn json(problem: &Problem, request_id: &str) -> String {
    let code = problem.code.as_str();
    let body = ProblemBody {
        success: false,
        code,
        message: &problem.message,
        request_id,
        field: problem.path_or_field(),
        r#type: format!("/docs/problems/#{code}"),
        title: catalogue::title(problem.code),
        status: status(problem.code),
        detail: &problem.message,
    };
    serde_json::to_string(&body).unwrap_or_else(|_| r#"{"success":false,"code":"internal"}"#.to_owned())
}
