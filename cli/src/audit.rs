//! `trackmate audit`: what admins, and the operator, did to the company.

use clap::Args;
use serde::Deserialize;

use crate::api::Api;
use crate::error::Error;
use crate::output::Output;
use crate::webhooks::layout::{table, time};
use crate::webhooks::parse;

#[derive(Args)]
pub(crate) struct Listed {
    /// Only this action, e.g. user.update.
    #[arg(long, value_name = "A")]
    action: Option<String>,
    /// From when on: ISO 8601, epoch milliseconds, or as long ago as 90m, 2h, 7d.
    #[arg(long, value_name = "T", value_parser = parse::time)]
    since: Option<String>,
    /// Until when, in the same forms.
    #[arg(long, value_name = "T", value_parser = parse::time)]
    until: Option<String>,
    /// At most this many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Where an earlier page ended.
    #[arg(long, value_name = "C")]
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    entries: Vec<Entry>,
    pagination: Pagination,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pagination {
    pub(crate) next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    at: String,
    actor: String,
    key: Option<Key>,
    action: String,
    target_id: Option<String>,
    outcome: String,
}

#[derive(Deserialize)]
pub(crate) struct Key {
    pub(crate) prefix: String,
}

/// `GET /api/admin/audit`
pub(crate) fn list(wanted: &Listed, api: &Api, output: Output) -> Result<(), Error> {
    let limit = wanted.limit.to_string();
    let all = [
        ("limit", Some(&limit)),
        ("cursor", wanted.cursor.as_ref()),
        ("action", wanted.action.as_ref()),
        ("since", wanted.since.as_ref()),
        ("until", wanted.until.as_ref()),
    ];
    let query: Vec<_> = all.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?.as_str()))).collect();
    output.answer(&api.get("/api/admin/audit", &query)?, |page: Page| {
        let mut rows = vec![["When", "Who", "Action", "On", "Outcome"].map(String::from)];
        for Entry { at, actor, key, action, target_id, outcome } in page.entries {
            let who = key.map_or(actor, |key| format!("{}…", key.prefix));
            let when = time(Some(&at), &chrono::Local);
            rows.push([when, who, action, target_id.unwrap_or_else(|| "-".into()), outcome]);
        }
        let more =
            page.pagination.next_cursor.map_or_else(String::new, |c| format!("\n\nThere are more: --cursor {c}"));
        table(&rows, &[]) + &more
    })
}
