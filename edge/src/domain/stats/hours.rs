//! Past hours of a range. Their events are counted once and stored, so that later requests need not
//! read them again. Whatever changes the events of an hour deletes what is stored of it (the
//! triggers of `event_hours`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trackmate_wire::limits::{STATS_HOUR_CLOSED_MS, STATS_HOUR_NAMES_MAX, STATS_HOURS_MAX, STATS_HOURS_NAMES_MAX};

use super::range::{Interval, Range};
use crate::domain::source::Source;

/// An event of the range: when it happened, ms; its source; its name.
pub type Event = (i64, Source, String);

/// The events of an hour.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourCounts {
    /// Events of browsers.
    pub browser: i64,
    /// Events of servers and of TrackMate.
    pub server: i64,
    /// The number of events of each name.
    pub names: BTreeMap<String, i64>,
}

/// The hours of a range: which of them are to be counted, and the counts of those to be stored.
#[derive(Debug)]
pub struct Hours {
    range: Range,
    /// A character for each hour that the range touches: 1 if its events are to be counted.
    open: String,
    /// The hours that are counted in order to be stored.
    counted: BTreeMap<i64, HourCounts>,
    /// The number of names in them.
    names: usize,
}

/// The hour of a time, since 1970.
const fn hour_of(ms: i64) -> i64 {
    ms.div_euclid(Interval::Hour.ms())
}

impl Hours {
    /// All hours of a range are to be counted.
    #[must_use]
    pub fn new(range: Range) -> Self {
        let touched = hour_of(range.to_ms - 1) - hour_of(range.from_ms) + 1;
        let open = "1".repeat(usize::try_from(touched).unwrap_or_default());
        Self { range, open, counted: BTreeMap::new(), names: 0 }
    }

    /// The first hour of the range, and the first after it.
    #[must_use]
    pub const fn bounds(&self) -> (i64, i64) {
        (hour_of(self.range.from_ms), hour_of(self.range.to_ms - 1) + 1)
    }

    /// A character for each hour: 1 if its events are to be counted, otherwise 0.
    #[must_use]
    pub fn open(&self) -> &str {
        &self.open
    }

    /// The span that an hour lies in as a whole.
    fn span(&self, hour: i64) -> Option<usize> {
        let begin_ms = hour * Interval::Hour.ms();
        let last_ms = begin_ms + Interval::Hour.ms() - 1;
        self.range.place(begin_ms).filter(|span| self.range.place(last_ms) == Some(*span))
    }

    /// Says that the counts of an hour are stored, so that its events need not be counted. Returns
    /// the hour's span; `None` if the hour is not of one span, so that its counts are of no use.
    pub fn find(&mut self, hour: i64) -> Option<usize> {
        let span = self.span(hour)?;
        let place = usize::try_from(hour - self.bounds().0).ok()?;
        self.open.get(place..=place)?;
        self.open.replace_range(place..=place, "0");
        Some(span)
    }

    /// Chooses the hours to store. If there are too many, it takes the latest.
    /// It takes an hour some time after its end, because an event that comes before is not late.
    pub fn choose(&mut self, now_ms: i64) -> Vec<i64> {
        let (first, end) = self.bounds();
        let is_past = |hour: &i64| (*hour + 1) * Interval::Hour.ms() + STATS_HOUR_CLOSED_MS <= now_ms;
        let hours = (first..end).zip(self.open.bytes()).filter(|(_, open)| *open == b'1').map(|(hour, _)| hour);
        let past: Vec<i64> = hours.filter(is_past).filter(|hour| self.span(*hour).is_some()).collect();
        let chosen = past.split_at(past.len().saturating_sub(STATS_HOURS_MAX)).1.to_vec();
        self.counted = chosen.iter().map(|hour| (*hour, HourCounts::default())).collect();
        chosen
    }

    /// Counts an event. An hour with too many names is not stored.
    pub fn count(&mut self, (ms, source, name): &Event) {
        let hour = hour_of(*ms);
        let Some(counts) = self.counted.get_mut(&hour) else { return };
        match source {
            Source::Browser => counts.browser += 1,
            Source::Server => counts.server += 1,
        }
        if let Some(n) = counts.names.get_mut(name) {
            *n += 1;
        } else if counts.names.len() < STATS_HOUR_NAMES_MAX && self.names < STATS_HOURS_NAMES_MAX {
            counts.names.insert(name.clone(), 1);
            self.names += 1;
        } else {
            self.names -= counts.names.len();
            self.counted.remove(&hour);
        }
    }

    /// The hours that were counted to the end.
    #[must_use]
    pub fn counted(self) -> BTreeMap<i64, HourCounts> {
        self.counted
    }
}
