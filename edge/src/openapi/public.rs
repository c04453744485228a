//! The operations that browsers call, without a key.

use serde_json::json;
use trackmate_wire::problem::Code;

use crate::http::public::{contacts, events, health, profile};
use crate::ingest::{browser, identify};
use crate::openapi::operation::{Group, Operation, Who};

/// The problems of every operation that names a company and a session.
const BROWSER_CODES: [Code; 4] =
    [Code::MissingField, Code::UnknownCompany, Code::InvalidSession, Code::OriginNotAllowed];
/// The problems of every operation that identifies a person by an address.
const CLAIM: [Code; 7] = [
    Code::IdentityUnproved,
    Code::InvalidEmail,
    Code::PlaceholderId,
    Code::EventTooLarge,
    Code::InvalidField,
    Code::InvalidTimestamp,
    Code::Conflict,
];

pub(crate) fn group() -> Group {
    Group {
        name: "Browsers",
        text: "The company id is no secret: public callers add events and claim an identity; they read nothing and \
            overwrite nothing. If a company has set `allowedOrigins`, a request with another `Origin` is refused.",
        who: Who::Anyone,
        operations: vec![
            Operation::new("post", "/api/events", "addEvents", "Store events of a browser's session")
                .text(
                    "Good items are stored when others are bad. A `messageId` makes a repeat harmless; without one, \
                     an event that has a `timestamp` is known by its content.",
                )
                .query(
                    "visitor",
                    json!({"type": "string", "pattern": "^[A-Za-z0-9-]{1,64}$"}),
                    "A page of the API's own origin gets this id back as the cookie `trackmate_id`.",
                )
                .takes::<browser::EventsRequest<'_>>(json!({
                    "company_id": "TM-SHOP99", "sessionId": "session_1760781600_5f1c0a9b8d7e6f5a",
                    "events": [
                        {
                            "eventType": "page_view", "eventData": {"address": "https://shop.example/"},
                            "timestamp": "2025-10-18T10:00:00Z",
                        },
                    ],
                }))
                .gives::<events::EventsAnswer>(json!({"success": true, "accepted": 1, "duplicates": 0, "rejected": []}))
                .fails(&BROWSER_CODES)
                .fails(&[Code::TooManyEvents, Code::InvalidField, Code::JsonTooDeep]),
            Operation::new("post", "/api/profile", "identify", "Say who a session's user is")
                .text(
                    "From `timestamp` (or now) on, the session belongs to the person with this address; its first \
                     identify also takes what came before. What is claimed fills gaps and never replaces what is \
                     there; the answer is alike whether the address was known or not, and `profileId` is the \
                     address' own: two addresses of one person have two, and the company's keys find the person by \
                     either. Where the company verifies identities, `userHash` must prove the address, or nothing is \
                     stored.",
                )
                .query(
                    "visitor",
                    json!({"type": "string", "pattern": "^[A-Za-z0-9-]{1,64}$"}),
                    "As with `POST /api/events`.",
                )
                .takes::<identify::IdentifyRequest>(json!({
                    "company_id": "TM-SHOP99", "sessionId": "session_1760781600_5f1c0a9b8d7e6f5a",
                    "email": "ada@example.com", "name": "Ada Lovelace", "phone": "+4712345678", "plan": "gold",
                }))
                .gives::<profile::IdentifyAnswer<'_>>(json!({"success": true, "profileId": "5f1c0a9b8d7e6f5a4b3c2d1e"}))
                .makes("users", "/profileId")
                .fails(&BROWSER_CODES)
                .fails(&CLAIM)
                .fails(&[Code::JsonTooDeep]),
            Operation::new("post", "/api/contacts", "addContact", "Submit a funnel's form")
                .text(
                    "An identify whose entry on the timeline is `registration.submitted`; the CRM's webhook gets it \
                     as a delivery, so the answer does not wait for it. What the form leaves out of `visitor` is \
                     taken from the request. A repeat that has the same `messageId`, or the same `timestamp` and \
                     content, is the same submission.",
                )
                .takes::<contacts::ContactRequest>(json!({
                    "company_id": "TM-SHOP99", "email": "ada@example.com", "name": "Ada Lovelace",
                    "funnel": {
                        "projectId": "spring", "projectName": "Spring sale", "pageId": "p1",
                        "pageUrl": "https://shop.example/spring",
                    },
                    "utm": {"source": "newsletter", "medium": "email", "campaign": "spring"},
                }))
                .gives::<contacts::ContactAnswer<'_>>(json!({"success": true, "contactId": "5f1c0a9b8d7e6f5a4b3c2d1e"}))
                .makes("users", "/contactId")
                .fails(&BROWSER_CODES)
                .fails(&CLAIM),
            Operation::new("get", "/healthz", "health", "Ask whether the Worker is up, and which version it has")
                .text("Reads nothing. `schema` is the number of the newest migration that this version needs.")
                .gives::<health::HealthAnswer>(json!({"success": true, "version": "0.1.0", "schema": 14})),
            Operation::new("get", "/readyz", "ready", "Ask whether the deployment can store")
                .text(
                    "It can if the database answers, has the schema that this version needs, and has room. The answer \
                     may be 5 seconds old, and says for a minute after a refusal that the database is full.",
                )
                .gives::<health::ReadyAnswer>(json!({
                    "success": true, "version": "0.1.0", "schema": 14, "databaseSchema": 14,
                }))
                .fails(&[Code::Unavailable, Code::SchemaOutdated, Code::StorageFull]),
        ],
    }
}
