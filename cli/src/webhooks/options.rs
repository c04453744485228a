//! The options of `trackmate webhooks`.

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::parse;

#[derive(Args)]
pub(crate) struct Add {
    /// Where deliveries go.
    #[arg(value_name = "URL")]
    pub(super) target: String,
    /// What to call it.
    pub(super) name: String,
    /// Names, prefix.* or *, separated by commas.
    #[arg(default_value = "*", value_parser = parse::events)]
    pub(super) events: parse::Events,
    /// A header to send along; may be repeated. Its value is not shown again.
    // Parsed by `add` and not here: a message of the options' parser would show the value.
    #[arg(long = "header", value_name = "K=V")]
    pub(super) headers: Vec<String>,
    /// How deliveries are retried.
    #[arg(long, value_enum)]
    pub(super) preset: Option<Preset>,
    /// Deliveries a second, at most.
    #[arg(long, value_name = "N")]
    pub(super) rate_limit: Option<u32>,
    /// A remark.
    #[arg(long, value_name = "D")]
    pub(super) description: Option<String>,
}

/// A retry policy by name.
#[derive(Clone, Copy, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Preset {
    /// 3 attempts within seconds; each may take 30 s.
    Funnel,
    /// 3 attempts within minutes; each may take 10 s.
    Crm,
    /// From 5 s to 24 h apart, over about three days.
    Standard,
}

#[derive(Args)]
pub(crate) struct Listed {
    #[arg(value_parser = parse::id)]
    pub(super) id: String,
    /// Only those of this status, e.g. exhausted.
    #[arg(long, value_name = "S")]
    pub(super) status: Option<String>,
    /// At most this many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(super) limit: u32,
    /// Where an earlier page ended.
    #[arg(long, value_name = "C")]
    pub(super) cursor: Option<String>,
}

#[derive(Args)]
pub(crate) struct Recover {
    #[arg(value_parser = parse::id)]
    pub(super) id: String,
    /// From when on: ISO 8601, epoch milliseconds, or as long ago as 90m, 2h, 7d.
    #[arg(long, value_name = "T", value_parser = parse::time)]
    pub(super) since: String,
    /// Until when, in the same forms; now, unless given.
    #[arg(long, value_name = "T", value_parser = parse::time)]
    pub(super) until: Option<String>,
    /// Only those of this status, e.g. exhausted.
    #[arg(long, value_name = "S")]
    pub(super) status: Option<String>,
}
