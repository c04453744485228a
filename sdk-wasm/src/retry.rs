//! What an answer means for the calls of its request, and how long to wait before the next attempt.

use crate::limits::{RETRY_AFTER_MS_MAX, RETRY_FIRST_MS, RETRY_MS_MAX};

/// What happens to the calls of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The server has accepted them.
    Delivered,
    /// A later attempt may succeed.
    Retry,
    /// No attempt will succeed.
    Refused,
}

/// Interprets an answer by its HTTP status (0: no answer) and by whether its body is TrackMate's.
/// Another body with status 200 is from something in between, such as a hotel's login page, so the
/// calls did not arrive.
pub(crate) fn verdict(status: u32, from_trackmate: bool) -> Verdict {
    match status {
        200..=299 if from_trackmate => Verdict::Delivered,
        0 | 200..=299 | 408 | 429 | 500.. => Verdict::Retry,
        1..=199 | 300..=499 => Verdict::Refused,
    }
}

/// Milliseconds until the next attempt after `failures` failures in a row. They double, and the
/// upper half is random, so that many pages do not return at the same time.
pub(crate) fn backoff_ms(failures: u32, random: u32) -> f64 {
    let mut doubled = RETRY_FIRST_MS;
    for _ in 1..failures.min(20) {
        doubled *= 2.0;
    }
    let half = doubled.min(RETRY_MS_MAX) / 2.0;
    half + half * f64::from(random) / f64::from(u32::MAX)
}

/// The pause that the server asks for, in milliseconds, up to a maximum. What is not a number is 0.
pub(crate) fn clamp_retry_after(retry_after_ms: f64) -> f64 {
    if retry_after_ms > 0.0 { retry_after_ms.min(RETRY_AFTER_MS_MAX) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_temporary_failures_are_retried() {
        assert_eq!(verdict(200, true), Verdict::Delivered);
        for status in [0, 200, 408, 429, 500, 503, 599] {
            assert_eq!(verdict(status, false), Verdict::Retry, "{status}");
        }
        for status in [301, 400, 401, 403, 404, 413, 422] {
            assert_eq!(verdict(status, false), Verdict::Refused, "{status}");
        }
    }

    #[test]
    fn retry_after_is_respected_up_to_a_maximum() {
        assert_eq!(clamp_retry_after(20_000.0), 20_000.0);
        assert_eq!(clamp_retry_after(f64::MAX), RETRY_AFTER_MS_MAX);
        assert_eq!((clamp_retry_after(f64::NAN), clamp_retry_after(-5.0)), (0.0, 0.0));
    }

    proptest! {
        #[test]
        fn backoffs_grow_within_their_bounds(failures in 1u32.., random: u32) {
            let wait = backoff_ms(failures, random);
            prop_assert!((RETRY_FIRST_MS / 2.0..=RETRY_MS_MAX).contains(&wait));
            prop_assert!(backoff_ms(failures, 0) * 2.0 >= wait);
            prop_assert!(backoff_ms(failures.saturating_add(1), 0) >= backoff_ms(failures, 0));
        }
    }
}
