//! The figures of a range of time: which range, its spans, and how what the statements count
//! (`store/sql/stats.*.sql`) comes together.
//!
//! An event counts when it happened, as timelines and exports have it; a delivery when it was
//! written, which is when its event came in.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::mem;

use serde::Deserialize;
use trackmate_wire::limits::{STATS_DAYS_MAX, STATS_HOURLY_DAYS_MAX, STATS_NAMES, STATS_NAMES_HELD};
use trackmate_wire::problem::{Code, Problem};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Days up to which a range is told by the hour, unless it is asked for otherwise.
const HOURLY_DAYS: i64 = 2;

/// How long a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// An hour.
    Hour,
    /// 24 hours.
    Day,
}

impl Interval {
    /// Every interval there is.
    pub const ALL: [Self; 2] = [Self::Hour, Self::Day];

    /// By its name in the API.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|interval| interval.as_str() == name)
    }

    /// Its name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// Milliseconds of a span.
    #[must_use]
    pub const fn ms(self) -> i64 {
        match self {
            Self::Hour => DAY_MS / 24,
            Self::Day => DAY_MS,
        }
    }

    /// Days that a range may have at most, and has unless it is asked for.
    const fn days(self) -> (i64, i64) {
        match self {
            Self::Hour => (STATS_HOURLY_DAYS_MAX, 1),
            Self::Day => (STATS_DAYS_MAX, 30),
        }
    }
}

/// How often the clocks of a zone may change within a range: twice a year, and a range is a little
/// over a year.
pub const CHANGES: usize = 4;

/// A change of a zone's clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// From this millisecond on …
    pub at_ms: i64,
    /// … they are so many milliseconds ahead of where they would be.
    pub by_ms: i64,
}

/// Where there is no change: beyond all times.
const NONE: Change = Change { at_ms: i64::MAX >> 11, by_ms: 0 };

/// A range in spans of one length from its beginning on; the last may be cut short by its end. Days
/// of a zone are those of its clocks: of 23 or 25 hours where they change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Its first millisecond.
    pub from_ms: i64,
    /// The first one after it.
    pub to_ms: i64,
    /// Of each span.
    pub interval: Interval,
    /// When the clocks change by which its days are told, in their order.
    pub changes: [Change; CHANGES],
}

impl Range {
    /// The range that is asked for. Without an end it reaches to the end of this hour or day,
    /// without a beginning a day or 30 days back. `offset` says how many milliseconds the clocks
    /// that tell the days are ahead of UTC at a time.
    ///
    /// # Errors
    /// When it is empty or too long.
    pub fn new(
        from_ms: Option<i64>,
        to_ms: Option<i64>,
        interval: Option<Interval>,
        now_ms: i64,
        offset: impl Fn(i64) -> i64,
    ) -> Result<Self, Problem> {
        let is_long = from_ms.is_some_and(|from| to_ms.unwrap_or(now_ms) - from > HOURLY_DAYS * DAY_MS);
        let interval = interval.unwrap_or(if is_long { Interval::Day } else { Interval::Hour });
        let (most, usual) = interval.days();
        let shown = |ms: i64| ms + offset(ms);
        let to_ms = to_ms.unwrap_or_else(|| {
            let end = (shown(now_ms).div_euclid(interval.ms()) + 1) * interval.ms();
            end - offset(end - offset(now_ms))
        });
        let from_ms = from_ms.unwrap_or_else(|| {
            let begin = shown(to_ms) - usual * DAY_MS;
            (begin - offset(begin - offset(to_ms))).max(0)
        });
        if from_ms >= to_ms {
            return Err(Problem::field(Code::InvalidField, "from", "from is before to"));
        }
        // The hour that a clock is put back makes no day.
        if to_ms - from_ms > most * DAY_MS + Interval::Hour.ms() {
            let message = format!("by the {}, a range has at most {most} days", interval.as_str());
            return Err(Problem::field(Code::InvalidField, "from", message));
        }
        let changes = if interval == Interval::Day { changes(from_ms, to_ms, offset) } else { [NONE; CHANGES] };
        Ok(Self { from_ms, to_ms, interval, changes })
    }

    /// When each span begins, ms.
    pub fn spans(self) -> impl Iterator<Item = i64> {
        let begins = move |place: i64| {
            let mut at = self.from_ms + place * self.interval.ms();
            for change in self.changes {
                if at >= change.at_ms {
                    at = (at - change.by_ms).max(change.at_ms);
                }
            }
            at
        };
        (0..).map(begins).take_while(move |at| *at < self.to_ms)
    }
}

/// When the clocks change between two times, the first [`CHANGES`] times.
fn changes(from_ms: i64, to_ms: i64, offset: impl Fn(i64) -> i64) -> [Change; CHANGES] {
    let mut found = [NONE; CHANGES];
    let mut free = found.iter_mut();
    let (mut at, mut ahead) = (from_ms, offset(from_ms));
    while at < to_ms {
        let next = (at + DAY_MS).min(to_ms);
        let then = offset(next);
        if then != ahead {
            let (mut before, mut after) = (at, next);
            while after - before > 1 {
                let middle = before.midpoint(after);
                if offset(middle) == ahead { before = middle } else { after = middle }
            }
            if let Some(free) = free.next() {
                *free = Change { at_ms: after, by_ms: then - ahead };
            }
        }
        (at, ahead) = (next, then);
    }
    found
}

/// The milliseconds of an offset that stands at the end of a text as `GMT-04:00`, `GMT+05:45:20` or
/// `GMT`.
#[must_use]
pub fn offset_ms(text: &str) -> Option<i64> {
    let (_, offset) = text.rsplit_once("GMT")?;
    let Some(digits) = offset.strip_prefix(['+', '-']) else { return offset.is_empty().then_some(0) };
    let units = [Interval::Hour.ms(), 60_000, 1000];
    let ms =
        digits.split(':').zip(units).try_fold(0, |ms, (part, unit)| Some(ms + part.parse::<i64>().ok()? * unit))?;
    Some(if offset.starts_with('-') { -ms } else { ms })
}

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
