//! The operations that the operator of the deployment calls.

use serde_json::{Value, json};
use trackmate_wire::limits::USERS_ITEMS_MAX;
use trackmate_wire::problem::Code;

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
                .makes("companies", "/company/id")
                .fails(&[Code::MissingField, Code::InvalidField, Code::Conflict]),
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
        ],
    }
}

fn company() -> Value {
    json!({"id": "TM-SHOP99", "name": "Shop", "createdAt": "2025-10-18T09:00:00.000Z"})
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
