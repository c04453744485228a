//! Which links of a person a page of the timeline must look into, without reading the history.
//!
//! Each link knows how many events it owns and the times of its first and last, and a person knows how long the longest of theirs lasts: that bounds
//! where a link that matters can end, so the database finds the candidates by one range of an index. Of those, going from the newest backwards (or from
//! the oldest forwards), enough are taken once they own a page of events and every link not taken begins beyond all of them.

use serde::Deserialize;

/// Which end a timeline is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Asc,
    /// Newest first.
    Desc,
}

/// What a page needs to know of a link.
#[derive(Debug, Clone, Deserialize)]
pub struct Segment {
    /// Its session.
    pub session: String,
    /// How many events it owns.
    pub events: u64,
    /// `ts` of the first of them.
    pub first_ts: i64,
    /// `ts` of the last of them.
    pub last_ts: i64,
    /// It owns events from this `ts` on …
    pub since: i64,
    /// … to this one, excluded.
    pub until: i64,
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
}

/// Of these candidates, the links to look into for `wanted` events past the cursor.
#[must_use]
pub fn plan(candidates: Vec<Segment>, cursor_ts: i64, wanted: u64, order: Order) -> Vec<Segment> {
    // Of a link with events on both sides of the cursor it is unknown how many lie past it: it is looked into and counts for nothing.
    let (mut chosen, mut beyond): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|s| match order {
        Order::Desc => s.last_ts >= cursor_ts,
        Order::Asc => s.first_ts <= cursor_ts,
    });
    beyond.sort_unstable_by_key(|s| if order == Order::Desc { -s.last_ts } else { s.first_ts });
    let (mut owned, mut edge) = (0_u64, None::<i64>);
    for segment in beyond {
        let out_of_reach = edge.is_some_and(|edge| match order {
            Order::Desc => segment.last_ts < edge,
            Order::Asc => segment.first_ts > edge,
        });
        if owned >= wanted && out_of_reach {
            break;
        }
        owned += segment.events;
        edge = Some(match order {
            Order::Desc => edge.map_or(segment.first_ts, |e| e.min(segment.first_ts)),
            Order::Asc => edge.map_or(segment.last_ts, |e| e.max(segment.last_ts)),
        });
        chosen.push(segment);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn segment(first: i64, last: i64, events: u64) -> Segment {
        Segment { session: String::new(), events, first_ts: first, last_ts: last, since: first, until: last + 1 }
    }

    #[test]
    fn one_long_session_is_all_that_a_page_needs() {
        let chosen = plan(vec![segment(500, 900, 100_000), segment(1, 400, 50)], 1000, 51, Order::Desc);
        assert_eq!(chosen.len(), 1);
    }

    #[test]
    fn a_session_that_overlaps_is_looked_into() {
        let chosen = plan(vec![segment(1, 400, 9), segment(500, 900, 100), segment(1, 600, 50)], 1000, 51, Order::Desc);
        assert_eq!(chosen.len(), 3);
    }

    #[test]
    fn a_cursor_survives_its_text() {
        let cursor = Cursor { ts: 5, source: 1, id: "a.b.c".into() };
        assert_eq!(Cursor::from_text(&cursor.to_text()), Some(cursor));
        assert_eq!(Cursor::from_text("x.1.a"), None);
        assert_eq!(Cursor::from_text("1.2.a"), None);
    }

    proptest! {
        // Whatever the links, the page made from the chosen ones is the page made from all of them. The candidates are those that
        // `timeline.asc.sql` and `timeline.desc.sql` select.
        #[test]
        fn no_event_of_the_page_lies_in_a_link_not_chosen(
            links in prop::collection::vec((0_i64..200, prop::collection::vec(0_i64..40, 1..12)), 1..14),
            wanted in 1_usize..8, asc in any::<bool>(), from in 0_i64..240,
        ) {
            let order = if asc { Order::Asc } else { Order::Desc };
            let links: Vec<Vec<i64>> = links.into_iter().map(|(start, times)| times.into_iter().map(|t| start + t).collect()).collect();
            let past = |t: &i64| if asc { *t > from } else { *t < from };
            let all: Vec<Segment> = links.iter().enumerate().map(|(n, times)| {
                let made = segment(*times.iter().min().unwrap(), *times.iter().max().unwrap(), times.len() as u64);
                Segment { session: n.to_string(), ..made }
            }).collect();
            let longest = all.iter().map(|s| s.last_ts - s.first_ts).max().unwrap();
            let mut ends: Vec<i64> = all.iter().map(|s| s.last_ts).filter(past).collect();
            ends.sort_unstable_by_key(|t| if asc { *t } else { -*t });
            let reach = ends.get(wanted - 1).copied().unwrap_or(if asc { i64::MAX / 2 } else { -1 });
            let is_candidate = |s: &Segment| match order {
                Order::Asc => s.last_ts >= from && s.last_ts <= reach + longest,
                Order::Desc => s.last_ts >= reach && s.last_ts <= from + longest && s.first_ts <= from,
            };
            let candidates = all.iter().filter(|s| is_candidate(s)).cloned().collect();
            let chosen: Vec<String> = plan(candidates, from, wanted as u64, order).into_iter().map(|s| s.session).collect();
            let page = |which: &dyn Fn(usize) -> bool| {
                let mut times: Vec<i64> = links.iter().enumerate().filter(|(n, _)| which(*n)).flat_map(|(_, t)| t).copied().filter(past).collect();
                times.sort_unstable_by_key(|t| if asc { *t } else { -*t });
                times.truncate(wanted);
                times
            };
            prop_assert_eq!(page(&|n| chosen.contains(&n.to_string())), page(&|_| true));
        }
    }
}
