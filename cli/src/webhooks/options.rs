//! The options of `trackmate webhooks`.

use clap::{Args, ValueEnum};

use super::parse;

#[derive(Args)]
pub(crate) struct Add {
    /// The URL that receives the deliveries.
    #[arg(value_name = "URL")]
    pub(super) target: String,
    /// The webhook's name.
    pub(super) name: String,
    /// Event names, prefix.* or *, separated by commas.
    #[arg(default_value = "*", value_parser = parse::events)]
    pub(super) events: parse::Events,
    /// A header to send. May be repeated. Its value is not shown again.
    // Parsed by `add`, since an error message of clap would show the value.
    #[arg(long = "header", value_name = "K=V")]
    pub(super) headers: Vec<String>,
    /// The retry policy.
    #[arg(long, value_enum)]
    pub(super) preset: Option<Preset>,
    /// Maximum deliveries per second.
    #[arg(long, value_name = "N")]
    pub(super) rate_limit: Option<u32>,
    /// A description.
    #[arg(long, value_name = "D")]
    pub(super) description: Option<String>,
}

/// A retry policy by name.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Preset {
    /// 3 attempts within seconds. Timeout 30 s.
    Funnel,
    /// 3 attempts within minutes. Timeout 10 s.
    Crm,
    /// 10 attempts over about three days, 5 s to 24 h apart.
    Standard,
}

impl Preset {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Funnel => "funnel",
            Self::Crm => "crm",
            Self::Standard => "standard",
        }
    }
}

#[derive(Args)]
pub(crate) struct DeliveriesOptions {
    #[arg(value_parser = parse::id)]
    pub(super) id: String,
    /// Only deliveries with this status, e.g. exhausted.
    #[arg(long, value_name = "S")]
    pub(super) status: Option<String>,
    /// Maximum number of deliveries.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(super) limit: u32,
    /// The cursor of the previous page.
    #[arg(long, value_name = "C")]
    pub(super) cursor: Option<String>,
}

#[derive(Args)]
pub(crate) struct Recover {
    #[arg(value_parser = parse::id)]
    pub(super) id: String,
    /// Start of the period: ISO 8601, epoch milliseconds, or an age such as 90m, 2h, 7d.
    #[arg(long, value_name = "T", value_parser = parse::time)]
    pub(super) since: String,
    /// End of the period, in the same formats. Default: now.
    #[arg(long, value_name = "T", value_parser = parse::time)]
    pub(super) until: Option<String>,
    /// Only deliveries with this status, e.g. exhausted.
    #[arg(long, value_name = "S")]
    pub(super) status: Option<String>,
}
