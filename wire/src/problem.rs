//! The closed, published list of what can go wrong for a caller. Clients match on `code`; texts may change.
//!
//! To add one: 1. a variant with its doc line here, 2. its name in [`Code::as_str`] and in [`ALL`],
//! 3. what is said of it in [`crate::catalogue`], 4. its status in `edge/src/http/error.rs`, 5. `make openapi`, which writes `docs/problems.md`.

/// A problem code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The body is not JSON of the expected form.
    InvalidJson,
    /// The body is over 500 KB, before or after gunzip.
    BodyTooLarge,
    /// The `Content-Encoding` is neither identity nor gzip, or the gzip data are broken.
    InvalidEncoding,
    /// More than 500 events in one request.
    TooManyEvents,
    /// A required field is missing.
    MissingField,
    /// A field has a value that it cannot have; `field` names it.
    InvalidField,
    /// One event is over 32 KB.
    EventTooLarge,
    /// An event's data are nested deeper than 32.
    JsonTooDeep,
    /// The event is not as the company's tracking plan has it; `field` names the place.
    PlanViolation,
    /// A session id that a caller may not use.
    InvalidSession,
    /// Not an e-mail address.
    InvalidEmail,
    /// A text that broken clients send in place of an id, such as `undefined`.
    PlaceholderId,
    /// A time that is neither ISO 8601 nor epoch milliseconds or seconds.
    InvalidTimestamp,
    /// A cursor that this list did not give out.
    InvalidCursor,
    /// A webhook URL that deliveries may not go to.
    InvalidUrl,
    /// The page's origin is not on the company's list.
    OriginNotAllowed,
    /// No key was sent.
    MissingKey,
    /// The key is unknown or revoked.
    InvalidKey,
    /// A page's identify without the proof that its company asks for, or with a wrong one.
    IdentityUnproved,
    /// The key's scope does not cover this route.
    WrongScope,
    /// The `company_id` is not the key's company.
    WrongCompany,
    /// No company has this id.
    UnknownCompany,
    /// No user of this company has this id.
    UnknownUser,
    /// The user was erased.
    ErasedUser,
    /// No such path, or no such thing in this company.
    NotFound,
    /// The path exists; the method does not.
    MethodNotAllowed,
    /// The id is taken, or what is asked stands against itself: a key does not revoke itself.
    Conflict,
    /// A limit on the number of things is reached.
    LimitReached,
    /// More requests than this caller may send; `Retry-After` says when to try again.
    RateLimited,
    /// An item that was accepted while the database was down, and could not be stored since. It is told of, never answered.
    NotStored,
    /// The database cannot be reached, and what was sent could not be queued either; `Retry-After` says when to try again.
    Unavailable,
    /// The database is full: nothing more is stored until the deployment's operator has made room.
    StorageFull,
    /// Too many requests change the same person at once; `Retry-After` says when to try again.
    Busy,
    /// Our own failure; `requestId` finds it in the logs.
    Internal,
}

/// Every code there is.
pub const ALL: [Code; 34] = [
    Code::InvalidJson,
    Code::BodyTooLarge,
    Code::InvalidEncoding,
    Code::TooManyEvents,
    Code::MissingField,
    Code::InvalidField,
    Code::EventTooLarge,
    Code::JsonTooDeep,
    Code::PlanViolation,
    Code::InvalidSession,
    Code::InvalidEmail,
    Code::PlaceholderId,
    Code::InvalidTimestamp,
    Code::InvalidCursor,
    Code::InvalidUrl,
    Code::OriginNotAllowed,
    Code::MissingKey,
    Code::InvalidKey,
    Code::IdentityUnproved,
    Code::WrongScope,
    Code::WrongCompany,
    Code::UnknownCompany,
    Code::UnknownUser,
    Code::ErasedUser,
    Code::NotFound,
    Code::MethodNotAllowed,
    Code::Conflict,
    Code::LimitReached,
    Code::RateLimited,
    Code::NotStored,
    Code::Unavailable,
    Code::StorageFull,
    Code::Busy,
    Code::Internal,
];

impl Code {
    /// The code as it stands in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidJson => "invalid_json",
            Self::BodyTooLarge => "body_too_large",
            Self::InvalidEncoding => "invalid_encoding",
            Self::TooManyEvents => "too_many_events",
            Self::MissingField => "missing_field",
            Self::InvalidField => "invalid_field",
            Self::EventTooLarge => "event_too_large",
            Self::JsonTooDeep => "json_too_deep",
            Self::PlanViolation => "plan_violation",
            Self::InvalidSession => "invalid_session",
            Self::InvalidEmail => "invalid_email",
            Self::PlaceholderId => "placeholder_id",
            Self::InvalidTimestamp => "invalid_timestamp",
            Self::InvalidCursor => "invalid_cursor",
            Self::InvalidUrl => "invalid_url",
            Self::OriginNotAllowed => "origin_not_allowed",
            Self::MissingKey => "missing_key",
            Self::InvalidKey => "invalid_key",
            Self::IdentityUnproved => "identity_unproved",
            Self::WrongScope => "wrong_scope",
            Self::WrongCompany => "wrong_company",
            Self::UnknownCompany => "unknown_company",
            Self::UnknownUser => "unknown_user",
            Self::ErasedUser => "erased_user",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Conflict => "conflict",
            Self::LimitReached => "limit_reached",
            Self::RateLimited => "rate_limited",
            Self::NotStored => "not_stored",
            Self::Unavailable => "unavailable",
            Self::StorageFull => "storage_full",
            Self::Busy => "busy",
            Self::Internal => "internal",
        }
    }
}

/// What a caller is told: a code, a sentence that names the mend, and the field it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What clients match on.
    pub code: Code,
    /// One sentence for the person who reads the answer. Never another tenant's or our own internals.
    pub message: String,
    /// The request's field, as the caller wrote it.
    pub field: Option<&'static str>,
    /// The place within that field, with its name: `eventData.order.total`.
    pub path: Option<String>,
}

impl Problem {
    /// A problem that is about no single field.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None, path: None }
    }

    /// A problem with one field.
    #[must_use]
    pub fn field(code: Code, field: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: Some(field), path: None }
    }

    /// The field, or the place within it, as the caller is told.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.path.as_deref().or(self.field)
    }
}
