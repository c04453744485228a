//! Reads a page of a person's timeline without reading the history or all links that overlap the
//! page.
//!
//! Each link knows the times of its first and last event, and a person knows the length of their
//! longest link. This bounds where a relevant link can end, so the database finds the candidates in
//! one range of an index. It then merges them (`store/sql/timeline.asc.sql`) with a queue of links,
//! ordered by the next event of each link. It takes the first link, emits its next few events and
//! puts it back. Each step costs rows too, so a step is longer if the person has few links. After
//! the last step, events of other links may be missing beyond the place where that step began.
//! These events are cut off here, and the next page begins with them.

use trackmate_wire::hex::hex;
use trackmate_wire::limits::TIMELINE_STEP_MAX;

use super::source::Source;

/// The order in which a timeline is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Asc,
    /// Newest first.
    Desc,
}

/// A place in a timeline: the last event that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Its `ts`.
    pub ts: i64,
    /// The API through which it came.
    pub source: Source,
    /// Its message id.
    pub id: String,
}

impl Cursor {
    /// The place before the first event in this order.
    #[must_use]
    pub const fn start(order: Order) -> Self {
        match order {
            Order::Asc => Self { ts: -1, source: Source::Browser, id: String::new() },
            Order::Desc => Self { ts: 9_007_199_254_740_991, source: Source::Browser, id: String::new() },
        }
    }

    /// The text `<ts>.<source>.<id>`, which the caller encodes.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}.{}.{}", self.ts, self.source.number(), self.id)
    }

    /// Reads the text of [`Cursor::to_text`].
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let ts = parts.next()?.parse().ok()?;
        let source = Source::of(parts.next()?.parse().ok()?)?;
        Some(Self { ts, source, id: parts.next()?.to_owned() })
    }

    /// The place as a text that sorts in the order of places. The statements use this form.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{:016}{}{}", self.ts, self.source.number(), hex(self.id.as_bytes()).to_ascii_uppercase())
    }
}

/// The sizes with which a page of events is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    /// Events that the page shows, and one more.
    pub wanted: usize,
    /// Events of one link in one step. There are at least two, because a step with fewer events
    /// shows that the link is finished.
    pub step: usize,
    /// Events in all, including those that are cut off: for each link, at most its last step
    /// without the first event.
    pub rows: usize,
}

impl Steps {
    /// The sizes for this number of events, for a person with this number of links.
    #[must_use]
    pub fn new(wanted: usize, links: usize) -> Self {
        let links = links.max(1);
        let step = (wanted / links).clamp(2, TIMELINE_STEP_MAX);
        Self { wanted, step, rows: wanted + links.min(wanted) * (step - 1) }
    }
}

/// An event from the statement, with its key and the key of the first event in its step.
pub trait Found {
    /// [`Cursor::key`].
    fn key(&self) -> &str;
    /// The key of the first event in the step.
    fn first(&self) -> &str;
}

/// The events before the cut, in their order, and whether events were cut off.
#[must_use]
pub fn in_turn<T: Found>(mut found: Vec<T>, steps: Steps, order: Order) -> (Vec<T>, bool) {
    let count = found.len();
    if let Some(reached) = found.last().filter(|_| count >= steps.rows).map(|last| last.first().to_owned()) {
        found.retain(|event| match order {
            Order::Asc => event.key() <= reached.as_str(),
            Order::Desc => event.key() >= reached.as_str(),
        });
    }
    found.sort_unstable_by(|a, b| match order {
        Order::Asc => a.key().cmp(b.key()),
        Order::Desc => b.key().cmp(a.key()),
    });
    let left_out = found.len() < count;
    (found, left_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_can_be_read_from_its_text() {
        let cursor = Cursor { ts: 5, source: Source::Server, id: "a.b.c".into() };
        assert_eq!(Cursor::from_text(&cursor.to_text()), Some(cursor));
        assert_eq!(Cursor::from_text("x.1.a"), None);
        assert_eq!(Cursor::from_text("1.2.a"), None);
    }

    #[test]
    fn keys_sort_in_the_order_of_places() {
        let place = |ts, source: i64, id: &str| Cursor { ts, source: source.into(), id: id.into() };
        let places = [place(-1, 0, ""), place(5, 0, "a"), place(5, 0, "a!"), place(5, 1, "A"), place(40, 0, "é")];
        let keys: Vec<String> = places.iter().map(Cursor::key).collect();
        assert!(keys.is_sorted(), "{keys:?}");
    }

    #[test]
    fn a_step_has_an_equal_share_of_the_page_within_its_limits() {
        assert_eq!(Steps::new(51, 1), Steps { wanted: 51, step: TIMELINE_STEP_MAX, rows: 51 + TIMELINE_STEP_MAX - 1 });
        assert_eq!(Steps::new(51, 10), Steps { wanted: 51, step: 5, rows: 51 + 40 });
        assert_eq!(Steps::new(51, 100_000), Steps { wanted: 51, step: 2, rows: 102 });
        assert_eq!(Steps::new(1, 0), Steps { wanted: 1, step: 2, rows: 2 });
    }
}
