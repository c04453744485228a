//! What the ingest commands share: the client, the generated ids and the outcome log.

use std::cell::{Cell, OnceCell};
use std::ops::Deref;

use serde::{Deserialize, Serialize};
use trackmate_wire::hex::hex;

use crate::domain::{bot, event};
use crate::ingest::outcome_log::OutcomeLog;
use crate::runtime::context::Context;
use crate::runtime::random;

/// The sender of a request, by its headers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Client {
    /// The page's origin.
    pub(crate) origin: Option<String>,
    /// The `User-Agent`.
    #[serde(rename = "agent")]
    pub(crate) user_agent: Option<String>,
}

/// A [`Context`] of an ingest command.
pub(crate) struct IngestContext {
    cx: Context,
    client: Client,
    log: OutcomeLog,
    seed: OnceCell<String>,
    ids: Cell<u32>,
}

impl Deref for IngestContext {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.cx
    }
}

impl IngestContext {
    pub(crate) fn new(cx: Context, client: Client) -> Self {
        Self { cx, client, log: OutcomeLog::default(), seed: OnceCell::new(), ids: Cell::default() }
    }

    /// The same context with the [`Self::seed`] of a buffered request.
    pub(crate) fn with_seed(self, seed: &str) -> Self {
        Self { seed: OnceCell::from(seed.to_owned()), ..self }
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn origin(&self) -> Option<String> {
        self.client.origin.clone()
    }

    /// Whether the `User-Agent` is that of a bot.
    pub(crate) fn is_bot(&self) -> bool {
        self.client.user_agent.as_deref().is_some_and(bot::is_agent)
    }

    /// The log of what became of each item.
    pub(crate) const fn log(&self) -> &OutcomeLog {
        &self.log
    }

    /// The random text from which ids are generated.
    pub(crate) fn seed(&self) -> &str {
        self.seed.get_or_init(|| hex(&random::bytes::<16>()))
    }

    /// Generates the id of an event that has none. The n-th id of a request is the same each time
    /// the request is stored, so a repeat is recognised.
    pub(crate) fn message_id(&self) -> String {
        let n = self.ids.get();
        self.ids.set(n + 1);
        event::content_id(&[self.seed(), &n.to_string()])
    }
}
