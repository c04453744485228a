//! The operations that the operator of the deployment calls.

use serde_json::{Value, json};
use trackmate_wire::api::{
    AbortAnswer, BackupPage, CellList, CellRequest, MoveAnswer, MoveList, MoveRequest, RestoreAnswer, RestoreBatch,
    RestoreEnd, RestoreEndAnswer, RestoreRequest,
};
use trackmate_wire::limits::{MOVES_SHOWN_MAX, USERS_ITEMS_MAX};
use trackmate_wire::problem::Code;

use crate::domain::backup::schema;
use crate::http::admin::keys;
use crate::http::operator::companies;
use crate::openapi::operation::{Group, Operation, Who};
use crate::openapi::schemas::SuccessAnswer;

pub(crate) fn group() -> Group {
    Group {
        name: "Operator",
        text: "For whoever runs the deployment, with its `OPERATOR_KEY`: companies and their keys. A key is shown \
            once, when it is made; only its hash is stored.",
        who: Who::Operator,
        operations: vec![
            Operation::new("get", "/metrics", "getMetrics", "Read the deployment's metrics")
                .text(
                    "For Prometheus: `OpenMetrics`, or the older text format for a client that does not accept it. The \
                     page Monitor explains each metric.",
                )
                .streams(&[
                    (
                        "application/openmetrics-text",
                        "# TYPE trackmate_deliveries gauge\ntrackmate_deliveries{state=\"held\"} 0\n# EOF\n",
                    ),
                    ("text/plain", "# TYPE trackmate_deliveries gauge\ntrackmate_deliveries{state=\"held\"} 0\n"),
                ]),
            Operation::new("get", "/api/operator/companies", "listCompanies", "List companies")
                .paged(USERS_ITEMS_MAX)
                .gives::<companies::CompanyList<'_>>(json!({
                    "success": true, "companies": [company()],
                    "pagination": {"limit": 50, "hasMore": false, "nextCursor": null},
                    "storage": {"bytes": 274_432, "bytesMax": 10_000_000_000_i64},
                }))
                .text("`storage` says how full the database is."),
            Operation::new("post", "/api/operator/companies", "addCompany", "Create a company and its first keys")
                .takes::<companies::CompanyRequest>(json!({"name": "Shop"}))
                .gives::<companies::CompanyAnswer<'_>>(json!({
                    "success": true, "company": company(),
                    "keys": {"server": key("server", true), "admin": key("admin", true)},
                }))
                .text(
                    "`cell` names a database of the deployment, `jurisdiction` and `region` choose one by where its \
                     data are. Without them it is the emptiest. A deployment with one database needs none of them.",
                )
                .makes("companies", "/company/id")
                .fails(&[Code::MissingField, Code::InvalidField, Code::Conflict, Code::LimitReached]),
            Operation::new("get", "/api/operator/companies/{id}/keys", "listKeys", "List a company's keys")
                .text("Those that are not revoked first. `lastUsedAt` is noted at most once an hour.")
                .gives::<companies::KeyList<'_>>(json!({"success": true, "keys": [key("server", false)]}))
                .fails(&[Code::UnknownCompany]),
            Operation::new("post", "/api/operator/companies/{id}/keys", "addKey", "Give a company another key")
                .takes::<keys::KeyRequest>(json!({"scope": "server", "name": "backend"}))
                .gives::<keys::KeyAnswer<'_>>(json!({"success": true, "key": key("server", true)}))
                .makes("keys", "/key/id")
                .fails(&[Code::MissingField, Code::InvalidField, Code::UnknownCompany, Code::LimitReached]),
            Operation::new("delete", "/api/operator/companies/{id}/keys/{keyId}", "revokeKey", "Revoke a key")
                .text("It stops working at once.")
                .gives::<SuccessAnswer>(json!({"success": true}))
                .fails(&[Code::NotFound]),
            Operation::new(
                "post",
                "/api/operator/companies/{id}/move",
                "moveCompany",
                "Move a company to another cell",
            )
            .text(
                "A cell is one of the deployment's databases. The company works on while its rows are copied; for \
                     a moment its requests wait in the outage buffer. One company moves at a time.",
            )
            .takes::<MoveRequest>(json!({"to": "CELL_EU_1"}))
            .gives::<MoveAnswer>(json!({"success": true, "move": moved("copying")}))
            .fails(&[Code::MissingField, Code::InvalidField, Code::UnknownCompany, Code::Conflict]),
            Operation::new("get", "/api/operator/companies/{id}/move", "getMove", "Get the last move of a company")
                .gives::<MoveAnswer>(json!({"success": true, "move": moved("copying")})),
            Operation::new("delete", "/api/operator/companies/{id}/move", "abortMove", "Abort the move of a company")
                .text("Until it is `switched`. The company goes on where it was.")
                .gives::<MoveAnswer>(json!({"success": true, "move": moved("aborting")}))
                .fails(&[Code::Conflict]),
            Operation::new("get", "/api/operator/moves", "listMoves", "List moves")
                .paged(usize::try_from(MOVES_SHOWN_MAX).unwrap_or(usize::MAX))
                .gives::<MoveList>(json!({
                    "success": true, "moves": [moved("copying")],
                    "pagination": {"limit": 50, "hasMore": false, "nextCursor": null},
                })),
            Operation::new("get", "/api/operator/cells", "listCells", "List the cells")
                .text("As the sweep saw them last. A deployment with one database has none.")
                .gives::<CellList>(json!({"success": true, "cells": [{
                    "cell": "CELL_EU_1", "state": "open", "jurisdiction": "eu", "region": "weur", "companies": 12,
                    "bytes": 274_432, "bytesMax": 10_000_000_000_i64, "schema": 17,
                    "firstSeenAt": "2025-10-18T09:00:00.000Z", "seenAt": "2025-10-18T10:00:00.000Z", "error": null,
                }]})),
            Operation::new("patch", "/api/operator/cells/{cell}", "changeCell", "Set the state of a cell")
                .takes::<CellRequest>(json!({"state": "full"}))
                .gives::<SuccessAnswer>(json!({"success": true}))
                .fails(&[Code::MissingField, Code::InvalidField, Code::NotFound]),
            Operation::new("get", "/api/operator/backup", "readBackup", "Read a page of a backup")
                .text(
                    "Walk from page to page by `next`. A row that is read names no row that is missing. Stored secrets \
                     stay encrypted with `SECRETS_KEY`, which a backup does not have.",
                )
                .query("company", json!({"type": "string"}), "Only this company.")
                .query("table", json!({"type": "string"}), "`next.table` of the page before.")
                .query("after", json!({"type": "string"}), "`next.after` of the page before.")
                .gives::<BackupPage>(json!({
                    "success": true,
                    "source": {
                        "version": "0.1.0", "schema": schema(), "at": 1_760_778_000_000_i64, "secretsKeyId": schema(),
                    },
                    "table": "attempts", "rows": [], "next": {"table": "deliveries", "after": null},
                }))
                .fails(&[Code::InvalidField, Code::InvalidCursor, Code::UnknownCompany]),
            Operation::new("post", "/api/operator/restore", "beginRestore", "Begin a restore")
                .text(
                    "Into a database without these companies. Until the restore ends, nobody sees what is stored, and \
                     the sweep does nothing. The same file again goes on where it stopped.",
                )
                .takes::<RestoreRequest>(json!({
                    "file": schema(), "schema": schema(), "beganAt": 1_760_778_000_000_i64, "company": "TM-RESTORED",
                    "secretsKeyId": null,
                }))
                .gives::<RestoreAnswer>(json!({"success": true, "next": 0}))
                .fails(&[Code::MissingField, Code::InvalidField, Code::Conflict]),
            Operation::new("post", "/api/operator/restore/batches", "addRestoreBatch", "Store rows of a backup")
                .text("Batches are numbered from 0. One that is sent twice changes nothing.")
                .takes::<RestoreBatch>(json!({"number": 0, "table": "events", "rows": []}))
                .gives::<RestoreAnswer>(json!({"success": true, "next": 1}))
                .fails(&[Code::MissingField, Code::InvalidField, Code::Conflict]),
            Operation::new("post", "/api/operator/restore/end", "endRestore", "End a restore")
                .text(
                    "A request works on the end for a limited time: send it again while `complete` is false. Then all \
                     companies and their keys are there.",
                )
                .takes::<RestoreEnd>(json!({"file": schema(), "batches": 1, "rows": 0}))
                .gives::<RestoreEndAnswer>(json!({"success": true, "complete": true}))
                .fails(&[Code::MissingField, Code::InvalidField, Code::Conflict]),
            Operation::new("delete", "/api/operator/restore", "abortRestore", "Give up a restore")
                .text(
                    "Deletes what is stored of it. Ask again while `complete` is false. Refused once its end has made \
                     companies visible.",
                )
                .gives::<AbortAnswer>(json!({"success": true, "complete": true}))
                .fails(&[Code::Conflict]),
        ],
    }
}

fn moved(phase: &str) -> Value {
    json!({
        "id": "0199f6c1a2b35f1c0a9b8d7e6f5a", "company": "TM-SHOP99", "source": "DB", "target": "CELL_EU_1",
        "phase": phase, "rows": 2000, "beganAt": "2025-10-18T10:00:00.000Z", "frozenAt": null, "switchedAt": null,
        "endedAt": null, "error": null,
    })
}

fn company() -> Value {
    json!({"id": "TM-SHOP99", "name": "Shop", "createdAt": "2025-10-18T09:00:00.000Z", "cell": "DB"})
}

/// A key, as a list shows it or with the key itself.
pub(crate) fn key(scope: &str, with_key: bool) -> Value {
    let kind = if scope == "server" { "tm_live_" } else { "tm_admin_" };
    let mut key = json!({
        "id": "key_5f1c0a9b8d7e6f5a", "scope": scope, "prefix": format!("{kind}9f2c"), "name": "backend",
        "createdAt": "2025-10-18T09:00:00.000Z", "lastUsedAt": null, "revokedAt": null,
    });
    if with_key {
        key["key"] = format!("{kind}9f2c…").into();
    }
    key
}
