//! `trackmate tail`, `receipt` and `rejected`: what happened to received events.

mod layout;
mod sse;
pub(crate) mod tail;

use clap::{Args, ValueEnum};
use trackmate_wire::api::{EventReceipt, RejectedList};

use crate::api::{Api, encoded};
use crate::error::Error;
use crate::output::Output;

/// The API through which an event is received: `door` in the API.
#[derive(Clone, Copy, ValueEnum)]
enum Source {
    /// The browser API, with the company's id.
    Browser,
    /// The server API, with a key.
    Server,
}

impl Source {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Server => "server",
        }
    }
}

#[derive(Args)]
pub(crate) struct ReceiptOptions {
    /// The event's message id.
    #[arg(value_name = "MESSAGE_ID")]
    id: String,
    /// The event's source, if both sources have an event with this id.
    #[arg(long, value_enum, alias = "door")]
    source: Option<Source>,
}

#[derive(Args)]
pub(crate) struct RejectedOptions {
    /// Only events rejected with this code, e.g. `invalid_timestamp`.
    #[arg(long, value_name = "C")]
    code: Option<String>,
    /// Only events with this name.
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// Maximum number of events.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// The cursor of the previous page.
    #[arg(long, value_name = "C")]
    cursor: Option<String>,
}

/// `GET /api/admin/events/{messageId}`
pub(crate) fn receipt(options: &ReceiptOptions, api: &Api, output: Output) -> Result<(), Error> {
    let query = [("door", options.source.map(Source::as_str))];
    let answer = api.get(&format!("/api/admin/events/{}", encoded(&options.id)), &query)?;
    output.answer(&answer, |receipt: EventReceipt| layout::receipt(&receipt, &chrono::Local))
}

/// `GET /api/admin/events/rejected`
pub(crate) fn rejected(options: &RejectedOptions, api: &Api, output: Output) -> Result<(), Error> {
    let limit = options.limit.to_string();
    let query = [
        ("limit", Some(&*limit)),
        ("cursor", options.cursor.as_deref()),
        ("code", options.code.as_deref()),
        ("eventType", options.event.as_deref()),
    ];
    let answer = api.get("/api/admin/events/rejected", &query)?;
    output.answer(&answer, |page: RejectedList| layout::rejected(&page, &chrono::Local))
}
