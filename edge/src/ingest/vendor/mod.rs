//! Other vendors' clients, pointed at TrackMate: their bodies (`domain::compat` reads them) go
//! where our own events go.
//!
//! The public write key is the company id: it may do what a page may. A key of scope `server` may
//! do what a server may, and is refused where a page sends it. To add a client family: see
//! [`crate::domain::compat`].

mod batch;
mod events;
mod identify;
mod item;
mod tally;

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

/// The key that a client shows.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Key {
    /// A company's pages, or whoever read its id there.
    Public(String),
    /// Whoever has the secret key of this hash.
    Server(String),
}

/// Whose form a body has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Family {
    /// `/v1/{kind}` and its letters.
    Segment(Kind),
    /// `/v1/batch`, `/beacon/v1/batch`.
    SegmentBatch,
    /// `/batch`, `/capture`, `/e`, `/i/v0/e`.
    PostHog,
    /// `/api/s/{kind}`, `/api/s/s2s/{kind}`.
    Jitsu(String),
}

impl Family {
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

/// The items' own texts, in their order.
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

/// Stores the items of a request.
pub(crate) async fn store(cx: &IngestContext, key: &Key, sent: Sent<'_>) -> Result<Tally, Error> {
    match key {
        Key::Public(company) => batch::public(cx, company, sent).await.map_err(as_key),
        Key::Server(hash) => batch::server(cx, hash, sent).await,
    }
}

/// What a client sent, kept as it was while D1 is down: what becomes of its items depends on what
/// D1 knows. The ids that it left to us follow from the seed.
#[derive(Serialize, Deserialize)]
pub(crate) struct VendorRequest {
    family: Family,
    pub(crate) key: Key,
    body: Box<RawValue>,
    #[serde(flatten)]
    pub(crate) client: Client,
    pub(crate) seed: String,
}

impl VendorRequest {
    pub(crate) fn of(cx: &IngestContext, family: &Family, key: Key, text: &str) -> serde_json::Result<Self> {
        Ok(Self {
            family: family.clone(),
            key,
            body: serde_json::from_str(text)?,
            client: cx.client().clone(),
            seed: cx.seed().to_owned(),
        })
    }

    /// Stores what was kept.
    pub(crate) async fn store_buffered(&self, cx: &IngestContext) -> Result<(), Error> {
        let sent = self.family.read(self.body.get())?;
        let single = sent.single;
        let tally = store(cx, &self.key, sent).await?;
        if !tally.rejected.is_empty() {
            console_error!("{} of a queued request's items were refused", tally.rejected.len());
            cx.log().refused_items(&texts(self.body.get(), single), &tally.rejected);
        }
        Ok(())
    }
}

/// To a vendor's client the company is a key.
fn as_key(error: Error) -> Error {
    match error {
        Error::Problem(Problem { code: Code::UnknownCompany, .. }) => unknown_key().into(),
        error @ (Error::Problem(_) | Error::Internal(_) | Error::Down(_) | Error::Full(_)) => error,
    }
}

/// What is no key, and what nobody has.
pub(crate) fn unknown_key() -> Problem {
    Problem::new(Code::InvalidKey, "the write key is neither a company's id nor a key of scope server")
}
