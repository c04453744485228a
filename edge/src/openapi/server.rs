//! The operations that a company's servers call.

use serde_json::json;
use trackmate_wire::problem::Code;

use crate::http::server::events;
use crate::ingest::server;
use crate::openapi::operation::{Group, Operation, Who};

pub(crate) fn group() -> Group {
    Group {
        name: "Servers",
        text: "For a company's own servers, with a key of scope `server`.",
        who: Who::Server,
        operations: vec![
            Operation::new("post", "/api/webhooks/events", "addServerEvents", "Store events that a server saw")
                .text(
                    "If the identifiers name different people the event is stored on the first, `warnings` says so, \
                     and nothing is merged, unless `merge` is true: then the key vouches that `userId` and `email` \
                     are one user. An unknown e-mail makes the user. A `sessionId` nobody is known on stores the \
                     event there: it joins whoever is identified later. Without an identifier the event is nobody's, \
                     and is delivered all the same. `user` says what is known of the person. An event `group` makes \
                     its person a member of a group, and an event `alias` with `{previousId, userId}`, ids, external \
                     ids or addresses of two known users, makes one of the two.",
                )
                .takes::<server::ServerEventsRequest<'_>>(json!({
                    "identifier": {"email": "ada@example.com"}, "eventType": "payment_processed",
                    "eventData": {"amount": 79.99, "currency": "USD", "orderId": "o-1001"},
                }))
                .gives::<events::ServerEventsAnswer<'_>>(json!({
                    "success": true, "messageId": "m_0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f", "accepted": 1, "duplicates": 0,
                    "rejected": [], "profileId": "5f1c0a9b8d7e6f5a4b3c2d1e", "linked": true, "created": false,
                }))
                .fails(&[
                    Code::MissingField,
                    Code::InvalidField,
                    Code::TooManyEvents,
                    Code::EventTooLarge,
                    Code::JsonTooDeep,
                    Code::PlanViolation,
                    Code::InvalidSession,
                    Code::InvalidEmail,
                    Code::PlaceholderId,
                    Code::InvalidTimestamp,
                    Code::WrongCompany,
                    Code::UnknownUser,
                    Code::ErasedUser,
                    Code::Conflict,
                    Code::Busy,
                    Code::LimitReached,
                ]),
        ],
    }
}
