//! Reading a page of a person's timeline without the history, and without all of the links that
//! overlap it.
//!
//! Each link knows the times of its first and last event, and a person knows how long the longest
//! of theirs lasts: that bounds where a link that matters can end, so the database finds the
//! candidates by one range of an index. It then merges them (`store/sql/timeline.asc.sql`): of a
//! queue of links, ordered by what comes next on each, it takes the first, shows its next few
//! events and puts it back. A person of few links has more of them shown at a time, for each step
//! costs rows too. What is shown beyond the place of the step that came last may lack events of
//! other links, so that is cut off here, and the next page begins with it.

use trackmate_wire::hex::hex;
use trackmate_wire::limits::TIMELINE_STEP_MAX;

/// Which end a timeline is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Asc,
    /// Newest first.
    Desc,
}

/// A place in a timeline: the event last shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Its `ts`.
    pub ts: i64,
    /// 0 browser, 1 server.
    pub source: i64,
    /// Its message id.
    pub id: String,
}

impl Cursor {
    /// Before the first event in this order.
    #[must_use]
    pub const fn start(order: Order) -> Self {
        match order {
            Order::Asc => Self { ts: -1, source: 0, id: String::new() },
            Order::Desc => Self { ts: 9_007_199_254_740_991, source: 0, id: String::new() },
        }
    }

    /// `<ts>.<source>.<id>`, to be wrapped by the caller.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}.{}.{}", self.ts, self.source, self.id)
    }

    /// Reads [`Cursor::to_text`].
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let ts = parts.next()?.parse().ok()?;
        let source = parts.next()?.parse().ok().filter(|s| [0, 1].contains(s))?;
        Some(Self { ts, source, id: parts.next()?.to_owned() })
    }

    /// The place as one text that sorts as places do, which is how the statements hold it.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{:016}{}{}", self.ts, self.source, hex(self.id.as_bytes()).to_ascii_uppercase())
    }
}

/// How a page of events is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    /// Events of one link that are shown at a time: at least two, for one that holds fewer is known
    /// to be through.
    pub step: usize,
    /// Events in all, some of them out of turn: of each link at most its last step, less the first
    /// event of that.
    pub rows: usize,
}

impl Steps {
    /// For so many events of somebody with so many links.
    #[must_use]
    pub fn new(wanted: usize, links: usize) -> Self {
        let links = links.max(1);
        let step = (wanted / links).clamp(2, TIMELINE_STEP_MAX);
        Self { step, rows: wanted + links.min(wanted) * (step - 1) }
    }
}

/// An event as it was found: with its key, and that of the first event of its step.
pub trait Found {
    /// [`Cursor::key`].
    fn key(&self) -> &str;
    /// That of the first event of the step.
    fn first(&self) -> &str;
}

/// The events that are in turn, in their order, and whether some are left out that are not.
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
    fn a_cursor_survives_its_text() {
        let cursor = Cursor { ts: 5, source: 1, id: "a.b.c".into() };
        assert_eq!(Cursor::from_text(&cursor.to_text()), Some(cursor));
        assert_eq!(Cursor::from_text("x.1.a"), None);
        assert_eq!(Cursor::from_text("1.2.a"), None);
    }

    #[test]
    fn keys_sort_as_places_do() {
        let place = |ts, source, id: &str| Cursor { ts, source, id: id.into() };
        let places = [place(-1, 0, ""), place(5, 0, "a"), place(5, 0, "a!"), place(5, 1, "A"), place(40, 0, "é")];
        let keys: Vec<String> = places.iter().map(Cursor::key).collect();
        assert!(keys.is_sorted(), "{keys:?}");
    }

    #[test]
    fn a_step_is_a_fair_share_of_the_page() {
        assert_eq!(Steps::new(51, 1), Steps { step: TIMELINE_STEP_MAX, rows: 51 + TIMELINE_STEP_MAX - 1 });
        assert_eq!(Steps::new(51, 10), Steps { step: 5, rows: 51 + 40 });
        assert_eq!(Steps::new(51, 100_000), Steps { step: 2, rows: 102 });
        assert_eq!(Steps::new(1, 0), Steps { step: 2, rows: 2 });
    }
}
