//! The operations on users.

use serde_json::{Value, json};
use trackmate_wire::limits::{
    OFFSET_MAX, RECORD_KIND_CHARS_MAX, RECORD_KINDS_MAX, RECORDS_ITEMS_MAX, TIMELINE_ITEMS_MAX, USERS_ITEMS_MAX,
};
use trackmate_wire::problem::Code;

use crate::domain::person::PLATFORMS;
use crate::http::admin::{records, timeline, user_edits, users};
use crate::openapi::groups::group_of_user;
use crate::openapi::json::reference;
use crate::openapi::operation::{Group, Operation, Who};
use crate::openapi::schemas::Users;

/// The problems of every operation on one user.
pub(crate) const USER: [Code; 2] = [Code::UnknownUser, Code::ErasedUser];
/// The problems of every edit of a user, beside [`USER`].
const EDIT: [Code; 4] = [Code::InvalidField, Code::LimitReached, Code::Conflict, Code::Busy];

pub(crate) fn group() -> Group {
    Group {
        name: "Users",
        text: "Reading people and saying what is known of them, with a key of scope `admin`. What a page claims \
            never replaces what is said here.",
        who: Who::Admin,
        operations: vec![
            belongings(filters(Operation::new(
                "get",
                "/api/admin/users",
                "listUsers",
                "List users: filtered, searched, sorted",
            )))
            .text(
                "All filters that are given must hold. A walk by cursor neither skips nor repeats a user who does \
                 not change meanwhile; a cursor is good for the very filters and order it was given out with. \
                 `total` is exact to 10 000. With `email` alone it finds the one with this address.",
            )
            .query(
                "email",
                json!({"type": "string", "format": "email"}),
                "The one user with this address; the other filters are ignored.",
            )
            .query(
                "externalId",
                json!({"type": "string", "minLength": 1, "maxLength": 254}),
                "Likewise, the one with this id of the company's own.",
            )
            .paged(USERS_ITEMS_MAX)
            .query(
                "offset",
                json!({"type": "integer", "minimum": 0, "maximum": OFFSET_MAX}),
                "Users to leave out first; excludes `cursor`.",
            )
            .query(
                "sortBy",
                json!({"type": "string", "enum": ["createdAt", "updatedAt", "firstName", "lastName"]}),
                "Without it in the order of ids, which costs least.",
            )
            .query("sortOrder", json!({"type": "string", "enum": ["asc", "desc"], "default": "asc"}), "The order.")
            .gives::<Users>(json!({
                "success": true, "users": [user()],
                "pagination": {"total": 1, "limit": 50, "offset": 0, "hasMore": false, "nextCursor": null},
            }))
            .fails(&[Code::InvalidEmail, Code::PlaceholderId]),
            belongings(Operation::new("get", "/api/admin/users/{id}", "getUser", "Read a user"))
                .gives::<users::UserAnswer>(json!({
                    "success": true, "user": user(), "summary": summary(), "groups": [group_of_user()],
                }))
                .fails(&USER),
            Operation::new("patch", "/api/admin/users/{id}", "changeUser", "Say what is known of a user")
                .text(
                    "Saying again what is known changes nothing and sends nothing. Changes are events \
                     (`user.updated`, `tag.added`, …) for whoever subscribes to them. A new `email` must be nobody \
                     else's; the old one leads to the user until somebody else has it.",
                )
                .takes_named(
                    "UserEdit",
                    json!({
                        "firstName": "Ada", "plan": "gold", "optIns": {"whatsapp": true},
                        "exportConsent": {"given": true, "source": "checkout"}, "customFields": {"points": 150},
                        "tags": {"add": ["vip"]},
                    }),
                )
                .gives::<user_edits::EditAnswer>(edited())
                .fails(&USER)
                .fails(&EDIT)
                .fails(&[
                    Code::JsonTooDeep,
                    Code::EventTooLarge,
                    Code::InvalidTimestamp,
                    Code::InvalidEmail,
                    Code::PlaceholderId,
                ]),
            Operation::new("post", "/api/admin/users/{id}/tags", "addTags", "Give a user tags")
                .takes::<user_edits::TagsRequest>(json!({"tags": ["vip"]}))
                .gives::<user_edits::EditAnswer>(edited())
                .fails(&USER)
                .fails(&EDIT),
            Operation::new("delete", "/api/admin/users/{id}/tags", "removeTags", "Take tags from a user")
                .query(
                    "tag",
                    json!({"type": "string", "minLength": 1, "maxLength": 200}),
                    "One tag, in place of a body.",
                )
                .takes::<user_edits::TagsRequest>(json!({"tags": ["vip"]}))
                .optional()
                .gives::<user_edits::EditAnswer>(edited())
                .fails(&USER)
                .fails(&EDIT),
            Operation::new(
                "patch",
                "/api/admin/users/{id}/custom-fields",
                "setCustomFields",
                "Set a user's custom fields",
            )
            .takes_named("CustomFields", json!({"points": 150, "drink": "latte", "gone": null}))
            .gives::<user_edits::EditAnswer>(edited())
            .fails(&USER)
            .fails(&EDIT)
            .fails(&[Code::JsonTooDeep]),
            Operation::new("get", "/api/admin/users/{id}/timeline", "getTimeline", "Read a user's timeline")
                .text(
                    "Browser and server events in one order. A person's first identify (by time) is \
                     `user_registered`, later ones are `identify`; server events share one `webhook_…` session.",
                )
                .paged(TIMELINE_ITEMS_MAX)
                .query(
                    "order",
                    json!({"type": "string", "enum": ["asc", "desc"], "default": "asc"}),
                    "Oldest first, or newest first.",
                )
                .gives::<timeline::Timeline<'_>>(json!({
                    "success": true, "profile": user(), "summary": summary(),
                    "events": [
                        {
                            "messageId": "m_0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f", "eventType": "payment_processed",
                            "eventData": {"amount": 79.99, "currency": "USD"}, "timestamp": "2025-10-18T10:10:00.000Z",
                            "source": "webhook", "sessionId": "webhook_1760781600_5f1c0a9b8d7e6f5a4b3c2d1e0f9a8b7c",
                            "userId": "5f1c0a9b8d7e6f5a4b3c2d1e",
                        },
                    ],
                    "pagination": {"limit": 50, "hasMore": false, "nextCursor": null},
                }))
                .fails(&USER),
            Operation::new("get", "/api/admin/users/{id}/records", "listRecords", "List what belongs to a user")
                .text(
                    "Bookings, QR codes, conversations, messages and things of any other kind, made and kept up to \
                     date by server events such as `booking.created`. Those first that were last told of.",
                )
                .paged(RECORDS_ITEMS_MAX)
                .query("kind", kinds(), "Only of these kinds.")
                .gives::<records::RecordPage>(json!({
                    "success": true, "pagination": {"limit": 50, "hasMore": false, "nextCursor": null},
                    "records": [
                        {
                            "id": "b-1", "kind": "booking", "status": "created",
                            "createdAt": "2025-10-18T10:00:00.000Z", "updatedAt": "2025-10-18T10:00:00.000Z",
                            "service": "Haircut", "amount": 45,
                        },
                    ],
                }))
                .fails(&USER),
        ],
    }
}

/// Adds the filters of lists and exports of users.
pub(crate) fn filters(operation: Operation) -> Operation {
    operation
        .query("createdAfter", reference("Time"), "Made at this time or later.")
        .query("createdBefore", reference("Time"), "Made before.")
        .query("updatedAfter", reference("Time"), "Changed at this time or later.")
        .query(
            "hasTag",
            json!({"type": "array", "items": {"type": "string"}}),
            "A tag's name; several times for several tags, all of which are asked for.",
        )
        .query_as(json!({
            "name": "customField", "in": "query", "style": "deepObject", "explode": true,
            "description": "`customField[name]=value`: the field has this value.",
            "schema": {"type": "object", "additionalProperties": {"type": "string"}},
        }))
        .query("optedIn", json!({"type": "string", "enum": PLATFORMS}), "Opted in there.")
        .query("exportConsentOnly", json!({"type": "boolean"}), "Only who consented to being exported.")
        .query(
            "search",
            json!({"type": "string", "minLength": 1, "maxLength": 200}),
            "Words, each the beginning of a word of the address, the names, the Instagram name or the phone number.",
        )
        .fails(&[Code::InvalidField, Code::InvalidTimestamp])
}

/// Adds the parameters that add records to users.
pub(crate) fn belongings(operation: Operation) -> Operation {
    let flag = || json!({"type": "boolean", "default": false});
    operation
        .query(
            "includeBookings",
            flag(),
            "Adds `bookings` to each user; of these and the following, the 20 that were last told of.",
        )
        .query("includeQRCodes", flag(), "Adds `qrCodes`.")
        .query("includeInteractions", flag(), "Adds `interactionHistory`: messages, comments and stories.")
        .query("includeConversations", flag(), "Adds `conversations`.")
        .query("include", kinds(), "Adds `records` by these kinds.")
        .fails(&[Code::InvalidField])
}

/// A list of kinds of records, separated by commas.
fn kinds() -> Value {
    let kind = format!("[A-Za-z0-9_-]{{1,{RECORD_KIND_CHARS_MAX}}}");
    json!({
        "type": "string", "pattern": format!("^{kind}(,{kind}){{0,{}}}$", RECORD_KINDS_MAX - 1),
        "examples": ["booking,order"],
    })
}

/// A user.
pub(crate) fn user() -> Value {
    let at = "2025-10-18T10:00:00.000Z";
    json!({
        "id": "5f1c0a9b8d7e6f5a4b3c2d1e", "version": 1_760_781_600_000_i64, "email": "ada@example.com",
        "externalId": "u-1001", "name": "Ada Lovelace", "company_id": "TM-SHOP99", "manychatId": null,
        "instagramUsername": null, "instagramId": null, "firstName": "Ada", "lastName": null,
        "fullName": "Ada Lovelace", "phone": "+4712345678", "whatsappPhone": null, "gender": null, "locale": null,
        "timezone": null, "profilePic": null,
        "optIns": {"messenger": false, "instagram": false, "whatsapp": true, "telegram": false},
        "exportConsent": {"given": true, "at": at, "source": "checkout"},
        "tags": [{"id": "tag_0ab1c2d3e4f5a6b7", "name": "vip", "appliedAt": at}], "customFields": {"points": "150"},
        "interactions": {
            "messagesCount": 0, "commentsCount": 0, "storiesCount": 0, "totalCount": 0, "lastUpdated": null,
        },
        "stats": {
            "bookingsCount": 0, "qrScansCount": 0, "conversationsCount": 0, "lastBooking": null, "lastSynced": at,
        },
        "timestamps": {"subscribedAt": at, "createdAt": at, "updatedAt": at},
        "traits": {"name": "Ada Lovelace", "firstName": "Ada", "phone": "+4712345678", "plan": "gold"}, "createdAt": at,
        "lastActive": at,
    })
}

fn edited() -> Value {
    json!({"success": true, "user": user()})
}

pub(crate) fn summary() -> Value {
    json!({
        "totalEvents": 7, "sessions": {"total": 2, "client": 1, "server": 1},
        "totalRevenue": [{"currency": "USD", "amount": 79.99}], "lastActive": "2025-10-18T10:16:00.000Z",
    })
}
