//! Past hours of a range. Their events are counted once and stored, so that later requests need not
//! read them again. Whatever changes the events of an hour deletes what is stored of it (the
//! triggers of `event_hours`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trackmate_wire::limits::{
    STATS_HOUR_CLOSED_MS, STATS_HOUR_NAMES_MAX, STATS_HOURS_BYTES, STATS_HOURS_MAX, STATS_HOURS_NAMES_MAX,
};

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

/// The counts of an hour; `None` if it has more names than are stored of an hour.
pub type Counted = Option<HourCounts>;

/// Counts of some hours that will be stored, in a limited number of names.
#[derive(Debug, Default)]
pub struct CountedHours {
    hours: BTreeMap<i64, Counted>,
    /// The number of names in them.
    names: usize,
    /// The most names that they may have.
    names_max: usize,
}

impl CountedHours {
    /// Hours that have these counts so far.
    #[must_use]
    pub fn new(hours: impl IntoIterator<Item = (i64, Counted)>, names_max: usize) -> Self {
        let mut counted = Self { names_max, ..Self::default() };
        for (hour, counts) in hours {
            counted.names += counts.as_ref().map_or(0, |counts| counts.names.len());
            counted.hours.insert(hour, counts);
        }
        counted
    }

    /// Hours without events.
    #[must_use]
    pub fn empty(hours: &[i64], names_max: usize) -> Self {
        Self::new(hours.iter().map(|hour| (*hour, Some(HourCounts::default()))), names_max)
    }

    /// The counts so far.
    #[must_use]
    pub const fn hours(&self) -> &BTreeMap<i64, Counted> {
        &self.hours
    }

    /// Counts an event if its hour is one of these. Returns the hour if it is removed, because all
    /// hours together have too many names.
    pub fn count(&mut self, (ms, source, name): &Event) -> Option<i64> {
        let hour = hour_of(*ms);
        let slot = self.hours.get_mut(&hour)?;
        let counts = slot.as_mut()?;
        match source {
            Source::Browser => counts.browser += 1,
            Source::Server => counts.server += 1,
        }
        if let Some(n) = counts.names.get_mut(name) {
            *n += 1;
            return None;
        }
        if counts.names.len() >= STATS_HOUR_NAMES_MAX {
            self.names -= counts.names.len();
            *slot = None;
            return None;
        }
        if self.names >= self.names_max {
            self.names -= counts.names.len();
            self.hours.remove(&hour);
            return Some(hour);
        }
        counts.names.insert(name.clone(), 1);
        self.names += 1;
        None
    }

    /// The counts, as JSON arrays of `[hour, counts]`, each of a limited length. The counts of an
    /// hour with too many names are `null`.
    ///
    /// # Errors
    /// Never: counts are always JSON.
    pub fn lists(&self) -> serde_json::Result<Vec<String>> {
        let mut lists = vec![String::new()];
        for (hour, counts) in &self.hours {
            let item = format!("[{hour},{}]", serde_json::to_string(counts)?);
            match lists.last_mut().filter(|list| list.len() + item.len() < STATS_HOURS_BYTES) {
                Some(list) => {
                    list.push_str(if list.is_empty() { "" } else { "," });
                    list.push_str(&item);
                }
                None => lists.push(item),
            }
        }
        Ok(lists.into_iter().filter(|list| !list.is_empty()).map(|list| format!("[{list}]")).collect())
    }
}

/// The hours of a range: which of them are to be counted, and the counts of those to be stored.
#[derive(Debug)]
pub struct Hours {
    range: Range,
    /// A character for each hour that the range touches: 1 if its events are to be counted.
    open: String,
    /// The hours that are counted in order to be stored.
    counted: CountedHours,
}

/// The hour of a time, since 1970.
#[must_use]
pub const fn hour_of(ms: i64) -> i64 {
    ms.div_euclid(Interval::Hour.ms())
}

/// The first hour whose counts are not stored yet. The counts of an hour are stored some time after
/// its end, because an event that comes before is not late.
#[must_use]
pub const fn first_open_hour(now_ms: i64) -> i64 {
    hour_of(now_ms - STATS_HOUR_CLOSED_MS)
}

impl Hours {
    /// All hours of a range are to be counted.
    #[must_use]
    pub fn new(range: Range) -> Self {
        let touched = hour_of(range.to_ms - 1) - hour_of(range.from_ms) + 1;
        let open = "1".repeat(usize::try_from(touched).unwrap_or_default());
        Self { range, open, counted: CountedHours::default() }
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
    pub fn choose(&mut self, now_ms: i64) -> Vec<i64> {
        let (first, end) = self.bounds();
        let hours = (first..end).zip(self.open.bytes()).filter(|(_, open)| *open == b'1').map(|(hour, _)| hour);
        let is_past = |hour: &i64| *hour < first_open_hour(now_ms);
        let past: Vec<i64> = hours.filter(is_past).filter(|hour| self.span(*hour).is_some()).collect();
        let chosen = past.split_at(past.len().saturating_sub(STATS_HOURS_MAX)).1.to_vec();
        self.counted = CountedHours::empty(&chosen, STATS_HOURS_NAMES_MAX);
        chosen
    }

    /// Counts an event.
    pub fn count(&mut self, event: &Event) {
        self.counted.count(event);
    }

    /// The hours that were counted to the end.
    #[must_use]
    pub const fn counted(&self) -> &CountedHours {
        &self.counted
    }
}
