//! The range of time of figures, and its spans: hours or days in the time zone of the request.

use trackmate_wire::limits::{STATS_DAYS_MAX, STATS_HOURLY_DAYS_MAX};
use trackmate_wire::problem::{Code, Problem};

pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Days up to which a range has hourly spans by default.
const HOURLY_DAYS: i64 = 2;

/// The length of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// An hour.
    Hour,
    /// 24 hours.
    Day,
}

impl Interval {
    /// All intervals.
    pub const ALL: [Self; 2] = [Self::Hour, Self::Day];

    /// Finds an interval by its name in the API.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|interval| interval.as_str() == name)
    }

    /// The interval's name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// Milliseconds of one span.
    #[must_use]
    pub const fn ms(self) -> i64 {
        match self {
            Self::Hour => DAY_MS / 24,
            Self::Day => DAY_MS,
        }
    }

    /// The maximum length of a range, and its default length, in days.
    const fn days(self) -> (i64, i64) {
        match self {
            Self::Hour => (STATS_HOURLY_DAYS_MAX, 1),
            Self::Day => (STATS_DAYS_MAX, 30),
        }
    }
}

/// Maximum number of times that a zone's clocks change within a range. They change twice a year,
/// and a range is a little longer than a year.
pub const CHANGES: usize = 4;

/// A change of a zone's clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The first millisecond after the change.
    pub at_ms: i64,
    /// The milliseconds by which the clocks are ahead of where they would be without the change.
    pub by_ms: i64,
}

/// No change: its time is later than all others.
const NONE: Change = Change { at_ms: i64::MAX >> 11, by_ms: 0 };

/// A range in spans of one length from its beginning; its end may shorten the last span. Days of a
/// zone follow its clocks, so a day with a clock change has 23 or 25 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first millisecond of the range.
    pub from_ms: i64,
    /// The first millisecond after the range.
    pub to_ms: i64,
    /// The length of the spans.
    pub interval: Interval,
    /// The clock changes of the zone within the range, in their order.
    pub changes: [Change; CHANGES],
}

impl Range {
    /// Makes a range. The default end is the end of the current hour or day. The default beginning
    /// is a day or 30 days before the end. `offset` returns the milliseconds by which the zone's
    /// clocks are ahead of UTC at a time.
    ///
    /// # Errors
    /// `invalid_field` if the range is empty or too long.
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
        // The extra hour of a day on which the clocks go back does not count.
        if to_ms - from_ms > most * DAY_MS + Interval::Hour.ms() {
            let message = format!("by the {}, a range has at most {most} days", interval.as_str());
            return Err(Problem::field(Code::InvalidField, "from", message));
        }
        let changes = if interval == Interval::Day { changes(from_ms, to_ms, offset) } else { [NONE; CHANGES] };
        Ok(Self { from_ms, to_ms, interval, changes })
    }

    /// The begin of each span, ms.
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

    /// The span of a time; `None` before or after the range.
    #[must_use]
    pub fn place(&self, ms: i64) -> Option<usize> {
        let shown = |change: &Change| if ms >= change.at_ms { change.by_ms } else { 0 };
        let since_from = ms - self.from_ms + self.changes.iter().map(shown).sum::<i64>();
        usize::try_from(since_from / self.interval.ms()).ok().filter(|_| ms >= self.from_ms && ms < self.to_ms)
    }
}

/// The first [`CHANGES`] clock changes between two times.
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

/// The milliseconds of an offset at the end of a text: `GMT-04:00`, `GMT+05:45:20` or `GMT`.
#[must_use]
pub fn offset_ms(text: &str) -> Option<i64> {
    let (_, offset) = text.rsplit_once("GMT")?;
    let Some(digits) = offset.strip_prefix(['+', '-']) else { return offset.is_empty().then_some(0) };
    let units = [Interval::Hour.ms(), 60_000, 1000];
    let ms =
        digits.split(':').zip(units).try_fold(0, |ms, (part, unit)| Some(ms + part.parse::<i64>().ok()? * unit))?;
    Some(if offset.starts_with('-') { -ms } else { ms })
}
