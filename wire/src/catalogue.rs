//! What a person reads of each problem code: what it is, why it happens and how to mend it. `docs/problems.md` and the page `/docs/problems/` are made from
//! this (`make openapi`), and the command-line manager shows it. The Worker carries none of it: nothing there asks for it.

use crate::problem::Code;

/// A problem as the documentation tells it; Markdown, of which only code is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// What it is, in a few words without a full stop.
    pub title: &'static str,
    /// When it is answered, and why.
    pub cause: &'static str,
    /// What the caller can do about it.
    pub mend: &'static str,
}

const fn told(title: &'static str, cause: &'static str, mend: &'static str) -> Told {
    Told { title, cause, mend }
}

/// What there is to say of a code.
#[must_use]
#[allow(clippy::too_many_lines, reason = "a table")]
pub const fn of(code: Code) -> Told {
    match code {
        Code::InvalidJson => told(
            "The body is not JSON",
            "The body is not JSON of the expected form.",
            "Send one JSON object in UTF-8. The message says at which line and column reading stopped; a body that ends too early was cut off on its way, often by a wrong `Content-Length`. The `Content-Type` does not matter.",
        ),
        Code::BodyTooLarge => told(
            "The body is too large",
            "The body is over 500 KB, before or after gunzip.",
            "Send fewer events in one request. The SDK does so by itself.",
        ),
        Code::InvalidEncoding => told(
            "The body cannot be unpacked",
            "The `Content-Encoding` is neither identity nor gzip, or the gzip data are broken.",
            "Send gzip or plain text. A proxy that unpacks the body has to take the header away, too.",
        ),
        Code::TooManyEvents => told(
            "Too many events at once",
            "More than 500 events in one request.",
            "Split them over several requests; with a `messageId` each, none is stored twice however often one is sent again.",
        ),
        Code::MissingField => told(
            "A field is missing",
            "A required field is missing.",
            "`field` names it. Null and a blank text count as missing.",
        ),
        Code::InvalidField => told(
            "A field has a value that it cannot have",
            "A field has a value that it cannot have; `field` names it.",
            "The message says what it takes, and the reference shows its bounds.",
        ),
        Code::EventTooLarge => told(
            "An event is too large",
            "One event is over 32 KB, or traits have over 250 members.",
            "Send ids and numbers in place of documents, images and page texts. The other events of the request were stored.",
        ),
        Code::JsonTooDeep => told(
            "Data are nested too deep",
            "An event's data are nested deeper than 32.",
            "Flatten the data. Such depth is mostly an object that holds itself, or a whole component or DOM node sent by mistake.",
        ),
        Code::PlanViolation => told(
            "The event is not as the plan has it",
            "The event is not as the company's tracking plan has it, and the plan rejects; `field` names the place, such as `eventData.order.total`.",
            "Send the event under the name and with the fields and types that the plan has, or change the plan (`trackmate plan`). The other events of the request were stored.",
        ),
        Code::InvalidSession => told(
            "The session id cannot be used",
            "A session id that a caller may not use.",
            "Let the SDK make it. One of your own has 1 to 128 letters, digits and `_ - . :`. A page cannot name those that TrackMate makes itself: `webhook_…`, and `user_…`, `anonymous_…` or `contact_…` with 32 hexadecimal digits.",
        ),
        Code::InvalidEmail => told(
            "Not an e-mail address",
            "Not an e-mail address.",
            "Send one address of at most 254 bytes, without a name around it. Check the form's field before identifying.",
        ),
        Code::PlaceholderId => told(
            "A placeholder in place of an id",
            "A text that broken clients send in place of an id, such as `undefined`.",
            "Look for the variable that was empty when the request was made, and send nothing until it is there: two strangers called `undefined` would be taken for one person.",
        ),
        Code::InvalidTimestamp => told(
            "A time cannot be read",
            "A time that is neither ISO 8601 nor epoch milliseconds or seconds.",
            "Send `new Date().toISOString()`, or the number of milliseconds since 1970; or leave it out, and the time of arrival counts.",
        ),
        Code::InvalidCursor => told(
            "The cursor is of no use here",
            "A cursor that this list did not give out.",
            "Take `nextCursor` as it came, with the same filters and order as the page before. To begin anew, leave it out.",
        ),
        Code::InvalidUrl => told(
            "Deliveries may not go to this address",
            "A webhook URL that deliveries may not go to.",
            "Use `https` and a public host name: no IP addresses, no names of an internal network, no user name or password in it. Credentials belong in `headers`. To receive on your own machine, use a tunnel.",
        ),
        Code::OriginNotAllowed => told(
            "The page's origin is not allowed",
            "The page's origin is not on the company's list.",
            "Add the origin as the browser sends it (`https://shop.example`, with the port if there is one, without a path) to `allowedOrigins` in the settings.",
        ),
        Code::MissingKey => told(
            "No key was sent",
            "No key was sent.",
            "Send the key in the header that the route names (`X-TrackMate-API-Key` for servers, `X-Admin-ID` for admins) or as `Authorization: Bearer`. Proxies often take headers away that they do not know.",
        ),
        Code::InvalidKey => told(
            "The key is unknown or revoked",
            "The key is unknown or revoked.",
            "Compare its first characters with the list of keys. A key is shown in full only when it is made: if it is lost, make another.",
        ),
        Code::IdentityUnproved => told(
            "Nobody vouches for this identity",
            "A page identified somebody without the `userHash` that its company asks for, or with a wrong one. Nothing was stored.",
            "Make `userHash` on your server: the lower-case hex HMAC-SHA256 of the e-mail address with the company's identity secret. Both have to have the address spelled alike.",
        ),
        Code::WrongScope => told(
            "The key is for other routes",
            "The key's scope does not cover this route.",
            "Servers send events with a key of scope `server` (`tm_live_…`); everything under `/api/admin` takes one of scope `admin` (`tm_admin_…`).",
        ),
        Code::WrongCompany => told(
            "The key is another company's",
            "The `company_id` is not the key's company.",
            "Leave `company_id` out, since the key says it; or use that company's key. Mostly the keys of test and production are mixed up.",
        ),
        Code::UnknownCompany => told(
            "No such company",
            "No company has this id.",
            "Copy the id from the dashboard's settings: `TM-` and capitals. It has to be of the deployment that the request goes to.",
        ),
        Code::UnknownUser => told(
            "No such user",
            "No user of this company has this id.",
            "Take the id from `profileId` of an identify or from the list of users. To name somebody whom TrackMate may not know yet, use the e-mail address: it makes the user.",
        ),
        Code::ErasedUser => told(
            "The user was erased",
            "The user was erased.",
            "Send nothing more about them. An address may come again, as somebody new, once its tombstone is lifted.",
        ),
        Code::NotFound => told(
            "Nothing is there",
            "No such path (a client of another vendor may know others), or no such thing in this company.",
            "Compare the path with the reference; what another company has is not found either. Behind a proxy, look whether it changes paths.",
        ),
        Code::MethodNotAllowed => told(
            "The path does not take this method",
            "The path exists; the method does not.",
            "The header `Allow` names those that it takes. A redirect turns POST into GET: call the final address.",
        ),
        Code::Conflict => told(
            "It stands against what is there",
            "The id is taken, or what is asked stands against itself: a key does not revoke itself.",
            "A `messageId` is one event's for ever, an address one user's, a company's id its own. Use another; two users who are one person can be merged.",
        ),
        Code::LimitReached => told(
            "There is no room for more",
            "A limit on the number of things is reached.",
            "The message names the limit. Delete what is not used any more, or wait for what is under way to end.",
        ),
        Code::RateLimited => told(
            "Too many requests",
            "More requests than this caller may send in ten seconds.",
            "Send the same again after the seconds that `Retry-After` names. Events of many visitors go into one request better than into many.",
        ),
        Code::NotStored => told(
            "What was queued could not be stored",
            "The item was answered with `queued` while the database was down, and could not be stored since: the database stayed down for four days, or storing it failed every time. No answer has this code; the list of rejected items tells of it.",
            "Send it again with the same `messageId`, if you still have it. The deployment's operator has a copy for some days and can replay it.",
        ),
        Code::Unavailable => told(
            "The database cannot be reached",
            "The database cannot be reached, and what was sent could not be queued either.",
            "Send the same again after the seconds that `Retry-After` names, with the same `messageId`: nothing is stored twice.",
        ),
        Code::StorageFull => told(
            "The database is full",
            "The database has reached the size that it may have, so nothing more is stored until the deployment's operator has made room.",
            "Keep what you have and send it again later, with the same `messageId`: the SDK does so. If you run the deployment, set `eventRetentionDays` or delete what is not needed; the deployment guide says how.",
        ),
        Code::Busy => told(
            "Many at once change the same person",
            "Too many requests change the same person at once, and this one did not get its turn.",
            "Send the same again after the seconds that `Retry-After` names, with the same `messageId`: what is stored already is not stored twice, and the rest is completed.",
        ),
        Code::Internal => told(
            "TrackMate failed",
            "Our own failure; `requestId` finds it in the logs.",
            "Send the same again, with the same `messageId`: nothing is stored twice. If it stays, give the operator the `requestId`.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::ALL;

    #[test]
    fn every_code_has_a_title_of_its_own_a_cause_and_a_mend() {
        let mut titles: Vec<&str> = ALL.iter().map(|code| of(*code).title).collect();
        titles.sort_unstable();
        titles.dedup();
        assert_eq!(titles.len(), ALL.len());
        for code in ALL {
            let Told { title, cause, mend } = of(code);
            assert!(!title.ends_with('.') && title.len() < 50, "{title}");
            for text in [cause, mend] {
                assert!(text.ends_with('.') && !text.contains('|') && !text.contains('\n'), "{text}");
                assert_eq!(text.matches('`').count() % 2, 0, "{text}");
            }
        }
    }
}
