//! What an answer means for the calls it carried, and how long to wait before the next try.

use crate::limits::{RETRY_AFTER_MS_MAX, RETRY_FIRST_MS, RETRY_MS_MAX};

/// What is to become of the calls a request carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// They arrived.
    Delivered,
    /// They may arrive later.
    Retry,
    /// They never will.
    Refused,
}

/// Reads an answer: its HTTP status (0 when none came) and whether its body says that TrackMate gave it. A 200 that it did not
/// give comes from something in between (a hotel's login page, say): the calls did not arrive.
pub(crate) fn verdict(status: u32, ours: bool) -> Verdict {
    match status {
        200..=299 if ours => Verdict::Delivered,
        0 | 200..=299 | 408 | 429 | 500.. => Verdict::Retry,
        1..=199 | 300..=499 => Verdict::Refused,
    }
}

/// Milliseconds until the next try after `failures` failures in a row: doubling, with the upper half random so that a fleet of
/// pages does not return in step.
pub(crate) fn backoff_ms(failures: u32, random: u32) -> f64 {
    let mut doubled = RETRY_FIRST_MS;
    for _ in 1..failures.min(20) {
        doubled *= 2.0;
    }
    let half = doubled.min(RETRY_MS_MAX) / 2.0;
    half + half * f64::from(random) / f64::from(u32::MAX)
}

/// The server's wish in milliseconds, within reason; what is not a number is none.
pub(crate) fn clamp_retry_after(retry_after_ms: f64) -> f64 {
    if retry_after_ms > 0.0 { retry_after_ms.min(RETRY_AFTER_MS_MAX) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        assert_eq!(verdict(200, true), Verdict::Delivered);
        for status in [0, 200, 408, 429, 500, 503, 599] {
            assert_eq!(verdict(status, false), Verdict::Retry, "{status}");
        }
        for status in [301, 400, 401, 403, 404, 413, 422] {
            assert_eq!(verdict(status, false), Verdict::Refused, "{status}");
        }
    }

    #[test]
    fn the_server_s_wish_counts_within_reason() {
        assert_eq!(clamp_retry_after(20_000.0), 20_000.0);
        assert_eq!(clamp_retry_after(f64::MAX), RETRY_AFTER_MS_MAX);
        assert_eq!((clamp_retry_after(f64::NAN), clamp_retry_after(-5.0)), (0.0, 0.0));
    }

    proptest! {
        #[test]
        fn waits_grow_within_bounds(failures in 1u32.., random: u32) {
            let wait = backoff_ms(failures, random);
            prop_assert!((RETRY_FIRST_MS / 2.0..=RETRY_MS_MAX).contains(&wait));
            prop_assert!(backoff_ms(failures, 0) * 2.0 >= wait);
            prop_assert!(backoff_ms(failures.saturating_add(1), 0) >= backoff_ms(failures, 0));
        }
    }
}
