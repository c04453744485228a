//! `trackmate export` and `trackmate exports`: their options, and the list of what was exported.

mod download;
mod kept;

pub(crate) use download::download;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Deserialize;

use crate::api::Api;
use crate::audit::{Key, Pagination};
use crate::error::Error;
use crate::output::Output;
use crate::webhooks::layout::{table, time};

/// What to export.
#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Users,
    Events,
}

/// In which form.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For spreadsheets; safe to open in one.
    Csv,
    /// One object with all rows in it; cannot be resumed.
    Json,
    /// An object a line.
    Ndjson,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Events => "events",
        }
    }
}

impl Format {
    fn word(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
        }
    }
}

#[derive(Args)]
pub(crate) struct Download {
    kind: Kind,
    /// In which form.
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// The file; until it is whole and verified, it is FILE.part, with FILE.part.json beside it.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// A filter of the API, e.g. hasTag=vip or exportConsentOnly=true; may be repeated.
    #[arg(long = "filter", value_name = "NAME=VALUE", value_parser = filter)]
    filters: Vec<(String, String)>,
    /// Columns, separated by commas; all, unless given.
    #[arg(long, value_name = "A,B")]
    fields: Option<String>,
    /// Rows at the most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Go on with a download that broke off.
    #[arg(long)]
    resume: bool,
}

/// `hasTag=vip` → its name and its value. A name may hold a `=` in brackets only.
fn filter(text: &str) -> Result<(String, String), String> {
    let end = text.find("]=").map_or_else(|| text.find('='), |bracket| Some(bracket + 1));
    match end.and_then(|end| text.split_at_checked(end)) {
        Some((name, value)) if !name.is_empty() => {
            let own = ["fields", "limit", "snapshot", "after", "partial", "bom"];
            if own.contains(&name) {
                return Err(format!("{name} is not a filter"));
            }
            Ok((name.to_owned(), value.strip_prefix('=').unwrap_or(value).to_owned()))
        }
        _ => Err("a filter is written NAME=VALUE".into()),
    }
}

/// An export as the API tells it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Export {
    id: String,
    kind: String,
    format: String,
    state: String,
    key: Key,
    rows: u64,
    bytes: u64,
    sha256: Option<String>,
    changed_during: Option<u64>,
    started_at: String,
    next: Option<String>,
    #[serde(default)]
    marks: Vec<Mark>,
}

/// A place within an export from which it can be gone on with.
#[derive(Deserialize)]
struct Mark {
    rows: u64,
    bytes: u64,
    sha256: String,
    after: String,
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_parted_behind_its_name() {
        let parted = |text| filter(text).map(|(name, value)| format!("{name}|{value}"));
        assert_eq!(parted("hasTag=a=b"), Ok("hasTag|a=b".into()));
        assert_eq!(parted("customField[a=b]=c=d"), Ok("customField[a=b]|c=d".into()));
        assert_eq!(parted("search="), Ok("search|".into()));
        for bad in ["search", "=x", "snapshot=1", ""] {
            assert!(filter(bad).is_err(), "{bad}");
        }
    }
}
