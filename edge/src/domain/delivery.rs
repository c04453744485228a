//! The life of a delivery: what may happen to it in which state, and what an attempt's outcome
//! means for it. Pure: the clock and the jitter are arguments. The statements
//! `store/sql/delivery.*.sql` do the same to many at once; `edge/tests/delivery.rs` holds them
//! against this, and this against a million schedules of crashes, lost and doubled wake-ups.

use trackmate_wire::limits::{EARLY_MS_MAX, INTERRUPTIONS_MAX, RETRY_AFTER_S_MAX, RETRY_DELAY_S_MAX};

/// Where a delivery is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// To be attempted when due.
    Pending,
    /// Under an attempt, until its lease ends.
    Leased,
    /// Waits for its subscription: off, its circuit open, or its rate spent.
    Held,
    /// The receiver has it.
    Delivered,
    /// The receiver said no.
    FailedPermanent,
    /// Its attempts are spent.
    Exhausted,
    /// Its owner did not want it any more.
    Dismissed,
}

impl State {
    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Leased => "leased",
            Self::Held => "held",
            Self::Delivered => "delivered",
            Self::FailedPermanent => "failed_permanent",
            Self::Exhausted => "exhausted",
            Self::Dismissed => "dismissed",
        }
    }

    /// Whether nothing more happens by itself.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::FailedPermanent | Self::Exhausted | Self::Dismissed)
    }
}

/// What the rules look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// Where it is in its life.
    pub state: State,
    /// Claims made; an attempt names the one that is its own.
    pub generation: i64,
    /// Attempts ended since it was last set going; the policy counts these.
    pub tries: i64,
    /// Leases that ran out since an attempt last ended.
    pub interrupted: i64,
    /// When it is due, ms; of a leased one, when the lease ends.
    pub due_ms: i64,
}

impl Delivery {
    /// A new one: held if its subscription takes none, leased if the invocation that stores it
    /// attempts it.
    #[must_use]
    pub const fn new(open: bool, lease_ms: Option<i64>, now_ms: i64) -> Self {
        let (state, generation, due_ms) = match lease_ms {
            Some(lease_ms) if open => (State::Leased, 1, lease_ms),
            Some(_) | None => (if open { State::Pending } else { State::Held }, 0, now_ms),
        };
        Self { state, generation, tries: 0, interrupted: 0, due_ms }
    }

    const fn is_claimable(&self, now_ms: i64) -> bool {
        match self.state {
            // Clocks of two machines differ.
            State::Pending => self.due_ms <= now_ms + EARLY_MS_MAX,
            // A lease of somebody else's must really have run out.
            State::Leased => self.due_ms <= now_ms,
            State::Held | State::Delivered | State::FailedPermanent | State::Exhausted | State::Dismissed => false,
        }
    }

    /// Leases it until `lease_ms` if it is due; the generation is the claim. What is due is held if
    /// its subscription takes none, and given up if it was interrupted too often.
    pub const fn claim(&mut self, open: bool, now_ms: i64, lease_ms: i64) -> Option<i64> {
        if !self.is_claimable(now_ms) {
            return None;
        }
        let was_leased = matches!(self.state, State::Leased);
        if was_leased && self.interrupted >= INTERRUPTIONS_MAX {
            // Each of its attempts may have killed its own invocation.
            self.state = State::Exhausted;
            return None;
        }
        if !open {
            self.interrupted += was_leased as i64;
            self.state = State::Held;
            return None;
        }
        self.interrupted += was_leased as i64;
        Some(self.lease(lease_ms))
    }

    /// Leases a held one: a probe, or its turn has come.
    pub const fn claim_held(&mut self, lease_ms: i64) -> Option<i64> {
        if matches!(self.state, State::Held) { Some(self.lease(lease_ms)) } else { None }
    }

    const fn lease(&mut self, lease_ms: i64) -> i64 {
        self.state = State::Leased;
        self.generation += 1;
        self.due_ms = lease_ms;
        self.generation
    }

    /// Prolongs a lease that still holds; `false`: it is lost, and the attempt must stop.
    pub const fn renew(&mut self, claim: i64, now_ms: i64, lease_ms: i64) -> bool {
        let holds = matches!(self.state, State::Leased) && self.generation == claim && self.due_ms > now_ms;
        if holds {
            self.due_ms = lease_ms;
        }
        holds
    }

    /// Takes back a lease that was not used.
    pub const fn give_back(&mut self, claim: i64, now_ms: i64) {
        if matches!(self.state, State::Leased) && self.generation == claim {
            self.state = State::Pending;
            self.due_ms = now_ms;
        }
    }

    /// Ends an attempt; `false`: the claim does not hold any more, and nothing changed.
    pub fn settle(&mut self, claim: i64, next: Next, now_ms: i64) -> bool {
        if self.state != State::Leased || self.generation != claim {
            return false;
        }
        self.tries += 1;
        self.interrupted = 0;
        (self.state, self.due_ms) = next.standing(now_ms);
        true
    }

    /// Moves a held one on.
    pub const fn release(&mut self, dismiss: bool, now_ms: i64) {
        if matches!(self.state, State::Held) {
            self.state = if dismiss { State::Dismissed } else { State::Pending };
            self.due_ms = now_ms;
        }
    }

    /// Sets one that has ended going again.
    pub const fn resend(&mut self, now_ms: i64) -> bool {
        let ended = self.state.is_final();
        if ended {
            self.state = State::Pending;
            self.tries = 0;
            self.interrupted = 0;
            self.due_ms = now_ms;
        }
        ended
    }
}

/// What came of one attempt at a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver answered with this status, and asked to be left alone for so many seconds.
    Answered(u16, Option<u32>),
    /// No answer: connection, TLS or DNS failure, or the deadline passed.
    Unreachable,
    /// The URL may not be sent to; nothing was sent.
    Refused,
}

/// How a subscription wants its deliveries retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// Seconds before the second attempt; doubled before each later one.
    pub delay_s: u32,
    /// Milliseconds of one attempt.
    pub timeout_ms: u32,
    /// Waits as [`STANDARD_S`] says instead of doubling.
    pub standard: bool,
}

/// The waits of the `standard` preset, s: about 75 hours in all, as Standard Webhooks recommends.
pub const STANDARD_S: [u32; 9] = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// The waits of the `standard` preset vary by a fifth, so that a receiver that comes back is not
/// met by everything at once.
const JITTER: f64 = 0.2;

impl Policy {
    /// A preset by its name: `funnel` (seed 002), `crm` (seed 003), `standard`.
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        Some(match name {
            "funnel" => Self { attempts: 3, delay_s: 1, timeout_ms: 30_000, standard: false },
            "crm" => Self { attempts: 3, delay_s: 60, timeout_ms: 10_000, standard: false },
            "standard" => Self { attempts: 10, delay_s: 5, timeout_ms: 15_000, standard: true },
            _ => return None,
        })
    }

    /// Seconds to wait after attempt number `attempt`; `random` is from 0 to 1.
    fn delay_s(&self, attempt: u32, random: f64) -> u32 {
        if !self.standard {
            let doubled = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
            return self.delay_s.saturating_mul(doubled).min(RETRY_DELAY_S_MAX);
        }
        let step = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        let wait = STANDARD_S.get(step).or(STANDARD_S.last()).copied().unwrap_or_default();
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a fifth more than a day, and never negative"
        )]
        let jittered = (f64::from(wait) * (1.0 + JITTER * (2.0 * random - 1.0))).round() as u32;
        jittered
    }
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

impl Next {
    /// Where it leaves its delivery, and when that is due, ms.
    #[must_use]
    pub const fn standing(self, now_ms: i64) -> (State, i64) {
        match self {
            Self::Delivered => (State::Delivered, now_ms),
            Self::FailedPermanent => (State::FailedPermanent, now_ms),
            Self::Exhausted => (State::Exhausted, now_ms),
            Self::Retry(delay_s) => (State::Pending, now_ms + delay_s as i64 * 1000),
        }
    }
}

/// Decides after attempt number `attempt` (1 is the first): 2xx delivers; no answer, 408, 425, 429
/// and 5xx are retried, no sooner than the receiver asked for; any other answer is final. Redirects
/// are answers like any other: they are not followed.
#[must_use]
pub fn after_attempt(outcome: &Outcome, attempt: u32, policy: Policy, random: f64) -> Next {
    match outcome {
        Outcome::Answered(200..=299, _) => Next::Delivered,
        Outcome::Answered(408 | 425 | 429 | 500..=599, _) | Outcome::Unreachable if attempt >= policy.attempts => {
            Next::Exhausted
        }
        Outcome::Answered(408 | 425 | 429 | 500..=599, asked_s) => {
            Next::Retry(policy.delay_s(attempt, random).max(asked_s.unwrap_or_default().min(RETRY_AFTER_S_MAX)))
        }
        Outcome::Unreachable => Next::Retry(policy.delay_s(attempt, random)),
        Outcome::Answered(_, _) | Outcome::Refused => Next::FailedPermanent,
    }
}

/// Reads `Retry-After`: whole seconds, or an HTTP date (RFC 9110), which lies so many seconds after
/// `now_ms`.
#[must_use]
pub fn retry_after_s(header: &str, now_ms: i64) -> Option<u32> {
    let header = header.trim();
    if let Ok(seconds) = header.parse() {
        return Some(seconds);
    }
    let at = chrono::DateTime::parse_from_rfc2822(header).ok()?.timestamp_millis();
    u32::try_from((at - now_ms).max(0) / 1000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Answered, Refused, Unreachable};
    use proptest::prelude::*;

    fn funnel() -> Policy {
        Policy::preset("funnel").unwrap()
    }

    #[test]
    fn the_funnel_tries_at_once_then_after_one_then_two_seconds() {
        assert_eq!(after_attempt(&Answered(503, None), 1, funnel(), 0.5), Next::Retry(1));
        assert_eq!(after_attempt(&Unreachable, 2, funnel(), 0.5), Next::Retry(2));
        assert_eq!(after_attempt(&Answered(500, None), 3, funnel(), 0.5), Next::Exhausted);
        assert_eq!(after_attempt(&Answered(204, None), 3, funnel(), 0.5), Next::Delivered);
    }

    #[test]
    fn a_no_and_a_redirect_are_final() {
        for status in [301, 302, 400, 401, 404, 410, 422] {
            assert_eq!(after_attempt(&Answered(status, None), 1, funnel(), 0.5), Next::FailedPermanent, "{status}");
        }
        assert_eq!(after_attempt(&Refused, 1, funnel(), 0.5), Next::FailedPermanent);
        for status in [408, 425, 429, 500, 502, 599] {
            assert_eq!(after_attempt(&Answered(status, None), 1, funnel(), 0.5), Next::Retry(1), "{status}");
        }
    }

    #[test]
    fn the_standard_policy_spreads_ten_attempts_over_three_days_give_or_take_a_fifth() {
        let standard = Policy::preset("standard").unwrap();
        let waits = |random| -> Vec<u32> {
            let next = |attempt| after_attempt(&Unreachable, attempt, standard, random);
            (1..10).map(|attempt| if let Next::Retry(s) = next(attempt) { s } else { 0 }).collect()
        };
        assert_eq!(waits(0.5), STANDARD_S);
        assert_eq!(waits(0.5).iter().sum::<u32>() / 3600, 75);
        assert_eq!((waits(0.0)[0], waits(1.0)[0]), (4, 6));
        assert_eq!(after_attempt(&Unreachable, 10, standard, 0.5), Next::Exhausted);
    }

    #[test]
    fn a_receiver_is_left_alone_as_long_as_it_asks_up_to_a_day() {
        assert_eq!(after_attempt(&Answered(429, Some(30)), 1, funnel(), 0.5), Next::Retry(30));
        assert_eq!(after_attempt(&Answered(503, Some(0)), 1, funnel(), 0.5), Next::Retry(1));
        assert_eq!(after_attempt(&Answered(503, Some(1_000_000)), 1, funnel(), 0.5), Next::Retry(86_400));
        let now = 1_760_788_800_000; // Sat, 18 Oct 2025 12:00:00 GMT
        assert_eq!(retry_after_s("120", now), Some(120));
        assert_eq!(retry_after_s("Sat, 18 Oct 2025 12:01:00 GMT", now), Some(60));
        assert_eq!(retry_after_s("Sat, 18 Oct 2025 11:00:00 GMT", now), Some(0));
        assert_eq!(retry_after_s("soon", now), None);
    }

    proptest! {
        #[test]
        fn every_delivery_ends_and_never_waits_past_its_bound(
            statuses in prop::collection::vec(prop::option::of(100_u16..600), 50), attempts in 1_u32..=50, delay_s in 1..=RETRY_DELAY_S_MAX,
            standard in any::<bool>(), random in 0.0..=1.0,
        ) {
            let policy = Policy { attempts, delay_s, timeout_ms: 1000, standard };
            let mut made = 0;
            for status in statuses {
                made += 1;
                match after_attempt(&status.map_or(Unreachable, |s| Answered(s, None)), made, policy, random) {
                    Next::Retry(wait) => prop_assert!((1..=103_680).contains(&wait) && made < attempts),
                    Next::Delivered | Next::FailedPermanent | Next::Exhausted => break,
                }
            }
            prop_assert!(made <= attempts);
        }
    }
}
