//! `trackmate export` and `trackmate exports`: the list of past exports.

mod download;
mod options;
mod partial_file;

pub(crate) use download::download;
pub(crate) use options::ExportOptions;

use clap::Args;
use trackmate_wire::api::ExportList;

use crate::api::Api;
use crate::error::Error;
use crate::output::Output;
use crate::webhooks::layout::{more, table, time};

#[derive(Args)]
pub(crate) struct ListOptions {
    /// Maximum number of exports.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// The cursor of the previous page.
    #[arg(long, value_name = "C")]
    cursor: Option<String>,
}

/// `GET /api/admin/exports`
pub(crate) fn list(options: &ListOptions, api: &Api, output: Output) -> Result<(), Error> {
    let limit = options.limit.to_string();
    let query = [("limit", Some(&*limit)), ("cursor", options.cursor.as_deref())];
    output.answer(&api.get("/api/admin/exports", &query)?, |page: ExportList| {
        let mut rows = vec![["ID", "Started", "By", "Export", "State", "Rows", "Bytes", "SHA-256"].map(String::from)];
        for e in page.exports {
            let hash = e.sha256.map_or_else(|| "-".into(), |hash| hash.chars().take(12).collect());
            let (when, who) = (time(Some(&e.started_at), &chrono::Local), format!("{}…", e.key.prefix));
            let what = format!("{} {}", e.kind, e.format);
            rows.push([e.id, when, who, what, e.state, e.rows.to_string(), e.bytes.to_string(), hash]);
        }
        table(&rows, &[5, 6]) + &more(&page.pagination)
    })
}
