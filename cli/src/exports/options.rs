//! The options of `trackmate export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What to export.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Kind {
    Users,
    Events,
}

/// In which form.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For spreadsheets; safe to open in one.
    Csv,
    /// One object with all rows in it; cannot be resumed.
    Json,
    /// An object a line.
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
pub(crate) struct Download {
    pub(super) kind: Kind,
    /// In which form.
    #[arg(long, value_enum, default_value = "csv")]
    pub(super) format: Format,
    /// The file; until it is whole and verified, it is FILE.part, with FILE.part.json beside it.
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,
    /// A filter of the API, e.g. hasTag=vip or exportConsentOnly=true; may be repeated.
    #[arg(long = "filter", value_name = "NAME=VALUE", value_parser = filter)]
    pub(super) filters: Vec<(String, String)>,
    /// Columns, separated by commas; all, unless given.
    #[arg(long, value_name = "A,B")]
    pub(super) fields: Option<String>,
    /// Rows at the most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) limit: Option<u64>,
    /// Go on with a download that broke off.
    #[arg(long)]
    pub(super) resume: bool,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_split_behind_its_name() {
        let split = |text| filter(text).map(|(name, value)| format!("{name}|{value}"));
        assert_eq!(split("hasTag=a=b"), Ok("hasTag|a=b".into()));
        assert_eq!(split("customField[a=b]=c=d"), Ok("customField[a=b]|c=d".into()));
        assert_eq!(split("search="), Ok("search|".into()));
        for bad in ["search", "=x", "snapshot=1", ""] {
            assert!(filter(bad).is_err(), "{bad}");
        }
    }
}
