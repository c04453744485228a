//! Figures: their spans and their sums.

use trackmate_wire::problem::Code;

use crate::domain::stats::range::DAY_MS;
use crate::domain::stats::*;

const NOW: i64 = 1_760_788_983_123;

#[test]
fn a_range_without_limits_is_the_last_24_hours_or_30_days_including_the_current_one() {
    let day = Range::new(None, None, None, NOW, |_| 0).unwrap();
    assert_eq!((day.to_ms - day.from_ms, day.interval, day.spans().count()), (DAY_MS, Interval::Hour, 24));
    assert!(day.to_ms > NOW && day.to_ms % Interval::Hour.ms() == 0);
    let month = Range::new(None, None, Some(Interval::Day), NOW, |_| 0).unwrap();
    assert_eq!((month.spans().count(), month.to_ms % DAY_MS), (30, 0));
    assert_eq!(Range::new(Some(NOW - 3 * DAY_MS), None, None, NOW, |_| 0).unwrap().interval, Interval::Day);
}

#[test]
fn spans_start_at_the_beginning_of_the_range_and_the_last_may_be_shorter() {
    let range = Range::new(Some(7), Some(7 + 2 * DAY_MS + 1), Some(Interval::Day), NOW, |_| 0).unwrap();
    assert_eq!(range.spans().collect::<Vec<_>>(), [7, 7 + DAY_MS, 7 + 2 * DAY_MS]);
}

#[test]
fn an_empty_or_too_long_range_is_rejected() {
    for (from, to, interval) in
        [(5, 5, Interval::Hour), (6, 5, Interval::Day), (0, 32 * DAY_MS, Interval::Hour), (0, NOW, Interval::Day)]
    {
        let problem = Range::new(Some(from), Some(to), Some(interval), NOW, |_| 0).unwrap_err();
        assert_eq!((problem.code, problem.field), (Code::InvalidField, Some("from")));
    }
}

/// Toronto: UTC−4 from 8 March to 1 November 2026, and UTC−5 otherwise. Both changes are at 2 in
/// the morning local time.
fn toronto(ms: i64) -> i64 {
    let summer = 1_772_953_200_000..1_793_512_800_000;
    -(if summer.contains(&ms) { 4 } else { 5 }) * Interval::Hour.ms()
}

#[test]
fn days_of_a_zone_begin_at_its_midnights_across_a_clock_change() {
    let midnight = |day: i64, hour: i64| (day * 24 + hour) * Interval::Hour.ms();
    let (halloween, march) = (20_757, 20_519);
    for (first, hours) in [(halloween, [4, 4, 5, 5]), (march, [5, 5, 4, 4])] {
        let days: Vec<i64> = (0..4).map(|n| midnight(first + n, hours[usize::try_from(n).unwrap()])).collect();
        let range = Range::new(Some(days[0]), Some(midnight(first + 4, hours[3])), Some(Interval::Day), NOW, toronto);
        let range = range.unwrap();
        assert_eq!(range.spans().collect::<Vec<_>>(), days);
        for (place, at) in days.into_iter().enumerate() {
            assert_eq!([at - 1, at].map(|ms| range.place(ms)), [place.checked_sub(1), Some(place)]);
        }
        assert_eq!([range.to_ms - 1, range.to_ms].map(|ms| range.place(ms)), [Some(3), None]);
    }
    // A year has both changes.
    let year =
        Range::new(Some(midnight(20_454, 5)), Some(midnight(20_819, 5)), Some(Interval::Day), NOW, toronto).unwrap();
    assert_eq!(year.spans().count(), 365);
    assert_eq!(year.changes.iter().filter(|change| change.by_ms != 0).count(), 2);
    assert!(year.spans().all(|at| (at + toronto(at)) % DAY_MS == 0));
    // By default a range of days ends at the zone's midnight.
    let now = midnight(halloween + 2, 3);
    let range = Range::new(None, None, Some(Interval::Day), now, toronto).unwrap();
    assert_eq!((range.to_ms, range.from_ms), (midnight(halloween + 2, 5), midnight(halloween - 28, 4)));
    assert_eq!(range.spans().count(), 30);
    // Clock changes do not affect hours.
    let hours =
        Range::new(Some(midnight(halloween + 1, 4)), Some(midnight(halloween + 2, 5)), None, NOW, toronto).unwrap();
    assert_eq!(hours.spans().count(), 25);
}

#[test]
fn an_offset_is_read_in_the_form_that_the_runtime_writes() {
    let minutes = |text| offset_ms(text).map(|ms| ms / 60_000);
    assert_eq!(minutes("10/31/2026, GMT-04:00"), Some(-240));
    assert_eq!(minutes("1/1/2026, GMT+05:45"), Some(345));
    assert_eq!(minutes("1/1/2026, GMT"), Some(0));
    assert_eq!(offset_ms("1/1/1900, GMT-00:01:15"), Some(-75_000));
    assert_eq!((offset_ms("10/31/2026"), offset_ms("GMT-x")), (None, None));
}

#[test]
fn no_day_is_missing_when_clocks_change_at_midnight() {
    let hour = Interval::Hour.ms();
    for by in [hour, -hour] {
        let offset = |ms: i64| if ms >= 5 * DAY_MS { by } else { 0 };
        let range = Range::new(Some(3 * DAY_MS), Some(8 * DAY_MS - by), Some(Interval::Day), NOW, offset).unwrap();
        let begins: Vec<i64> = range.spans().collect();
        // If clocks go forward at midnight, the day begins at one o'clock. If they go back, it
        // begins an hour later than otherwise.
        let sixth = 5 * DAY_MS - by.min(0);
        assert_eq!(begins, [3 * DAY_MS, 4 * DAY_MS, sixth, 6 * DAY_MS - by, 7 * DAY_MS - by]);
    }
}

fn named(name: &str, n: usize) -> impl Iterator<Item = Event> + use<> {
    std::iter::repeat_n((NOW, Source::Browser, name.to_owned()), n)
}

fn counting() -> Counting {
    Counting::new(Range::new(None, None, None, NOW, |_| 0).unwrap())
}

#[test]
fn names_of_all_slices_are_sorted_by_count_and_then_by_name() {
    let mut counting = counting();
    counting.events([("b", 2), ("a", 1), ("c", 9)].into_iter().flat_map(|(name, n)| named(name, n)).collect(), 0);
    counting.events(named("a", 1).chain(named("d", 1)).collect(), 0);
    let names = counting.figures().names;
    assert_eq!(names, [("c", 9), ("a", 2), ("b", 2), ("d", 1)].map(|(name, n)| (name.to_owned(), n)));
}

#[test]
fn a_flood_of_names_takes_limited_memory_and_does_not_displace_common_names() {
    let mut counting = counting();
    for slice in 0..5 {
        let made_up = (0..STATS_NAMES_COUNTED_MAX).flat_map(|n| named(&format!("made_up_{slice}_{n}"), 1));
        counting.events(made_up.chain(named("page_view", 100)).collect(), 0);
        assert!(counting.names.len() <= STATS_NAMES_COUNTED_MAX);
    }
    assert_eq!(counting.figures().names.first(), Some(&("page_view".to_owned(), 500)));
}

#[test]
fn percentiles_cover_all_slices_by_nearest_rank() {
    let took = |ms: i64, n| vec![(NOW, "delivered".to_owned(), Some(ms)); n];
    let mut counting = counting();
    assert_eq!(counting.figures.latency, None);
    counting.deliveries(&[took(30, 1), took(10, 5), took(-2, 1)].concat());
    counting.deliveries(&[took(10, 1), took(20, 2)].concat());
    assert_eq!(counting.figures().latency, Some(Latency { p50: 10, p90: 20, p99: 30 }));
    assert_eq!([99_999, 100_000, 123_456, 1_234_567].map(kept_ms), [99_999, 100_000, 123_450, 1_234_500]);
}
