//! What an answer means for the calls it carried, and how long to wait before the next try.

use crate::limits::{RETRY_AFTER_MAX_MS, RETRY_FIRST_MS, RETRY_MAX_MS};
use serde::Deserialize;

/// An answer as the network gave it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// HTTP status, 0 when none came.
    pub(crate) status: u16,
    /// The server's wish, if it had one.
    pub(crate) retry_after_ms: Option<u64>,
    /// The JSON body, if it was one of TrackMate's.
    pub(crate) body: Option<AnswerBody>,
}

/// The fields of an answer that the SDK reads.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AnswerBody {
    /// Every answer of TrackMate's says so or says not.
    pub(crate) success: bool,
    /// The person, after identify.
    pub(crate) profile_id: Option<String>,
    /// A problem's name.
    pub(crate) code: Option<String>,
    /// A problem's text.
    pub(crate) message: Option<String>,
    /// Events the server would not take, when it took others.
    #[serde(default)]
    pub(crate) rejected: Vec<Rejected>,
}

/// One event the server would not take.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Rejected {
    /// A problem's name.
    pub(crate) code: String,
    /// A problem's text.
    pub(crate) message: String,
}

/// What is to become of the calls a request carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// They arrived.
    Delivered,
    /// They may arrive later.
    Again,
    /// They never will.
    Refused,
}

impl Answer {
    /// A 200 that is not TrackMate's own comes from something in between (a hotel's login page, say): the calls did not arrive.
    pub(crate) fn verdict(&self) -> Verdict {
        match self.status {
            200..=299 if self.body.as_ref().is_some_and(|body| body.success) => Verdict::Delivered,
            0 | 200..=299 | 408 | 429 | 500.. => Verdict::Again,
            1..=199 | 300..=499 => Verdict::Refused,
        }
    }
}

/// Milliseconds until the next try after `failures` failures in a row: doubling, with the upper half random so that a fleet of
/// pages does not return in step; never sooner than the server asked.
pub(crate) fn wait_ms(failures: u32, retry_after_ms: Option<u64>, random: u8) -> u64 {
    let doubled = RETRY_FIRST_MS << failures.saturating_sub(1).min(20);
    let half = doubled.min(RETRY_MAX_MS) / 2;
    let own = half + half * u64::from(random) / u64::from(u8::MAX);
    own.max(retry_after_ms.unwrap_or(0).min(RETRY_AFTER_MAX_MS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let verdict = |status, success| {
            let body = Some(AnswerBody { success, ..AnswerBody::default() });
            Answer { status, body, ..Answer::default() }.verdict()
        };
        assert_eq!(verdict(200, true), Verdict::Delivered);
        for status in [0, 200, 408, 429, 500, 503, 599] {
            assert_eq!(verdict(status, false), Verdict::Again, "{status}");
        }
        for status in [301, 400, 401, 403, 404, 413, 422] {
            assert_eq!(verdict(status, false), Verdict::Refused, "{status}");
        }
    }

    #[test]
    fn the_server_s_wish_counts_within_reason() {
        assert_eq!(wait_ms(1, Some(20_000), 0), 20_000);
        assert_eq!(wait_ms(1, Some(u64::MAX), 0), RETRY_AFTER_MAX_MS);
    }

    proptest! {
        #[test]
        fn waits_grow_within_bounds(failures in 1u32.., random: u8) {
            let wait = wait_ms(failures, None, random);
            prop_assert!((RETRY_FIRST_MS / 2..=RETRY_MAX_MS).contains(&wait));
            prop_assert!(wait_ms(failures, None, 0) * 2 >= wait);
        }
    }
}
