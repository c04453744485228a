//! The range of time that figures are about, and its spans: hours or days of the asker's zone.

use trackmate_wire::limits::{STATS_DAYS_MAX, STATS_HOURLY_DAYS_MAX};
use trackmate_wire::problem::{Code, Problem};

pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1000;
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
