//! The walk over a company's links and their events in a range.

use serde::Deserialize;
use serde_json::json;

use crate::domain::stats::{Counting, Range};
use crate::store::{Result, Statement, sql};

/// A slice of links and their events: the columns of `stats.events.sql`.
#[derive(Debug, Deserialize)]
pub struct Slice {
    /// The events, as JSON.
    events: String,
    /// The number of browser sessions that were not counted before.
    sessions: i64,
    /// The last of them.
    session: Option<String>,
    /// The place of the next slice.
    next: Option<String>,
}

/// A place in the walk: a link, and one of its events.
#[derive(Debug)]
struct Place {
    session: String,
    at: i64,
    id: String,
    ts: i64,
    source: i64,
    message_id: String,
}

impl Place {
    /// Reads the text that the statement makes. No value contains its separator.
    fn parse(text: &str) -> Option<Self> {
        let mut values = text.split('\u{1}').map(str::to_owned);
        Some(Self {
            session: values.next()?,
            at: values.next()?.parse().ok()?,
            id: values.next()?,
            ts: values.next()?.parse().ok()?,
            source: values.next()?.parse().ok()?,
            message_id: values.next()?,
        })
    }
}

/// The walk so far.
#[derive(Debug)]
pub struct EventWalk {
    /// Where the next slice begins. `None` when the walk is finished.
    place: Option<Place>,
    /// The last counted session, which does not count twice.
    session: String,
}

impl Default for EventWalk {
    fn default() -> Self {
        let [session, id, message_id] = [(); 3].map(|()| String::new());
        Self { place: Some(Place { session, at: 0, id, ts: 0, source: 2, message_id }), session: String::new() }
    }
}

impl EventWalk {
    /// The statement of the next slice; `None` if the walk is finished.
    #[must_use]
    pub fn statement(&self, company: &str, range: &Range, rows: i64) -> Option<Statement> {
        let Place { session, at, id, ts, source, message_id } = self.place.as_ref()?;
        let whole = [json!(company), json!(range.from_ms), json!(range.to_ms)];
        let place = [json!(session), json!(at), json!(id), json!(ts), json!(source), json!(message_id)];
        let params = [&whole[..], &place, &[json!(rows), json!(self.session)]].concat();
        Some(Statement { sql: sql::STATS_EVENTS, params })
    }

    /// Adds a slice to the figures.
    ///
    /// # Errors
    /// When the statement answered something else.
    pub fn take(&mut self, slice: Slice, counting: &mut Counting) -> Result<()> {
        counting.events(serde_json::from_str(&slice.events)?, slice.sessions);
        if let Some(session) = slice.session {
            self.session = session;
        }
        self.place = slice.next.as_deref().and_then(Place::parse);
        Ok(())
    }

    /// Whether the walk is not finished.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.place.is_some()
    }
}
