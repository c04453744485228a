//! The figures of a range of time: which range, its spans, and how what the statements count
//! (`store/sql/stats.*.sql`) comes together.
//!
//! An event counts when it happened, as timelines and exports have it; a delivery when it was
//! written, which is when its event came in.

mod range;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::mem;

pub use range::{CHANGES, Change, Interval, Range, offset_ms};
use serde::Deserialize;
use trackmate_wire::limits::{STATS_NAMES, STATS_NAMES_HELD};

/// Events as counted in a slice: those of one span and door, those of one name, or the sessions
/// they are of.
#[derive(Debug, Deserialize)]
pub struct Counted {
    /// The span.
    pub place: Option<usize>,
    /// 0 browser, 1 server.
    pub source: Option<i64>,
    /// The name.
    pub name: Option<String>,
    /// How many.
    pub n: i64,
}

/// Users as counted in a slice.
#[derive(Debug, Deserialize)]
pub struct Made {
    /// The span in which they came to be; none for before or after the range.
    pub place: Option<usize>,
    /// How many.
    pub n: i64,
}

/// Deliveries as counted in a slice: those of one span and state, or those delivered that took so
/// long.
#[derive(Debug, Deserialize)]
pub struct Sent {
    /// The span.
    pub place: Option<usize>,
    /// Their state.
    pub state: Option<String>,
    /// How many.
    pub n: i64,
    /// ms.
    pub ms: Option<i64>,
}

/// What happened in a span, or in all.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Span {
    /// Events of browsers …
    pub browser_events: i64,
    /// … and of servers and TrackMate itself.
    pub server_events: i64,
    /// Users that came to be.
    pub new_people: i64,
    /// Deliveries written, …
    pub deliveries: i64,
    /// … of which arrived,
    pub delivered: i64,
    /// were given up,
    pub failed: i64,
    /// are yet to be made,
    pub pending: i64,
    /// wait for their subscription,
    pub held: i64,
    /// were put aside.
    pub dismissed: i64,
}

impl Span {
    /// Adds what another span has.
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

    /// Of the deliveries that came to an end, the share that arrived.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "counts are below 2^53")]
    pub fn success_rate(&self) -> Option<f64> {
        let ended = self.delivered + self.failed;
        (ended > 0).then(|| self.delivered as f64 / ended as f64)
    }
}

/// Nearest-rank percentiles of how long deliveries took, ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// Half took no longer.
    pub p50: i64,
    /// Nine in ten.
    pub p90: i64,
    /// 99 in a hundred.
    pub p99: i64,
}

/// The figures of a range.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Span by span, without a gap.
    pub spans: Vec<Span>,
    /// All of them together.
    pub total: Span,
    /// All users there are.
    pub people: i64,
    /// Browser sessions with an event.
    pub sessions: i64,
    /// People with an event.
    pub active: i64,
    /// The names there are most of, most first.
    pub names: Vec<(String, i64)>,
    /// Of what was delivered.
    pub latency: Option<Latency>,
}

/// Figures that come together slice by slice. What it holds has a bound, however many slices there
/// are.
#[derive(Debug)]
pub struct Counting {
    figures: Figures,
    names: BTreeMap<String, i64>,
    /// How many deliveries took so many ms, by [`kept_ms`].
    times: BTreeMap<i64, i64>,
}

impl Counting {
    /// Of a range, with nothing counted yet.
    #[must_use]
    pub fn new(range: Range) -> Self {
        let spans = vec![Span::default(); range.spans().count()];
        Self { figures: Figures { spans, ..Figures::default() }, names: BTreeMap::new(), times: BTreeMap::new() }
    }

    /// Adds a slice of the events.
    pub fn events(&mut self, slice: Vec<Counted>) {
        for counted in slice {
            match (counted.place.and_then(|place| self.figures.spans.get_mut(place)), counted.name) {
                (Some(span), _) if counted.source == Some(0) => span.browser_events += counted.n,
                (Some(span), _) => span.server_events += counted.n,
                (None, Some(name)) => *self.names.entry(name).or_default() += counted.n,
                (None, None) => self.figures.sessions += counted.n,
            }
        }
        if self.names.len() > STATS_NAMES_HELD {
            let mut names: Vec<_> = mem::take(&mut self.names).into_iter().collect();
            names.sort_by_key(|(_, n)| Reverse(*n));
            names.truncate(STATS_NAMES_HELD / 2);
            self.names = names.into_iter().collect();
        }
    }

    /// Adds a slice of the users.
    pub fn people(&mut self, slice: &[Made]) {
        for made in slice {
            self.figures.people += made.n;
            if let Some(span) = made.place.and_then(|place| self.figures.spans.get_mut(place)) {
                span.new_people += made.n;
            }
        }
    }

    /// Adds people with an event.
    pub const fn active(&mut self, people: i64) {
        self.figures.active += people;
    }

    /// Adds a slice of the deliveries.
    pub fn deliveries(&mut self, slice: &[Sent]) {
        for sent in slice {
            if let Some(span) = sent.place.and_then(|place| self.figures.spans.get_mut(place)) {
                span.deliveries += sent.n;
                match sent.state.as_deref() {
                    Some("delivered") => span.delivered += sent.n,
                    Some("failed_permanent" | "exhausted") => span.failed += sent.n,
                    Some("held") => span.held += sent.n,
                    Some("dismissed") => span.dismissed += sent.n,
                    Some(_) | None => span.pending += sent.n,
                }
            } else if let Some(ms) = sent.ms {
                *self.times.entry(kept_ms(ms)).or_default() += sent.n;
            }
        }
    }

    /// The figures, when all is counted.
    #[must_use]
    pub fn figures(self) -> Figures {
        let Self { mut figures, names, times } = self;
        for span in &figures.spans {
            figures.total.add(span);
        }
        figures.names = names.into_iter().collect();
        // In the order of names already, which a stable sort keeps where two have as many.
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

/// A time as it is held: exact up to 100 s and to five digits beyond, so that there are never more
/// than some half a million different ones.
fn kept_ms(ms: i64) -> i64 {
    let mut step = 1;
    while ms / step >= 100_000 {
        step *= 10;
    }
    ms / step * step
}

#[cfg(test)]
mod tests;
