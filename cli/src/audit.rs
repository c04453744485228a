//! `trackmate audit`: the log of changes and exports by admins and the operator.

use clap::Args;
use trackmate_wire::api::{AuditEntry, AuditPage};

use crate::api::Api;
use crate::error::Error;
use crate::output::Output;
use crate::webhooks::layout::{more, table, time};
use crate::webhooks::parse;

#[derive(Args)]
pub(crate) struct AuditOptions {
    /// Only this action, e.g. user.update.
    #[arg(long, value_name = "A")]
    action: Option<String>,
    /// Entries from this time on: ISO 8601, epoch milliseconds, or an age such as 90m, 2h, 7d.
    #[arg(long, value_name = "T", value_parser = parse::time)]
    since: Option<String>,
    /// Entries before this time, in the same formats.
    #[arg(long, value_name = "T", value_parser = parse::time)]
    until: Option<String>,
    /// Maximum number of entries.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// The cursor of the previous page.
    #[arg(long, value_name = "C")]
    cursor: Option<String>,
}

/// `GET /api/admin/audit`
pub(crate) fn list(options: &AuditOptions, api: &Api, output: Output) -> Result<(), Error> {
    let limit = options.limit.to_string();
    let query = [
        ("limit", Some(&*limit)),
        ("cursor", options.cursor.as_deref()),
        ("action", options.action.as_deref()),
        ("since", options.since.as_deref()),
        ("until", options.until.as_deref()),
    ];
    output.answer(&api.get("/api/admin/audit", &query)?, |page: AuditPage| {
        let mut rows = vec![["Time", "By", "Action", "Target", "Outcome"].map(String::from)];
        for AuditEntry { at, actor, key, action, target_id, outcome, .. } in page.entries {
            let who = key.map_or(actor, |key| format!("{}…", key.prefix));
            let when = time(Some(&at), &chrono::Local);
            rows.push([when, who, action, target_id.unwrap_or_else(|| "-".into()), outcome]);
        }
        table(&rows, &[]) + &more(&page.pagination)
    })
}
