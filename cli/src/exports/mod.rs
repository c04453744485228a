//! `trackmate export` and `trackmate exports`: the list of what was exported.

mod download;
mod kept;
mod model;
mod options;

pub(crate) use download::download;
pub(crate) use options::Download;

use clap::Args;
use serde::Deserialize;

use self::model::Export;
use crate::api::Api;
use crate::audit::Pagination;
use crate::error::Error;
use crate::output::Output;
use crate::webhooks::layout::{table, time};

#[derive(Args)]
pub(crate) struct Listed {
    /// At most this many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Where an earlier page ended.
    #[arg(long, value_name = "C")]
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    exports: Vec<Export>,
    pagination: Pagination,
}

/// `GET /api/admin/exports`
pub(crate) fn list(wanted: &Listed, api: &Api, output: Output) -> Result<(), Error> {
    let limit = wanted.limit.to_string();
    let all = [("limit", Some(&limit)), ("cursor", wanted.cursor.as_ref())];
    let query: Vec<_> = all.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?.as_str()))).collect();
    output.answer(&api.get("/api/admin/exports", &query)?, |page: Page| {
        let mut rows = vec![["ID", "When", "Who", "What", "State", "Rows", "Bytes", "SHA-256"].map(String::from)];
        for e in page.exports {
            let hash = e.sha256.map_or_else(|| "-".into(), |hash| hash.chars().take(12).collect());
            let (when, who) = (time(Some(&e.started_at), &chrono::Local), format!("{}…", e.key.prefix));
            let what = format!("{} {}", e.kind, e.format);
            rows.push([e.id, when, who, what, e.state, e.rows.to_string(), e.bytes.to_string(), hash]);
        }
        let more =
            page.pagination.next_cursor.map_or_else(String::new, |c| format!("\n\nThere are more: --cursor {c}"));
        table(&rows, &[5, 6]) + &more
    })
}
