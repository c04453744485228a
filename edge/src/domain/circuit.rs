//! The circuit of a subscription: whether its receiver is left alone for a while. Pure;
//! `store/sql/subscription.note.sql` says the same.
//!
//! Closed, attempts go out. After [`OPENS_AFTER`] attempts in a row that brought no answer to keep,
//! it opens: what comes in is held. When its pause is over, one held delivery is the probe. The
//! probe's success, or any answer of a receiver that is there, closes it; its failure doubles the
//! pause.

/// Failed attempts in a row that open a circuit.
pub const OPENS_AFTER: i64 = 10;
/// Milliseconds of the first pause …
pub const PAUSE_MS_MIN: i64 = 30_000;
/// … and of the longest.
pub const PAUSE_MS_MAX: i64 = 600_000;

/// A subscription's circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Circuit {
    /// Failed attempts in a row; while open, probes too.
    pub trouble: i64,
    /// While open: no probe before this, ms.
    pub open_until: Option<i64>,
    /// The delivery that is the probe.
    pub probe: Option<u32>,
}

/// What a settling says of one subscription's attempts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// Attempts that a receiver answered with a yes or a no.
    pub alive: i64,
    /// Attempts that are to be made again, or would be if any were left.
    pub bad: i64,
    /// Whether the probe was among them.
    pub probed: bool,
}

impl Circuit {
    /// Takes the turn for a probe, if it is time; the next one's comes when this one's lease must
    /// have ended.
    pub const fn take_turn(&mut self, probe: u32, now_ms: i64, probe_ends_ms: i64) -> bool {
        match self.open_until {
            Some(until) if until <= now_ms => {
                self.open_until = Some(probe_ends_ms);
                self.probe = Some(probe);
                true
            }
            Some(_) | None => false,
        }
    }

    /// Notes what came of attempts.
    pub fn note(&mut self, seen: Seen, now_ms: i64) {
        if seen.alive > 0 {
            *self = Self::default();
            return;
        }
        match self.open_until {
            None => {
                self.trouble += seen.bad;
                if self.trouble >= OPENS_AFTER {
                    self.open_until = Some(now_ms + PAUSE_MS_MIN);
                }
            }
            Some(_) if seen.probed => {
                self.trouble += 1;
                let doublings = (self.trouble - OPENS_AFTER).clamp(0, 20);
                self.open_until = Some(now_ms + (PAUSE_MS_MIN << doublings).min(PAUSE_MS_MAX));
            }
            Some(_) => {}
        }
        if seen.probed {
            self.probe = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_failures_in_a_row_open_it_and_a_success_closes_it() {
        let mut circuit = Circuit::default();
        circuit.note(Seen { bad: 9, ..Seen::default() }, 0);
        assert_eq!(circuit.open_until, None);
        circuit.note(Seen { alive: 1, bad: 5, probed: false }, 0);
        circuit.note(Seen { bad: 9, ..Seen::default() }, 0);
        assert_eq!(circuit.open_until, None, "a success in between starts the count again");
        circuit.note(Seen { bad: 1, ..Seen::default() }, 1000);
        assert_eq!(circuit.open_until, Some(31_000));
        circuit.note(Seen { bad: 50, ..Seen::default() }, 2000);
        assert_eq!(circuit.open_until, Some(31_000), "what was still under way says nothing new");
        circuit.note(Seen { alive: 1, ..Seen::default() }, 3000);
        assert_eq!(circuit, Circuit::default());
    }

    #[test]
    fn one_probe_at_a_time_and_each_failure_doubles_the_pause_to_ten_minutes() {
        let mut circuit = Circuit { trouble: OPENS_AFTER, open_until: Some(30_000), probe: None };
        assert!(!circuit.take_turn(7, 29_999, 50_000));
        let mut now = 30_000;
        for pause_s in [60, 120, 240, 480, 600, 600] {
            assert!(circuit.take_turn(7, now, now + 20_000));
            assert!(!circuit.take_turn(8, now + 1, now + 20_001), "its turn is taken");
            circuit.note(Seen { bad: 1, probed: true, alive: 0 }, now + 10);
            assert_eq!(circuit.open_until, Some(now + 10 + pause_s * 1000));
            now += 10 + pause_s * 1000;
        }
    }
}
