//! The figures of a range of time: the range, its spans, and the sums of the counts that the
//! statements (`store/sql/stats.*.sql`) return.
//!
//! An event counts at the time when it happened, as in timelines and exports. A delivery counts at
//! the time when it was written, which is when its event arrived.

mod hours;
mod range;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::mem;

pub use hours::{Counted, CountedHours, Event, HourCounts, Hours, first_open_hour, hour_of};
pub use range::{CHANGES, Change, Interval, Range, offset_ms};
use trackmate_wire::limits::{STATS_NAMES, STATS_NAMES_COUNTED_MAX};

use super::source::Source;

/// A delivery of the range: when it was created, ms; its state; the time that it took, ms, if it
/// was delivered.
pub type Sent = (i64, String, Option<i64>);

/// The figures of one span, or of the whole range.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Span {
    /// Events of browsers.
    pub browser_events: i64,
    /// Events of servers and of TrackMate.
    pub server_events: i64,
    /// New users.
    pub new_people: i64,
    /// All deliveries of the span.
    pub deliveries: i64,
    /// Deliveries that were delivered.
    pub delivered: i64,
    /// Deliveries that were given up.
    pub failed: i64,
    /// Deliveries that are still to be attempted.
    pub pending: i64,
    /// Deliveries that wait for their subscription.
    pub held: i64,
    /// Deliveries that were dismissed.
    pub dismissed: i64,
}

impl Span {
    /// Adds the figures of another span.
    fn add(&mut self, other: &Self) {
        self.browser_events += other.browser_events;
        self.server_events += other.server_events;
        self.new_people += other.new_people;
        self.deliveries += other.deliveries;
        self.delivered += other.delivered;
        self.failed += other.failed;
        self.pending += other.pending;
        self.held += other.held;
        self.dismissed += other.dismissed;
    }

    /// The share of ended deliveries that were delivered.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "counts are below 2^53")]
    pub fn success_rate(&self) -> Option<f64> {
        let ended = self.delivered + self.failed;
        (ended > 0).then(|| self.delivered as f64 / ended as f64)
    }
}

/// Nearest-rank percentiles of the time that deliveries took, ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// The time within which half of them were delivered.
    pub p50: i64,
    /// The time within which 90 % were delivered.
    pub p90: i64,
    /// The time within which 99 % were delivered.
    pub p99: i64,
}

/// The figures of a range.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The spans, without a gap.
    pub spans: Vec<Span>,
    /// The whole range.
    pub total: Span,
    /// All users of the company.
    pub people: i64,
    /// Browser sessions with an event.
    pub sessions: i64,
    /// People with an event.
    pub active: i64,
    /// The most frequent event names, the most frequent first.
    pub names: Vec<(String, i64)>,
    /// The time that deliveries took.
    pub latency: Option<Latency>,
}

/// Adds up figures slice by slice. Its size has a limit, however many slices there are.
#[derive(Debug)]
pub struct Counting {
    range: Range,
    figures: Figures,
    names: BTreeMap<String, i64>,
    /// The number of deliveries by the time they took, rounded by [`kept_ms`].
    times: BTreeMap<i64, i64>,
}

impl Counting {
    /// The figures of a range, with all counts zero.
    #[must_use]
    pub fn new(range: Range) -> Self {
        let spans = vec![Span::default(); range.spans().count()];
        let figures = Figures { spans, ..Figures::default() };
        Self { range, figures, names: BTreeMap::new(), times: BTreeMap::new() }
    }

    /// Adds a slice of events, and the number of browser sessions that have an event.
    pub fn events(&mut self, slice: Vec<Event>, sessions: i64) {
        self.figures.sessions += sessions;
        for (ms, source, name) in slice {
            if let Some(span) = self.span(ms) {
                match source {
                    Source::Browser => span.browser_events += 1,
                    Source::Server => span.server_events += 1,
                }
                *self.names.entry(name).or_default() += 1;
            }
        }
        self.drop_rare_names();
    }

    /// Adds the stored events of an hour of a span.
    pub fn hour(&mut self, span: usize, HourCounts { browser, server, names }: HourCounts) {
        if let Some(span) = self.figures.spans.get_mut(span) {
            span.browser_events += browser;
            span.server_events += server;
        }
        for (name, n) in names {
            *self.names.entry(name).or_default() += n;
        }
        self.drop_rare_names();
    }

    /// Drops the rarer half of the names if there are too many.
    fn drop_rare_names(&mut self) {
        if self.names.len() > STATS_NAMES_COUNTED_MAX {
            let mut names: Vec<_> = mem::take(&mut self.names).into_iter().collect();
            names.sort_by_key(|(_, n)| Reverse(*n));
            names.truncate(STATS_NAMES_COUNTED_MAX / 2);
            self.names = names.into_iter().collect();
        }
    }

    /// Adds a slice of users: their number, and the times in the range at which some were created.
    pub fn people(&mut self, people: i64, created: &[i64]) {
        self.figures.people += people;
        for ms in created {
            if let Some(span) = self.span(*ms) {
                span.new_people += 1;
            }
        }
    }

    /// The span of a time.
    fn span(&mut self, ms: i64) -> Option<&mut Span> {
        self.figures.spans.get_mut(self.range.place(ms)?)
    }

    /// Adds a number of people with an event.
    pub const fn active(&mut self, people: i64) {
        self.figures.active += people;
    }

    /// Adds a slice of deliveries.
    pub fn deliveries(&mut self, slice: &[Sent]) {
        for (created_ms, state, took_ms) in slice {
            let Some(span) = self.span(*created_ms) else { continue };
            span.deliveries += 1;
            match state.as_str() {
                "delivered" => span.delivered += 1,
                "failed_permanent" | "exhausted" => span.failed += 1,
                "held" => span.held += 1,
                "dismissed" => span.dismissed += 1,
                _ => span.pending += 1,
            }
            if let Some(ms) = took_ms {
                *self.times.entry(kept_ms(*ms)).or_default() += 1;
            }
        }
    }

    /// The figures, after all slices.
    #[must_use]
    pub fn figures(self) -> Figures {
        let Self { mut figures, names, times, .. } = self;
        for span in &figures.spans {
            figures.total.add(span);
        }
        figures.names = names.into_iter().collect();
        // The names are already in order. The stable sort leaves names with the same count in that
        // order.
        figures.names.sort_by_key(|(_, n)| Reverse(*n));
        figures.names.truncate(usize::try_from(STATS_NAMES).unwrap_or_default());
        let all: i64 = times.values().sum();
        let ranked = |percent: i64| {
            let mut behind = (all * percent + 99) / 100;
            times.iter().find_map(|(ms, n)| {
                behind -= n;
                (behind <= 0).then_some(*ms)
            })
        };
        figures.latency = match (ranked(50), ranked(90), ranked(99)) {
            (Some(p50), Some(p90), Some(p99)) => Some(Latency { p50, p90, p99 }),
            _ => None,
        };
        figures
    }
}

/// A rounded time: exact up to 100 s, and with five digits beyond. So there are at most about half
/// a million different times.
fn kept_ms(ms: i64) -> i64 {
    let mut step = 1;
    while ms / step >= 100_000 {
        step *= 10;
    }
    ms / step * step
}

#[cfg(test)]
mod tests;
