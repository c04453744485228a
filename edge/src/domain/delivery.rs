//! The life of a delivery: which steps are possible in each state, and what the outcome of an
//! attempt leads to. The rules are pure: the clock and the jitter are arguments. The statements
//! `store/sql/delivery.*.sql` apply the same rules to many deliveries at once.
//! `edge/tests/rules/deliveries.rs` compares the statements with these rules.
//! `edge/tests/rules/delivery.rs` tests the rules on a million schedules of crashes and of lost and
//! doubled wake-ups.

use trackmate_wire::limits::{EARLY_MS_MAX, INTERRUPTIONS_MAX, RETRY_AFTER_S_MAX, RETRY_DELAY_S_MAX};

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// An attempt is made when it is due.
    Pending,
    /// An attempt is under way, until the lease ends.
    Leased,
    /// It waits for its subscription, which is off, has an open circuit, or has reached its rate.
    Held,
    /// The receiver has it.
    Delivered,
    /// The receiver refused it, or it could not be sent.
    FailedPermanent,
    /// All its attempts are used.
    Exhausted,
    /// The webhook's owner dismissed it.
    Dismissed,
}

impl State {
    /// The state's name in the database and in answers.
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

/// The part of a delivery that the rules use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// Its state.
    pub state: State,
    /// The number of leases so far. An attempt names the lease that it belongs to.
    pub generation: i64,
    /// Attempts that ended since the delivery was last started. The policy counts these.
    pub tries: i64,
    /// Leases that ran out since the last attempt ended.
    pub interrupted: i64,
    /// When it is due, ms. While it is leased, when the lease ends.
    pub due_ms: i64,
}

impl Delivery {
    /// Makes a new delivery: held if its subscription is not open, leased if the invocation that
    /// stores it also attempts it.
    #[must_use]
    pub const fn new(open: bool, lease_ends_ms: Option<i64>, now_ms: i64) -> Self {
        let (state, generation, due_ms) = match lease_ends_ms {
            Some(lease_ends_ms) if open => (State::Leased, 1, lease_ends_ms),
            Some(_) | None => (if open { State::Pending } else { State::Held }, 0, now_ms),
        };
        Self { state, generation, tries: 0, interrupted: 0, due_ms }
    }

    const fn is_due(&self, now_ms: i64) -> bool {
        match self.state {
            // The clocks of two machines differ.
            State::Pending => self.due_ms <= now_ms + EARLY_MS_MAX,
            // The lease of another invocation must really have run out.
            State::Leased => self.due_ms <= now_ms,
            State::Held | State::Delivered | State::FailedPermanent | State::Exhausted | State::Dismissed => false,
        }
    }

    /// Leases the delivery until `lease_ends_ms` if it is due, and returns its new generation. A
    /// due delivery is held if its subscription is not open, and given up if it was interrupted
    /// too often.
    pub const fn lease(&mut self, open: bool, now_ms: i64, lease_ends_ms: i64) -> Option<i64> {
        if !self.is_due(now_ms) {
            return None;
        }
        let was_leased = matches!(self.state, State::Leased);
        if was_leased && self.interrupted >= INTERRUPTIONS_MAX {
            // Each of its attempts may have ended its invocation.
            self.state = State::Exhausted;
            return None;
        }
        if !open {
            self.interrupted += was_leased as i64;
            self.state = State::Held;
            return None;
        }
        self.interrupted += was_leased as i64;
        Some(self.begin_lease(lease_ends_ms))
    }

    /// Leases a held delivery, because a throttle slot was taken for it.
    pub const fn lease_held(&mut self, lease_ends_ms: i64) -> Option<i64> {
        if matches!(self.state, State::Held) { Some(self.begin_lease(lease_ends_ms)) } else { None }
    }

    const fn begin_lease(&mut self, lease_ends_ms: i64) -> i64 {
        self.state = State::Leased;
        self.generation += 1;
        self.due_ms = lease_ends_ms;
        self.generation
    }

    /// Prolongs a valid lease. `false`: the lease is lost, and the attempt must stop.
    pub const fn renew(&mut self, generation: i64, now_ms: i64, lease_ends_ms: i64) -> bool {
        let holds = matches!(self.state, State::Leased) && self.generation == generation && self.due_ms > now_ms;
        if holds {
            self.due_ms = lease_ends_ms;
        }
        holds
    }

    /// Returns an unused lease.
    pub const fn return_lease(&mut self, generation: i64, now_ms: i64) {
        if matches!(self.state, State::Leased) && self.generation == generation {
            self.state = State::Pending;
            self.due_ms = now_ms;
        }
    }

    /// Ends an attempt. `false`: the lease is not valid any more, and nothing changed.
    pub fn settle(&mut self, generation: i64, next: Next, now_ms: i64) -> bool {
        if self.state != State::Leased || self.generation != generation {
            return false;
        }
        self.tries += 1;
        self.interrupted = 0;
        (self.state, self.due_ms) = next.standing(now_ms);
        true
    }

    /// Releases a held delivery: dismisses it, or makes it due.
    pub const fn release(&mut self, dismiss: bool, now_ms: i64) {
        if matches!(self.state, State::Held) {
            self.state = if dismiss { State::Dismissed } else { State::Pending };
            self.due_ms = now_ms;
        }
    }

    /// Starts a delivery that has ended again.
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

/// The outcome of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver answered with this status, and with this many seconds in `Retry-After`.
    Answered(u16, Option<u32>),
    /// No answer: a connection, TLS or DNS failure, or a timeout.
    Unreachable,
    /// Nothing was sent: the URL is not allowed, or no body could be built, because the event was
    /// deleted or its data are not JSON.
    NotSendable,
}

/// How a subscription's deliveries are retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Attempts in all, including the first.
    pub attempts: u32,
    /// Seconds before the second attempt. They double before each later one.
    pub delay_s: u32,
    /// The timeout of one attempt, ms.
    pub timeout_ms: u32,
    /// Whether the waits are those of [`STANDARD_S`] instead of doubling ones.
    pub standard: bool,
}

/// The waits of the `standard` preset, s: about 75 hours in all, as Standard Webhooks recommends.
pub const STANDARD_S: [u32; 9] = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// The waits of the `standard` preset vary by a fifth, so that a receiver that works again does not
/// get all requests at once.
const JITTER: f64 = 0.2;

impl Policy {
    /// Finds a preset by its name: `funnel` (seed 002), `crm` (seed 003), `standard`.
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        Some(match name {
            "funnel" => Self { attempts: 3, delay_s: 1, timeout_ms: 30_000, standard: false },
            "crm" => Self { attempts: 3, delay_s: 60, timeout_ms: 10_000, standard: false },
            "standard" => Self { attempts: 10, delay_s: 5, timeout_ms: 15_000, standard: true },
            _ => return None,
        })
    }

    /// Seconds to wait after attempt number `attempt`. `random` is between 0 and 1.
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

/// What happens to a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is delivered.
    Delivered,
    /// It is tried again after this many seconds.
    Retry(u32),
    /// The receiver refused it and would refuse it again, or it could not be sent.
    FailedPermanent,
    /// All its attempts are used.
    Exhausted,
}

impl Next {
    /// The delivery's next state, and when it is due, ms.
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

/// Decides what follows attempt number `attempt` (the first is 1). A 2xx status delivers. No
/// answer, 408, 425, 429 and 5xx lead to a retry, not before the receiver's `Retry-After`. Any
/// other status is final. That includes redirects, which are not followed.
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
        Outcome::Answered(_, _) | Outcome::NotSendable => Next::FailedPermanent,
    }
}

/// Reads `Retry-After`: whole seconds, or an HTTP date in one of its three forms (RFC 9110,
/// 5.6.7), from which it subtracts `now_ms`.
#[must_use]
pub fn retry_after_s(header: &str, now_ms: i64) -> Option<u32> {
    let header = header.trim();
    if let Ok(seconds) = header.parse() {
        return Some(seconds);
    }
    let at = httpdate::parse_http_date(header).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    let at_ms = i64::try_from(at.as_millis()).ok()?;
    Some(u32::try_from((at_ms - now_ms).max(0) / 1000).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Answered, NotSendable, Unreachable};
    use proptest::prelude::*;

    fn funnel() -> Policy {
        Policy::preset("funnel").unwrap()
    }

    #[test]
    fn the_funnel_preset_tries_at_once_then_after_one_and_after_two_seconds() {
        assert_eq!(after_attempt(&Answered(503, None), 1, funnel(), 0.5), Next::Retry(1));
        assert_eq!(after_attempt(&Unreachable, 2, funnel(), 0.5), Next::Retry(2));
        assert_eq!(after_attempt(&Answered(500, None), 3, funnel(), 0.5), Next::Exhausted);
        assert_eq!(after_attempt(&Answered(204, None), 3, funnel(), 0.5), Next::Delivered);
    }

    #[test]
    fn a_refusal_a_redirect_and_a_delivery_that_cannot_be_sent_are_final() {
        for status in [301, 302, 400, 401, 404, 410, 422] {
            assert_eq!(after_attempt(&Answered(status, None), 1, funnel(), 0.5), Next::FailedPermanent, "{status}");
        }
        assert_eq!(after_attempt(&NotSendable, 1, funnel(), 0.5), Next::FailedPermanent);
        for status in [408, 425, 429, 500, 502, 599] {
            assert_eq!(after_attempt(&Answered(status, None), 1, funnel(), 0.5), Next::Retry(1), "{status}");
        }
    }

    #[test]
    fn the_standard_preset_spreads_ten_attempts_over_three_days_plus_or_minus_a_fifth() {
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
    fn a_retry_waits_as_long_as_the_receiver_demands_but_at_most_a_day() {
        assert_eq!(after_attempt(&Answered(429, Some(30)), 1, funnel(), 0.5), Next::Retry(30));
        assert_eq!(after_attempt(&Answered(503, Some(0)), 1, funnel(), 0.5), Next::Retry(1));
        assert_eq!(after_attempt(&Answered(503, Some(1_000_000)), 1, funnel(), 0.5), Next::Retry(86_400));
        let now = 1_760_788_800_000; // Sat, 18 Oct 2025 12:00:00 GMT
        assert_eq!(retry_after_s("120", now), Some(120));
        assert_eq!(retry_after_s("Sat, 18 Oct 2025 12:01:00 GMT", now), Some(60));
        assert_eq!(retry_after_s("Sat, 18 Oct 2025 11:00:00 GMT", now), Some(0));
        assert_eq!(retry_after_s("Saturday, 18-Oct-25 12:01:00 GMT", now), Some(60), "RFC 850");
        assert_eq!(retry_after_s("Sat Oct 18 12:01:00 2025", now), Some(60), "asctime");
        assert_eq!(retry_after_s("Fri, 31 Dec 9999 23:59:59 GMT", now), Some(u32::MAX));
        assert_eq!(retry_after_s("Sat, 99 Oct 2025 12:01:00 GMT", now), None);
        assert_eq!(retry_after_s("soon", now), None);
    }

    proptest! {
        #[test]
        fn every_delivery_ends_and_never_waits_longer_than_its_limit(
            statuses in prop::collection::vec(prop::option::of(100_u16..600), 50),
            attempts in 1_u32..=50, delay_s in 1..=RETRY_DELAY_S_MAX,
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
