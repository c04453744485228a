//! The closed, published list of what can go wrong for a caller. Clients match on `code`; texts
//! may change.
//!
//! To add one: 1. a variant with its doc line here, 2. its name in [`Code::as_str`] and in
//! [`ALL`], 3. its explanation in [`crate::catalogue`], 4. its status where the Worker maps errors
//! to answers, 5. `make openapi`, which writes `docs/problems.md`.

/// A problem code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The body is not JSON of the expected form.
    InvalidJson,
    /// The body is over 500 KB, before or after gunzip.
    BodyTooLarge,
    /// The `Content-Encoding` is neither identity nor gzip, or the gzip data are broken.
    InvalidEncoding,
    /// More than 500 events in one request, or too many identifies of one person in a vendor batch.
    TooManyEvents,
    /// A required field is missing.
    MissingField,
    /// A field has an invalid value; `field` names it.
    InvalidField,
    /// An event, a contact form or a set of traits is over its limit of size.
    EventTooLarge,
    /// An event's data are nested deeper than 32.
    JsonTooDeep,
    /// The event violates the company's tracking plan; `field` names the place.
    PlanViolation,
    /// The session id has a wrong form, or callers may not use it.
    InvalidSession,
    /// The text is not an e-mail address.
    InvalidEmail,
    /// The id is a text that broken clients send in place of an id, such as `undefined`.
    PlaceholderId,
    /// A time is neither ISO 8601 nor epoch milliseconds or seconds.
    InvalidTimestamp,
    /// This list did not issue the cursor.
    InvalidCursor,
    /// TrackMate may not deliver to this webhook URL.
    InvalidUrl,
    /// The page's origin is not in the company's `allowedOrigins`.
    OriginNotAllowed,
    /// No key was sent.
    MissingKey,
    /// The key is unknown or revoked.
    InvalidKey,
    /// A page identified somebody without the `userHash` that its company requires, or with a
    /// wrong one.
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
    /// The id is taken, or the request contradicts itself: a key cannot revoke itself.
    Conflict,
    /// A limit on the number of things is reached.
    LimitReached,
    /// A request with the same `Idempotency-Key` still runs; `Retry-After` says when to try again.
    IdempotencyKeyInUse,
    /// The `Idempotency-Key` belongs to another request.
    IdempotencyKeyReused,
    /// The caller sent more requests than it may; `Retry-After` says when to try again.
    RateLimited,
    /// An item that was queued while the database was down and could not be stored afterwards. The
    /// list of rejected items shows this code; it is never an answer.
    NotStored,
    /// The database cannot be reached, and the request could not be queued either; `Retry-After`
    /// says when to try again.
    Unavailable,
    /// The database lacks migrations that this version needs. Only `/readyz` answers it.
    SchemaOutdated,
    /// The database is full: nothing more is stored until the deployment's operator makes room.
    StorageFull,
    /// Too many requests change the same person at once; `Retry-After` says when to try again.
    Busy,
    /// TrackMate has a fault; `requestId` finds it in the logs.
    Internal,
}

/// Every code.
pub const ALL: [Code; 37] = [
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
    Code::IdempotencyKeyInUse,
    Code::IdempotencyKeyReused,
    Code::RateLimited,
    Code::NotStored,
    Code::Unavailable,
    Code::SchemaOutdated,
    Code::StorageFull,
    Code::Busy,
    Code::Internal,
];

impl Code {
    /// The code as answers show it.
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
            Self::IdempotencyKeyInUse => "idempotency_key_in_use",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::RateLimited => "rate_limited",
            Self::NotStored => "not_stored",
            Self::Unavailable => "unavailable",
            Self::SchemaOutdated => "schema_outdated",
            Self::StorageFull => "storage_full",
            Self::Busy => "busy",
            Self::Internal => "internal",
        }
    }
}

/// A problem as a caller receives it: a code, a sentence that names the fix, and the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What clients match on.
    pub code: Code,
    /// One sentence for the person who reads the answer. It never shows data of another company or
    /// internals of TrackMate.
    pub message: String,
    /// The field of the request, as the caller wrote it.
    pub field: Option<&'static str>,
    /// The place within that field, with its name: `eventData.order.total`.
    pub path: Option<String>,
}

impl Problem {
    /// A problem that concerns no single field.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None, path: None }
    }

    /// A problem with one field.
    #[must_use]
    pub fn field(code: Code, field: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: Some(field), path: None }
    }

    /// The field, or the place within it, as answers show it.
    #[must_use]
    pub fn path_or_field(&self) -> Option<&str> {
        self.path.as_deref().or(self.field)
    }
}
