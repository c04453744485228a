//! What a person reads of each problem code: what it is, why it happens and how to fix it.
//! `make openapi` makes `docs/problems.md` and the page `/docs/problems/` of it, and the
//! command-line manager shows it. The Worker contains the titles only, because it uses no others.

use crate::problem::Code;

/// The text about one problem code. It is Markdown that uses code spans only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// When TrackMate answers with this code, and why.
    pub cause: &'static str,
    /// What the caller can do about it.
    pub fix: &'static str,
}

const fn explanation(cause: &'static str, fix: &'static str) -> Explanation {
    Explanation { cause, fix }
}

/// What a problem is, in a few words without a full stop.
#[must_use]
pub const fn title(code: Code) -> &'static str {
    match code {
        Code::InvalidJson => "The body is not JSON",
        Code::BodyTooLarge => "The body is too large",
        Code::InvalidEncoding => "The body cannot be unpacked",
        Code::TooManyEvents => "Too many events at once",
        Code::MissingField => "A field is missing",
        Code::InvalidField => "A field has an invalid value",
        Code::EventTooLarge => "An event is too large",
        Code::JsonTooDeep => "Data are nested too deep",
        Code::PlanViolation => "The event violates the tracking plan",
        Code::InvalidSession => "The session id cannot be used",
        Code::InvalidEmail => "Not an e-mail address",
        Code::PlaceholderId => "A placeholder in place of an id",
        Code::InvalidTimestamp => "A time cannot be read",
        Code::InvalidCursor => "The cursor does not belong to this list",
        Code::InvalidUrl => "Deliveries may not go to this address",
        Code::OriginNotAllowed => "The page's origin is not allowed",
        Code::MissingKey => "No key was sent",
        Code::InvalidKey => "The key is unknown or revoked",
        Code::IdentityUnproved => "The identity is not proved",
        Code::WrongScope => "The key is for other routes",
        Code::WrongCompany => "The key belongs to another company",
        Code::UnknownCompany => "No such company",
        Code::UnknownUser => "No such user",
        Code::ErasedUser => "The user was erased",
        Code::NotFound => "Nothing is there",
        Code::MethodNotAllowed => "The path does not take this method",
        Code::Conflict => "The request conflicts with what exists",
        Code::LimitReached => "A limit is reached",
        Code::IdempotencyKeyInUse => "The first request still runs",
        Code::IdempotencyKeyReused => "The idempotency key is used already",
        Code::RateLimited => "Too many requests",
        Code::NotStored => "A queued item could not be stored",
        Code::Unavailable => "The database cannot be reached",
        Code::SchemaOutdated => "The database lacks migrations",
        Code::StorageFull => "The database is full",
        Code::Busy => "Too many changes to one person at once",
        Code::Internal => "TrackMate failed",
    }
}

/// The explanation of a code.
#[must_use]
#[allow(clippy::too_many_lines, reason = "a table")]
pub const fn of(code: Code) -> Explanation {
    match code {
        Code::InvalidJson => explanation(
            "The body is not valid JSON, or not JSON of the form that the route expects.",
            "Send one JSON object in UTF-8. The message names the line and column where parsing stopped. A body \
             that ends too early was truncated on its way, often because of a wrong `Content-Length`. The \
             `Content-Type` does not matter.",
        ),
        Code::BodyTooLarge => explanation(
            "The body is over 500 KB, before or after gunzip.",
            "Send fewer events in one request. The SDK does so automatically.",
        ),
        Code::InvalidEncoding => explanation(
            "The `Content-Encoding` is neither identity nor gzip, or the gzip data are broken.",
            "Send gzip or plain text. A proxy that unpacks the body must also remove the header.",
        ),
        Code::TooManyEvents => explanation(
            "The request has more than 500 events. Or it is a batch from another vendor's client that \
             identifies one user id with more than 4 different addresses, or one address with more than 4 \
             different user ids. Nothing of the request was stored.",
            "Split the events over several requests. For the batch of another vendor's client, send the \
             identifies of that person in further requests, in their order. Give each event a `messageId`: then \
             nothing is stored twice, however often you send it.",
        ),
        Code::MissingField => {
            explanation("A required field is missing.", "`field` names it. Null and blank text count as missing.")
        }
        Code::InvalidField => explanation(
            "A field has a value that the route does not accept, or the route knows no such field; `field` \
             names it.",
            "The message says which values the field takes, and the reference shows its limits.",
        ),
        Code::EventTooLarge => explanation(
            "One event is over 32 KB, or the traits of a person have more than 250 members, including those of \
             nested objects.",
            "Send ids and numbers in place of documents, images and page texts. In a batch, the other events \
             were stored.",
        ),
        Code::JsonTooDeep => explanation(
            "An event's data are nested deeper than 32 levels.",
            "Flatten the data. The usual cause is an object that contains itself, or a whole component or DOM \
             node sent by mistake.",
        ),
        Code::PlanViolation => explanation(
            "The event violates the company's tracking plan, and the plan rejects such events. `field` names \
             the place, such as `eventData.order.total`.",
            "Send the event with the name, fields and types of the plan, or change the plan (`trackmate plan`). \
             The other events of the request were stored.",
        ),
        Code::InvalidSession => explanation(
            "The session id has a wrong form, or it is an id that callers may not use.",
            "Let the SDK make the id. An id of your own has 1 to 128 letters, digits and `_ - . :`. A page \
             cannot use the ids that TrackMate makes: `webhook_…`, and `user_…`, `anonymous_…` or `contact_…` \
             with 32 hexadecimal digits.",
        ),
        Code::InvalidEmail => explanation(
            "The text is not an e-mail address.",
            "Send one address of at most 254 bytes. Check the form's field before you identify.",
        ),
        Code::PlaceholderId => explanation(
            "The id is a text that broken clients send in place of an id, such as `undefined`.",
            "Find the variable that was empty when the request was made, and send nothing until it has a value. \
             Otherwise two strangers called `undefined` would become one person.",
        ),
        Code::InvalidTimestamp => explanation(
            "A time is neither ISO 8601 nor epoch milliseconds or seconds.",
            "Send `new Date().toISOString()`, or the number of milliseconds since 1970. Or leave the time out: \
             then the time of arrival counts.",
        ),
        Code::InvalidCursor => explanation(
            "This list did not issue the cursor.",
            "Send `nextCursor` unchanged, with the same filters and order as the page before. To start again, \
             leave it out.",
        ),
        Code::InvalidUrl => explanation(
            "A webhook has a URL to which TrackMate may not deliver.",
            "Use `https` and a public host name, without IP addresses, names of an internal network, user names \
             or passwords. Put credentials into `headers`. To receive on your own machine, use a tunnel.",
        ),
        Code::OriginNotAllowed => explanation(
            "The page's origin is not in the company's `allowedOrigins`.",
            "Add the origin to `allowedOrigins` in the settings, as the browser sends it: \
             `https://shop.example`, with the port if there is one, without a path.",
        ),
        Code::MissingKey => explanation(
            "The request has no key.",
            "Send the key in the header that the route names (`X-TrackMate-API-Key` for servers, `X-Admin-ID` \
             for admins) or as `Authorization: Bearer`. Proxies often remove headers that they do not know.",
        ),
        Code::InvalidKey => explanation(
            "No key of this deployment matches, or the key is revoked.",
            "Compare its first characters with the list of keys. A key is shown in full only once, when it is \
             made: if it is lost, make another.",
        ),
        Code::IdentityUnproved => explanation(
            "A page identified a person, or sent a contact form, without a valid `userHash`. It is answered in \
             two cases. First, `identityVerification` is `required` and the request has no `userHash`. Second, \
             `identityVerification` is `optional` or `required` and the `userHash` is wrong. Nothing was \
             stored. Servers never need a `userHash`.",
            "Make `userHash` on your server: the lower-case hex HMAC-SHA256 of the e-mail address, keyed with \
             the company's identity secret. Hash the address exactly as the page sends it, or trimmed and in \
             lower case. A client of another vendor that sends no address hashes the user id. If the secret was \
             rotated, use the new one.",
        ),
        Code::WrongScope => explanation(
            "The key's scope does not cover this route, or a page sent a server key.",
            "Servers send events with a key of scope `server` (`tm_live_…`). Everything under `/api/admin` \
             takes a key of scope `admin` (`tm_admin_…`). A page uses the company id: revoke a secret key that \
             a page has sent.",
        ),
        Code::WrongCompany => explanation(
            "The `company_id` is not the company of the key.",
            "Leave `company_id` out, since the key names the company, or use a key of that company. The usual \
             cause is a mix-up of the keys of test and production.",
        ),
        Code::UnknownCompany => explanation(
            "No company has this id.",
            "Copy the id from the dashboard's settings: `TM-` and capitals or digits. The company must exist on \
             the deployment that you send to.",
        ),
        Code::UnknownUser => explanation(
            "No user of this company has this id.",
            "Take the id from `profileId` of an identify or from the list of users. To name a person whom \
             TrackMate may not know yet, use the e-mail address: it creates the user.",
        ),
        Code::ErasedUser => explanation(
            "The user was erased.",
            "Send nothing more about the user. An admin can lift the tombstone of an address: then it can come \
             back as a new user.",
        ),
        Code::NotFound => explanation(
            "The path does not exist, or this company has no such thing.",
            "Compare the path with the reference; clients of vendors that TrackMate does not support use other \
             paths. Things of another company are not found either. Behind a proxy, check whether it changes \
             paths.",
        ),
        Code::MethodNotAllowed => explanation(
            "The path exists, but not with this method.",
            "The header `Allow` names the methods of the path. A redirect turns POST into GET: call the final \
             address.",
        ),
        Code::Conflict => explanation(
            "The id or address is taken, or the request contradicts itself: a key cannot revoke itself.",
            "A `messageId` belongs to one event for ever, and an address to one user. Use another. If two users \
             are one person, merge them. A repeat with an `Idempotency-Key` conflicts if the first request was \
             answered and its answer is no longer stored: look at what it has made.",
        ),
        Code::LimitReached => explanation(
            "A limit on a number of things is reached.",
            "The message names the limit. Delete what you no longer use, or wait until running work has ended. \
             If the figures of a range have more to count than a request may, ask again in a few minutes.",
        ),
        Code::IdempotencyKeyInUse => explanation(
            "A request with the same `Idempotency-Key` still runs, or died less than a minute ago.",
            "Send the same request again after the seconds that `Retry-After` names. It gets the answer of the \
             first one, or runs if that one died.",
        ),
        Code::IdempotencyKeyReused => explanation(
            "The `Idempotency-Key` was sent with another path or body within the last 24 hours.",
            "Make a new key for each thing that you do, for example a UUID, and repeat a request with exactly the \
             same bytes.",
        ),
        Code::RateLimited => explanation(
            "The caller sent more requests than it may send in ten seconds.",
            "Send the same request again after the seconds that `Retry-After` names. Put the events of many \
             visitors into one request rather than into many.",
        ),
        Code::NotStored => explanation(
            "TrackMate answered the item with `queued` while the database was down, and could not store it \
             afterwards. Either the database stayed down for four days, or storing the item failed every time. \
             This code is never an answer; it stands in the list of rejected items.",
            "Send the item again with the same `messageId`, if you still have it. The deployment's operator has \
             a copy for some days and can replay it.",
        ),
        Code::Unavailable => explanation(
            "The database cannot be reached, and the request could not be queued either.",
            "Send the same request again after the seconds that `Retry-After` names, with the same `messageId`: \
             nothing is stored twice.",
        ),
        Code::SchemaOutdated => explanation(
            "The deployed version needs a newer schema than the database has. `/readyz` says so; other routes may \
             fail with `internal`.",
            "The operator runs `trackmate upgrade`, which applies the migrations.",
        ),
        Code::StorageFull => explanation(
            "The database has reached its maximum size. TrackMate stores nothing more until the deployment's \
             operator makes room.",
            "Keep the request and send it again later with the same `messageId`; the SDK does so. If you run \
             the deployment, set `eventRetentionDays` or delete what you do not need, as the deployment guide \
             describes.",
        ),
        Code::Busy => explanation(
            "Too many requests change the same person at once, and this one did not get its turn.",
            "Send the same request again after the seconds that `Retry-After` names, with the same `messageId`. \
             Nothing is stored twice, and the rest of the request is completed.",
        ),
        Code::Internal => explanation(
            "TrackMate has a fault; `requestId` finds it in the logs.",
            "Send the same request again with the same `messageId`: nothing is stored twice. If the error \
             stays, give the operator the `requestId`.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::ALL;

    #[test]
    fn every_code_has_a_unique_title_a_cause_and_a_fix() {
        let mut titles: Vec<&str> = ALL.iter().map(|code| title(*code)).collect();
        titles.sort_unstable();
        titles.dedup();
        assert_eq!(titles.len(), ALL.len());
        for code in ALL {
            let (title, Explanation { cause, fix }) = (title(code), of(code));
            assert!(!title.ends_with('.') && title.len() < 50, "{title}");
            for text in [cause, fix] {
                assert!(text.ends_with('.') && !text.contains('|') && !text.contains('\n'), "{text}");
                assert_eq!(text.matches('`').count() % 2, 0, "{text}");
            }
        }
    }
}
