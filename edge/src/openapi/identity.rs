//! The operations on identities: list identity keys, merge, undo and erase.

use serde_json::{Value, json};
use trackmate_wire::limits::LINKS_ITEMS_MAX;
use trackmate_wire::problem::Code;

use crate::http::admin::{erasures, identities};
use crate::openapi::operation::{Group, Operation, Who};
use crate::openapi::users::{USER, user};
use crate::people::undo;

pub(crate) fn group() -> Group {
    Group {
        name: "Identity",
        text: "Who is who, with a key of scope `admin`: what leads to a person, making one user of two, taking \
            either back, and erasing somebody.",
        who: Who::Admin,
        operations: vec![
            Operation::new("get", "/api/admin/users/{id}/identities", "listIdentities", "List what leads to a user")
                .text(
                    "Addresses, the given up too; users that were merged into this one; and the identifies that made \
                     sessions theirs, newest first, each of which undo takes back.",
                )
                .paged(LINKS_ITEMS_MAX)
                .gives::<identities::Identities>(json!({
                    "success": true, "userId": "5f1c0a9b8d7e6f5a4b3c2d1e",
                    "addresses": [
                        {
                            "email": "ada@example.com", "profileId": "5f1c0a9b8d7e6f5a4b3c2d1e",
                            "since": "2025-10-18T10:00:00.000Z", "endedAt": null,
                        },
                    ],
                    "externalIds": [
                        {"id": "u-1001", "profileId": "5f1c0a9b8d7e6f5a4b3c2d1e", "since": "2025-10-18T10:00:00.000Z"},
                    ],
                    "merged": [
                        {
                            "profileId": "0a9b8c7d6e5f4a3b2c1d0e9f", "into": "5f1c0a9b8d7e6f5a4b3c2d1e",
                            "email": "ada@work.example", "at": "2025-10-18T11:00:00.000Z",
                        },
                    ],
                    "links": [
                        {
                            "messageId": "m_0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f",
                            "sessionId": "session_1760781600_5f1c0a9b8d7e6f5a", "at": "2025-10-18T10:00:00.000Z",
                            "profileId": "5f1c0a9b8d7e6f5a4b3c2d1e", "events": 6,
                        },
                    ],
                    "pagination": {"limit": 50, "hasMore": false, "nextCursor": null},
                }))
                .fails(&USER),
            Operation::new("post", "/api/admin/identity/merge", "mergeUsers", "Make one user of two")
                .text(
                    "`into` stands for both: the id and the addresses of the other lead to it, timelines and totals \
                     are one, and what was said of the other fills its gaps. At most 20 profiles can stand as one.",
                )
                .takes::<identities::MergeRequest>(json!({
                    "into": "5f1c0a9b8d7e6f5a4b3c2d1e", "from": "0a9b8c7d6e5f4a3b2c1d0e9f",
                }))
                .gives::<identities::MergeAnswer>(json!({"success": true, "user": user()}))
                .fails(&USER)
                .fails(&[Code::MissingField, Code::Conflict, Code::LimitReached]),
            Operation::new("post", "/api/admin/identity/undo", "undoIdentity", "Take an identify or a merge back")
                .text(
                    "As if it had not happened, for both people, also where more has happened since. Send one of the \
                     two fields.",
                )
                .takes::<identities::UndoRequest>(json!({"profileId": "0a9b8c7d6e5f4a3b2c1d0e9f"}))
                .gives::<undo::UndoAnswer>(json!({
                    "success": true, "undone": "merge", "userId": "5f1c0a9b8d7e6f5a4b3c2d1e",
                    "to": "0a9b8c7d6e5f4a3b2c1d0e9f", "removed": false,
                }))
                .fails(&USER)
                .fails(&[Code::MissingField, Code::NotFound, Code::Conflict]),
            Operation::new("delete", "/api/admin/users/{id}", "eraseUser", "Erase a user")
                .text(
                    "From the answer on nobody sees anything of the person: every route says `erased_user`, and what \
                     was pending for webhooks never goes out. What is too much for one request is deleted within \
                     minutes; until then `complete` is false. Asked again, the answer is the same receipt, which \
                     holds ids and counts only.",
                )
                .gives::<erasures::ErasureAnswer>(erased())
                .fails(&[Code::UnknownUser, Code::Conflict]),
            Operation::new(
                "get",
                "/api/admin/users/{id}/erasure",
                "getErasure",
                "Read the receipt of an erasure, as it stands now",
            )
            .gives::<erasures::ErasureAnswer>(erased())
            .fails(&[Code::NotFound]),
            Operation::new("delete", "/api/admin/tombstones", "liftTombstone", "Let an erased address come again")
                .text("As somebody new. `lifted` is false where the address was not erased.")
                .takes::<erasures::LiftRequest>(json!({"email": "ada@example.com"}))
                .gives::<erasures::LiftAnswer>(json!({"success": true, "lifted": true}))
                .fails(&[Code::MissingField, Code::InvalidEmail, Code::PlaceholderId]),
        ],
    }
}

fn erased() -> Value {
    let at = "2025-10-18T12:00:00.000Z";
    json!({
        "success": true,
        "receipt": {
            "userId": "5f1c0a9b8d7e6f5a4b3c2d1e", "erasedAt": at, "complete": true, "completedAt": at,
            "counts": {
                "events": 7, "deliveries": 3, "attempts": 3, "records": 1, "sessions": 2, "identities": 1, "tags": 1,
                "customFields": 1,
            },
        },
    })
}
