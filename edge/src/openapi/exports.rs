//! The operations that export data, and the audit log.

use serde_json::{Value, json};
use trackmate_wire::api::{AuditPage, ExportAnswer, ExportList};
use trackmate_wire::limits::AUDIT_ITEMS_MAX;
use trackmate_wire::problem::Code;

use crate::domain::audit::ALL;
use crate::domain::export::Kind;
use crate::http::admin::export::ExportCount;
use crate::openapi::groups::group_of_user;
use crate::openapi::json::reference;
use crate::openapi::operation::{Group, Operation, Who};
use crate::openapi::users::{USER, belongings, filters, summary, user};

/// The problems of every export.
const EXPORT: [Code; 3] = [Code::InvalidField, Code::InvalidTimestamp, Code::LimitReached];

pub(crate) fn group() -> Group {
    Group {
        name: "Exports",
        text: "Taking data out in whole, and the log of who did what, with a key of scope `admin`. An export is \
            streamed, fixes an instant, and is entered in the list of exports with the hash of its bytes.",
        who: Who::Admin,
        operations: vec![
            filters(belongings(columns(
                Kind::Users,
                Operation::new("get", "/api/admin/export/users/{format}", "exportUsers", "Export users"),
            )))
            .text(
                "In the order of ids. A CSV has no place for what `include…` adds. Any other parameter is refused: a \
                 filter with a slip in its name would hand out everybody. `changedDuring` counts the users that \
                 changed since the snapshot; with 0 the file is the state of that instant.",
            )
            .gives_named(
                "UsersExport",
                json!({
                    "success": true, "exportId": export()["id"], "snapshot": export()["snapshot"], "users": [user()],
                    "rows": 1, "changedDuring": 0, "after": null,
                }),
            )
            .exports(&[
                ("text/csv", "id,email,tags\r\n5f1c0a9b8d7e6f5a4b3c2d1e,ada@example.com,vip\r\n"),
                ("application/x-ndjson", "{\"id\":\"5f1c0a9b8d7e6f5a4b3c2d1e\",\"email\":\"ada@example.com\"}\n"),
            ])
            .fails(&[Code::NotFound]),
            filters(belongings(columns(
                Kind::Users,
                Operation::new(
                    "get",
                    "/api/admin/export/users/count",
                    "countUsers",
                    "Count the rows of an export of users",
                ),
            )))
            .text(
                "With the same parameters, before it is asked for; whatever its `limit` and `after`. Counts all, \
                 unlike the `total` of lists.",
            )
            .gives::<ExportCount>(json!({"success": true, "rows": 1})),
            of_events(columns(
                Kind::Events,
                Operation::new("get", "/api/admin/export/events/{format}", "exportEvents", "Export events"),
            ))
            .text("In the order of sessions, within them of time. Any other parameter is refused.")
            .gives_named(
                "EventsExport",
                json!({
                    "success": true, "exportId": export()["id"], "snapshot": export()["snapshot"], "events": [event()],
                    "rows": 1, "changedDuring": 0, "after": null,
                }),
            )
            .exports(&[
                ("text/csv", "messageId,eventType\r\nm_0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f,payment_processed\r\n"),
                (
                    "application/x-ndjson",
                    "{\"messageId\":\"m_0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f\",\"eventType\":\"payment_processed\"}\n",
                ),
            ])
            .fails(&USER)
            .fails(&[Code::NotFound, Code::InvalidCursor]),
            of_events(columns(
                Kind::Events,
                Operation::new(
                    "get",
                    "/api/admin/export/events/count",
                    "countEvents",
                    "Count the rows of an export of events",
                ),
            ))
            .text("With the same parameters, before it is asked for; whatever its `limit` and `after`.")
            .gives::<ExportCount>(json!({"success": true, "rows": 1}))
            .fails(&USER),
            columns(
                Kind::User,
                Operation::new(
                    "get",
                    "/api/admin/users/{id}/export",
                    "exportUser",
                    "Export all there is of one person",
                ),
            )
            .text("To hand to them: the user, what is theirs, their events.")
            .gives_named(
                "UserExport",
                json!({
                    "success": true, "exportId": export()["id"], "snapshot": export()["snapshot"], "user": user(),
                    "summary": summary(), "groups": [group_of_user()], "records": [], "hasMoreOf": [],
                    "events": [event()], "rows": 1, "changedDuring": 0, "after": null,
                }),
            )
            .exports(&[])
            .fails(&USER)
            .fails(&[Code::InvalidCursor]),
            Operation::new("get", "/api/admin/exports", "listExports", "List the exports there were, newest first")
                .text("Who took what, how much, its hash, and how it ended. Kept for 400 days, like the audit log.")
                .paged(AUDIT_ITEMS_MAX)
                .gives::<ExportList>(json!({
                    "success": true, "exports": [export()],
                    "pagination": {"limit": 50, "hasMore": false, "nextCursor": null},
                }))
                .makes("exports", "/exports/0/id"),
            Operation::new(
                "get",
                "/api/admin/exports/{id}",
                "getExport",
                "Read an export, with the marks from which a broken download goes on",
            )
            .text(
                "Whoever has the first `bytes` of a mark checks them by its `sha256` and goes on with its `after` \
                 and the same `snapshot`.",
            )
            .gives::<ExportAnswer>({
                let mut export = export();
                export["marks"] = json!([]);
                json!({"success": true, "export": export})
            })
            .fails(&[Code::NotFound]),
            Operation::new("get", "/api/admin/audit", "listAudit", "List what was done with keys, newest first")
                .text(
                    "Whatever an admin or the operator changes, and every export. The entry is there before the \
                     answer is. `outcome` is `ok` or the problem's code. Kept for 400 days.",
                )
                .paged(AUDIT_ITEMS_MAX)
                .query("action", json!({"type": "string", "enum": ALL.map(|action| action.as_str())}), "Only those.")
                .query("since", reference("Time"), "At this time or later.")
                .query("until", reference("Time"), "Before.")
                .gives::<AuditPage>(json!({
                    "success": true, "pagination": {"limit": 50, "hasMore": false, "nextCursor": null},
                    "entries": [
                        {
                            "id": "aud_0199f6b1a2c35f1c0a9b8d7e6f5a", "at": "2025-10-18T12:00:00.000Z",
                            "actor": "admin", "key": key(), "action": "export.users", "targetId": export()["id"],
                            "requestId": "9b2e6d1c0f3a4857", "outcome": "ok",
                        },
                    ],
                }))
                .fails(&[Code::InvalidTimestamp]),
        ],
    }
}

/// Adds the parameters that every export has.
fn columns(kind: Kind, operation: Operation) -> Operation {
    let (fields, after) = match kind {
        Kind::Users => (
            "Columns in this order, separated by commas; places in the user object such as `optIns.whatsapp`.",
            "An id.",
        ),
        Kind::Events | Kind::User => (
            "Columns in this order, separated by commas; places in the event such as `eventData.amount`.",
            "`browser:` or `webhook:` and a message id.",
        ),
    };
    let listed = json!({"type": "string", "examples": [kind.columns()[..2].join(",")]});
    operation
        .query("fields", listed, fields)
        .query("limit", json!({"type": "integer", "minimum": 1}), "Rows at the most.")
        .query("snapshot", reference("Time"), "Repeats or goes on with the export of this instant.")
        .query("after", json!({"type": "string"}), &format!("Goes on behind this row, an export's `next`. {after}"))
        .query(
            "partial",
            json!({"type": "boolean", "default": false}),
            "Whether an export that is too long for one request may end early, and not as a failure.",
        )
        .query(
            "bom",
            json!({"type": "boolean", "default": false}),
            "Whether a CSV file begins with a byte order mark, by which spreadsheets know that it is UTF-8.",
        )
        .fails(&EXPORT)
}

/// Adds the filters of an export of events.
fn of_events(operation: Operation) -> Operation {
    operation
        .query("from", reference("Time"), "Happened at this time or later.")
        .query("to", reference("Time"), "Happened before.")
        .query("eventType", json!({"type": "string"}), "Of this name.")
        .query("userId", json!({"type": "string", "minLength": 1}), "This user's.")
}

fn export() -> Value {
    json!({
        "id": "exp_0199f6b1a2c35f1c0a9b8d7e6f5a", "kind": "users", "format": "csv", "state": "complete", "key": key(),
        "filters": {"hasTag": "vip"}, "fields": ["id", "email"], "snapshot": "2025-10-18T12:00:00.000Z", "after": null,
        "rows": 1, "bytes": 52, "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "changedDuring": 0, "startedAt": "2025-10-18T12:00:00.000Z", "endedAt": "2025-10-18T12:00:01.000Z",
        "next": null,
    })
}

fn key() -> Value {
    json!({"id": "key_5f1c0a9b8d7e6f5a", "prefix": "tm_admin_9f2c"})
}

fn event() -> Value {
    let at = "2025-10-18T10:10:00.000Z";
    json!({
        "messageId": "m_0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f", "eventType": "payment_processed", "timestamp": at,
        "source": "webhook", "sessionId": "webhook_1760781600_5f1c0a9b8d7e6f5a4b3c2d1e0f9a8b7c",
        "userId": "5f1c0a9b8d7e6f5a4b3c2d1e", "receivedAt": at, "bot": false,
        "eventData": {"amount": 79.99, "currency": "USD"},
    })
}
