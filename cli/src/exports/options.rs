//! The options of `trackmate export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What to export.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Kind {
    Users,
    Events,
}

/// The file format.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For spreadsheets. Safe to open.
    Csv,
    /// One document with all rows. Cannot be resumed.
    Json,
    /// One object per line.
    Ndjson,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Events => "events",
        }
    }
}

impl Format {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
        }
    }
}

#[derive(Args)]
pub(crate) struct ExportOptions {
    pub(super) kind: Kind,
    /// The file format.
    #[arg(long, value_enum, default_value = "csv")]
    pub(super) format: Format,
    /// The output file. Until it is complete and verified, it is FILE.part, with FILE.part.json
    /// beside it.
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,
    /// A filter of the API, e.g. hasTag=vip or exportConsentOnly=true. May be repeated.
    #[arg(long = "filter", value_name = "NAME=VALUE", value_parser = filter)]
    pub(super) filters: Vec<(String, String)>,
    /// Columns, separated by commas. Default: all.
    #[arg(long, value_name = "A,B")]
    pub(super) fields: Option<String>,
    /// Maximum number of rows.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) limit: Option<u64>,
    /// Resume an interrupted download.
    #[arg(long)]
    pub(super) resume: bool,
}

/// Splits `hasTag=vip` into name and value. A name may contain `=` only in brackets.
fn filter(text: &str) -> Result<(String, String), String> {
    let end = text.find("]=").map_or_else(|| text.find('='), |bracket| Some(bracket + 1));
    match end.and_then(|end| text.split_at_checked(end)) {
        Some((name, value)) if !name.is_empty() => {
            let reserved = ["fields", "limit", "snapshot", "after", "partial", "bom"];
            if reserved.contains(&name) {
                return Err(format!("{name} is not a filter"));
            }
            Ok((name.to_owned(), value.strip_prefix('=').unwrap_or(value).to_owned()))
        }
        _ => Err("a filter must have the form NAME=VALUE".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_split_after_its_name() {
        let split = |text| filter(text).map(|(name, value)| format!("{name}|{value}"));
        assert_eq!(split("hasTag=a=b"), Ok("hasTag|a=b".into()));
        assert_eq!(split("customField[a=b]=c=d"), Ok("customField[a=b]|c=d".into()));
        assert_eq!(split("search="), Ok("search|".into()));
        for bad in ["search", "=x", "snapshot=1", ""] {
            assert!(filter(bad).is_err(), "{bad}");
        }
    }
}
