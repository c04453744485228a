//! Remembers counted figures for a minute, in the memory of the isolate. So many open dashboards
//! cost one count. Figures that took a single slice are not remembered: they cost little, and are
//! always of now.

use std::cell::RefCell;
use std::rc::Rc;

use trackmate_wire::limits::{STATS_REMEMBERED_MAX, STATS_REMEMBERED_MS};

use crate::domain::stats::{Figures, Range};

struct Entry {
    company: String,
    range: Range,
    counted_ms: u64,
    figures: Rc<Figures>,
}

thread_local! {
    /// The oldest first.
    static ENTRIES: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
}

/// The figures of a range, if their count began within the last minute.
#[must_use]
pub(super) fn find(company: &str, range: &Range, now_ms: u64) -> Option<Rc<Figures>> {
    ENTRIES.with_borrow_mut(|entries| {
        entries.retain(|entry| now_ms.saturating_sub(entry.counted_ms) < STATS_REMEMBERED_MS);
        let found = entries.iter().find(|entry| entry.company == company && entry.range == *range);
        found.map(|entry| Rc::clone(&entry.figures))
    })
}

/// Remembers the figures of a range, and when their count began.
pub(super) fn put(company: &str, range: Range, counted_ms: u64, figures: &Rc<Figures>) {
    ENTRIES.with_borrow_mut(|entries| {
        if entries.len() >= STATS_REMEMBERED_MAX {
            entries.remove(0);
        }
        entries.push(Entry { company: company.to_owned(), range, counted_ms, figures: Rc::clone(figures) });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from_ms: i64) -> Range {
        Range::new(Some(from_ms), Some(from_ms + 1), None, from_ms, |_| 0).unwrap()
    }

    fn figures(people: i64) -> Rc<Figures> {
        Rc::new(Figures { people, ..Figures::default() })
    }

    #[test]
    fn figures_are_remembered_for_a_minute_by_company_and_range() {
        put("a", range(1), 1000, &figures(1));
        put("a", range(2), 2000, &figures(2));
        let people = |company, from, now| find(company, &range(from), now).map(|found| found.people);
        assert_eq!([people("a", 1, 1001), people("a", 2, 2001)], [Some(1), Some(2)]);
        assert_eq!([people("b", 1, 2001), people("a", 3, 2001)], [None, None]);
        assert_eq!(
            [people("a", 2, 1999 + STATS_REMEMBERED_MS), people("a", 2, 2000 + STATS_REMEMBERED_MS)],
            [Some(2), None]
        );
    }

    #[test]
    fn a_limited_number_of_figures_is_remembered() {
        for n in 0..=STATS_REMEMBERED_MAX {
            put("a", range(i64::try_from(n).unwrap()), 0, &figures(1));
        }
        assert!(find("a", &range(0), 0).is_none());
        assert!(find("a", &range(1), 0).is_some());
        assert_eq!(ENTRIES.with_borrow(Vec::len), STATS_REMEMBERED_MAX);
    }
}
