//! Other vendors' clients, pointed at TrackMate. `domain::compat` reads their bodies; the items are
//! stored like TrackMate's own.
//!
//! The public write key is the company id, with the rights of a browser. A key of scope `server`
//! has the rights of a server, and is refused where a browser sends it. To add a client family: see
//! [`crate::domain::compat`].

mod alias;
mod batch;
mod context;
mod events;
mod identify;
mod identity_key;
mod item;
mod resolve;
mod round;
mod tally;
mod trusted_traits;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use trackmate_wire::problem::{Code, Problem};
use worker::console_error;

use crate::domain::compat::segment::Kind;
use crate::domain::compat::{Sent, jitsu, posthog, segment};
use crate::error::Error;
use crate::ingest::context::{Client, IngestContext};
pub(crate) use batch::unknown;
pub(crate) use tally::Tally;

/// The key that a client sends.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum WriteKey {
    /// The company id, which everyone can read on the company's pages.
    Public(String),
    /// The hash of a secret key.
    Server(String),
}

/// The format of a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum VendorFormat {
    /// `/v1/{kind}` and its letters.
    Segment(Kind),
    /// `/v1/batch`, `/beacon/v1/batch`.
    SegmentBatch,
    /// `/batch`, `/capture`, `/e`, `/i/v0/e`.
    PostHog,
    /// `/api/s/{kind}`, `/api/s/s2s/{kind}`.
    Jitsu(String),
}

impl VendorFormat {
    /// Of `/v1/{kind}`.
    pub(crate) fn segment(kind: &str) -> Option<Self> {
        if let "batch" | "b" = kind {
            return Some(Self::SegmentBatch);
        }
        Kind::named(kind).map(Self::Segment)
    }

    pub(crate) fn read<'a>(&self, text: &'a str) -> Result<Sent<'a>, Problem> {
        match self {
            Self::Segment(kind) => segment::message(text, Some(*kind)),
            Self::SegmentBatch => segment::batch(text),
            Self::PostHog => posthog::read(text),
            Self::Jitsu(kind) => jitsu::message(text, kind),
        }
    }
}

/// The JSON texts of the items, in their order.
pub(crate) fn texts(text: &str, single: bool) -> Vec<&str> {
    #[derive(Deserialize)]
    struct Batch<'a> {
        #[serde(borrow)]
        batch: Vec<&'a RawValue>,
    }
    if single {
        return vec![text];
    }
    let items = serde_json::from_str(text).map(|Batch { batch }| batch).or_else(|_| serde_json::from_str(text));
    items.unwrap_or_default().into_iter().map(RawValue::get).collect()
}

/// Stores the items of a request and counts them.
///
/// # Errors
/// Problems that concern the whole request, such as `invalid_key`; D1's.
pub(crate) async fn store(cx: &IngestContext, key: &WriteKey, sent: Sent<'_>) -> Result<Tally, Error> {
    match key {
        WriteKey::Public(company) => batch::public(cx, company, sent).await.map_err(as_key),
        WriteKey::Server(hash) => batch::server(cx, hash, sent).await,
    }
}

/// A request, buffered as sent while D1 is down: how its items are stored depends on data in D1.
/// The ids that TrackMate generates follow from the seed, so they are the same when it is stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct VendorRequest {
    family: VendorFormat,
    pub(crate) key: WriteKey,
    body: Box<RawValue>,
    #[serde(flatten)]
    pub(crate) client: Client,
    pub(crate) seed: String,
}

impl VendorRequest {
    pub(crate) fn of(cx: &IngestContext, family: &VendorFormat, key: WriteKey, text: &str) -> serde_json::Result<Self> {
        Ok(Self {
            family: family.clone(),
            key,
            body: serde_json::from_str(text)?,
            client: cx.client().clone(),
            seed: cx.seed().to_owned(),
        })
    }

    /// Stores a buffered request.
    pub(crate) async fn store_buffered(&self, cx: &IngestContext) -> Result<(), Error> {
        let sent = self.family.read(self.body.get())?;
        let single = sent.single;
        let tally = store(cx, &self.key, sent).await?;
        if !tally.rejected.is_empty() {
            console_error!("{} of a queued request's items were rejected", tally.rejected.len());
            cx.log().rejected_vendor_items(&texts(self.body.get(), single), &tally.rejected);
        }
        Ok(())
    }
}

/// A vendor's client sends the company id as its write key.
fn as_key(error: Error) -> Error {
    match error {
        Error::Problem(Problem { code: Code::UnknownCompany, .. }) => unknown_key().into(),
        error @ (Error::Problem(_) | Error::Internal(_) | Error::Down(_) | Error::Full(_)) => error,
    }
}

/// The write key has the wrong form, or nobody has it.
pub(crate) fn unknown_key() -> Problem {
    Problem::new(Code::InvalidKey, "the write key is neither a company's id nor a key of scope server")
}
