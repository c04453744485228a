//! What an attempt's outcome means for its delivery. Pure: the clock is an argument.

use trackmate_wire::limits::RETRY_DELAY_S_MAX;

/// What came of one attempt at a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver answered with this status.
    Answered(u16),
    /// No answer: connection, TLS or DNS failure, or the deadline passed.
    Unreachable,
    /// The URL may not be sent to; nothing was sent.
    Refused,
}

/// How a subscription wants its deliveries retried.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// Seconds before the second attempt; doubled before each later one.
    pub delay_s: u32,
}

/// What happens to the delivery next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The receiver has it.
    Delivered,
    /// Tried again after this many seconds.
    Retry(u32),
    /// The receiver said no, and would again.
    FailedPermanent,
    /// Every attempt is spent.
    Exhausted,
}

/// Decides after attempt number `attempt` (1 is the first): 2xx delivers; no answer, 408, 425, 429 and 5xx are retried; any other
/// answer is final. Redirects are answers like any other: they are not followed.
#[must_use]
pub fn after_attempt(outcome: &Outcome, attempt: u32, policy: Policy) -> Next {
    match outcome {
        Outcome::Answered(200..=299) => Next::Delivered,
        Outcome::Answered(408 | 425 | 429 | 500..=599) | Outcome::Unreachable if attempt >= policy.attempts => {
            Next::Exhausted
        }
        Outcome::Answered(408 | 425 | 429 | 500..=599) | Outcome::Unreachable => {
            let doubled = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
            Next::Retry(policy.delay_s.saturating_mul(doubled).min(RETRY_DELAY_S_MAX))
        }
        Outcome::Answered(_) | Outcome::Refused => Next::FailedPermanent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Answered, Refused, Unreachable};

    const FUNNEL: Policy = Policy { attempts: 3, delay_s: 1 };

    #[test]
    fn the_funnel_tries_at_once_then_after_one_then_two_seconds() {
        assert_eq!(after_attempt(&Answered(503), 1, FUNNEL), Next::Retry(1));
        assert_eq!(after_attempt(&Unreachable, 2, FUNNEL), Next::Retry(2));
        assert_eq!(after_attempt(&Answered(500), 3, FUNNEL), Next::Exhausted);
        assert_eq!(after_attempt(&Answered(204), 3, FUNNEL), Next::Delivered);
    }

    #[test]
    fn a_no_and_a_redirect_are_final() {
        for status in [301, 302, 400, 401, 404, 410, 422] {
            assert_eq!(after_attempt(&Answered(status), 1, FUNNEL), Next::FailedPermanent, "{status}");
        }
        assert_eq!(after_attempt(&Refused, 1, FUNNEL), Next::FailedPermanent);
        for status in [408, 425, 429, 500, 502, 599] {
            assert_eq!(after_attempt(&Answered(status), 1, FUNNEL), Next::Retry(1), "{status}");
        }
    }

    #[test]
    fn a_delay_never_passes_its_bound() {
        let policy = Policy { attempts: 50, delay_s: 3600 };
        for attempt in 1..50 {
            assert!(matches!(after_attempt(&Unreachable, attempt, policy), Next::Retry(s) if s <= RETRY_DELAY_S_MAX));
        }
    }
}
