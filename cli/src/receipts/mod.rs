//! `trackmate tail`, `receipt` and `rejected`: what became of the events that came in.

mod layout;
mod model;
mod sse;
pub(crate) mod tail;

use clap::{Args, ValueEnum};

use self::model::{Receipt, Rejected};
use crate::api::{Api, encoded};
use crate::error::Error;
use crate::output::Output;

/// Where an event comes in.
#[derive(Clone, Copy, ValueEnum)]
enum Door {
    /// From pages, with the company's id.
    Browser,
    /// From servers, with a key.
    Server,
}

impl Door {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Server => "server",
        }
    }
}

#[derive(Args)]
pub(crate) struct Asked {
    /// The event's message id.
    #[arg(value_name = "MESSAGE_ID")]
    id: String,
    /// Where it came in, if both doors have one of this id.
    #[arg(long, value_enum, value_name = "D")]
    door: Option<Door>,
}

#[derive(Args)]
pub(crate) struct Listed {
    /// Only what was rejected with this code, e.g. `invalid_timestamp`.
    #[arg(long, value_name = "C")]
    code: Option<String>,
    /// Only events of this name.
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// At most this many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Where an earlier page ended.
    #[arg(long, value_name = "C")]
    cursor: Option<String>,
}

/// `GET /api/admin/events/{messageId}`
pub(crate) fn receipt(asked: &Asked, api: &Api, output: Output) -> Result<(), Error> {
    let query: Vec<_> = asked.door.iter().map(|door| ("door", door.as_str())).collect();
    let answer = api.get(&format!("/api/admin/events/{}", encoded(&asked.id)), &query)?;
    output.answer(&answer, |receipt: Receipt| layout::receipt(&receipt, &chrono::Local))
}

/// `GET /api/admin/events/rejected`
pub(crate) fn rejected(wanted: &Listed, api: &Api, output: Output) -> Result<(), Error> {
    let limit = wanted.limit.to_string();
    let all = [
        ("limit", Some(&limit)),
        ("cursor", wanted.cursor.as_ref()),
        ("code", wanted.code.as_ref()),
        ("eventType", wanted.event.as_ref()),
    ];
    let query: Vec<_> = all.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?.as_str()))).collect();
    let answer = api.get("/api/admin/events/rejected", &query)?;
    output.answer(&answer, |page: Rejected| layout::rejected(&page, &chrono::Local))
}
