//! The walk over a company's links and their events in a range. Hours whose counts are stored are
//! not walked, and past hours that were walked are stored.

use serde::Deserialize;
use serde_json::json;
use trackmate_wire::limits::STATS_HOURS_SLICE;

use crate::domain::stats::{CountedHours, Counting, HourCounts, Hours, Range};
use crate::store::{ChangeStamp, Result, Statement, sql};

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

/// The stored counts of an hour: the columns of `event_hours.list.sql`.
#[derive(Debug, Deserialize)]
pub struct StoredHour {
    hour: i64,
    counts: String,
}

/// A place in the walk: all events of earlier sessions, and those of this session up to this one,
/// are counted.
#[derive(Debug, Clone)]
struct Place {
    session: String,
    ts: i64,
    source: i64,
    message_id: String,
}

impl Place {
    fn first() -> Self {
        Self { session: String::new(), ts: 0, source: 2, message_id: String::new() }
    }

    /// Reads the text that the statement makes. No value contains its separator.
    fn parse(text: &str) -> Option<Self> {
        let mut values = text.split('\u{1}').map(str::to_owned);
        Some(Self {
            session: values.next()?,
            ts: values.next()?.parse().ok()?,
            source: values.next()?.parse().ok()?,
            message_id: values.next()?,
        })
    }
}

/// What the next round trip does.
#[derive(Debug)]
enum Step {
    /// Walks a slice without stored hours, and reads the first of these meanwhile. If the walk ends
    /// there, it needs no more; otherwise it begins again.
    Try,
    /// Reads the hours that are stored after this one.
    Find(i64),
    /// Announces the hours to be stored, and walks the first slice.
    Begin,
    /// Walks a slice from this place.
    Walk(Place),
    /// The walk is finished.
    End,
}

/// The walk so far.
#[derive(Debug)]
pub struct EventWalk {
    step: Step,
    hours: Hours,
    /// The last counted session, which does not count twice.
    session: String,
    /// Its number marks the hours that this walk will store.
    stamp: ChangeStamp,
}

/// The statements of a round trip, in their order.
#[derive(Debug, Default)]
pub struct Trip {
    /// Announces hours.
    pub open: Option<Statement>,
    /// Reads stored hours.
    pub hours: Option<Statement>,
    /// Walks a slice.
    pub events: Option<Statement>,
}

impl EventWalk {
    /// A walk of a range from its start.
    #[must_use]
    pub fn new(range: Range, stamp: ChangeStamp) -> Self {
        Self { step: Step::Try, hours: Hours::new(range), session: String::new(), stamp }
    }

    /// Whether the walk is not finished.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !matches!(self.step, Step::End)
    }

    /// The statements of the next round trip; none if the walk is finished.
    pub fn trip(&mut self, company: &str, range: &Range, rows: i64) -> Trip {
        match &self.step {
            Step::Try => Trip {
                hours: Some(self.stored(company, self.hours.bounds().0 - 1)),
                events: Some(self.walk(company, range, &Place::first(), rows)),
                ..Trip::default()
            },
            Step::Find(after) => Trip { hours: Some(self.stored(company, *after)), ..Trip::default() },
            Step::Begin => {
                let chosen = self.hours.choose(self.stamp.now_ms);
                Trip {
                    open: (!chosen.is_empty()).then(|| announcing(company, &chosen, self.stamp.marker)),
                    events: Some(self.walk(company, range, &Place::first(), rows)),
                    ..Trip::default()
                }
            }
            Step::Walk(place) => Trip { events: Some(self.walk(company, range, place, rows)), ..Trip::default() },
            Step::End => Trip::default(),
        }
    }

    fn stored(&self, company: &str, after: i64) -> Statement {
        Statement::new(sql::EVENT_HOURS_LIST, json!([company, after, self.hours.bounds().1, STATS_HOURS_SLICE]))
    }

    fn walk(&self, company: &str, range: &Range, place: &Place, rows: i64) -> Statement {
        let whole = [json!(company), json!(range.from_ms), json!(range.to_ms), json!(self.hours.open())];
        let Place { session, ts, source, message_id } = place;
        let place = [json!(session), json!(ts), json!(source), json!(message_id)];
        let params = [&whole[..], &place, &[json!(rows), json!(self.session)]].concat();
        Statement { sql: sql::STATS_EVENTS, params }
    }

    /// Adds what a round trip read to the figures.
    ///
    /// # Errors
    /// When a statement answered something else.
    pub fn take(&mut self, hours: &[StoredHour], slice: Option<Slice>, counting: &mut Counting) -> Result<()> {
        let ends = slice.as_ref().is_some_and(|slice| slice.next.is_none());
        match &self.step {
            Step::Try if ends => {}
            Step::Try | Step::Find(_) => {
                for StoredHour { hour, counts } in hours {
                    let counts: HourCounts = serde_json::from_str(counts)?;
                    if let Some(span) = self.hours.find(*hour) {
                        counting.hour(span, counts);
                    }
                }
                let is_full = i64::try_from(hours.len()).is_ok_and(|found| found >= STATS_HOURS_SLICE);
                self.step = hours.last().filter(|_| is_full).map_or(Step::Begin, |last| Step::Find(last.hour));
                return Ok(());
            }
            Step::Begin | Step::Walk(_) | Step::End => {}
        }
        let Some(Slice { events, sessions, session, next }) = slice else { return Ok(()) };
        let events = serde_json::from_str(&events)?;
        for event in &events {
            self.hours.count(event);
        }
        counting.events(events, sessions);
        if let Some(session) = session {
            self.session = session;
        }
        self.step = next.as_deref().and_then(Place::parse).map_or(Step::End, Step::Walk);
        Ok(())
    }

    /// The statements that store the counted hours after the walk. Each does nothing to an hour
    /// whose events changed meanwhile.
    ///
    /// # Errors
    /// Never: counts are always JSON.
    pub fn storing(&self, company: &str) -> Result<Vec<Statement>> {
        storing(company, self.hours.counted(), self.stamp.marker)
    }
}

/// The statement that announces hours which a count with this number will store.
pub(super) fn announcing(company: &str, hours: &[i64], number: i64) -> Statement {
    Statement::new(sql::EVENT_HOURS_OPEN, json!([company, json!(hours).to_string(), number]))
}

/// The statements that store the hours of a count with this number.
pub(super) fn storing(company: &str, counted: &CountedHours, number: i64) -> Result<Vec<Statement>> {
    let store = |list| Statement::new(sql::EVENT_HOURS_STORE, json!([company, list, number]));
    Ok(counted.lists()?.into_iter().map(store).collect())
}
